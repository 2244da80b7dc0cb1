# The gate: what `make test` runs, each part by itself too.

# ansible-test resolves links and wants a path that ends in ansible_collections/portkeeper/windows: it gets a copy. Each part has its
# own, since parts run side by side.
copy_of = $(BUILD)/copies/$(1)/ansible_collections/portkeeper/windows
# A short path: the environments in it hold programs whose first line must stay under 127 characters.
SANITY_HOME := $(CURDIR)/$(BUILD)/home
INSTALLED := $(BUILD)/installed
IMPORTER := $(CURDIR)/$(BUILD)/importer
PYTHON_VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ONLY ?=

# Parts that leave a core idle, the longest first; and those that wait for programs.
SIDE_BY_SIDE := sanity server-words collection-check ansible-lint types docs fuzz changelog-check
END_TO_END := fleet-tests integration-sample report-tests matrix-sample

.PHONY: test
test: matrix-choice
	@started=$$SECONDS; \
	for part in lint unit side-by-side end-to-end; do $(MAKE) --no-print-directory part-$$part; done; \
	echo "== everything holds ($$((SECONDS - started)) s)"

.PHONY: side-by-side
side-by-side: environment
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(addprefix part-,$(SIDE_BY_SIDE))

.PHONY: end-to-end
end-to-end: environment kerberos
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(addprefix part-,$(END_TO_END))

part-%:
	@echo "== $*"; began=$$SECONDS; \
	$(MAKE) --no-print-directory $* || { echo "== $* FAILED after $$((SECONDS - began)) s" >&2; exit 1; }; \
	echo "== $* holds ($$((SECONDS - began)) s)"

.PHONY: lint
lint: environment
	ruff check .
	ruff format --check .
	shellcheck .ci/run .github/scripts/*
	reuse lint --quiet || { reuse lint; exit 1; }

# Twice: plugins/ must run on the Python of the oldest ansible-core (2.17), the tests need not.
.PHONY: types
types: environment
	mypy --python-version 3.10 -p ansible_collections.portkeeper.windows.plugins -p ansible_collections.portkeeper.windows.extensions
	mypy --python-version 3.11 -p tests

# A few statistics take seconds each: a worker that is done takes over what another has not begun.
.PHONY: unit
unit: environment kerberos
	$(PYTEST) --dist worksteal $(or $(ONLY),tests/unit)

# Four workers: half of the time each waits for a service or a boot.
.PHONY: fleet-tests
fleet-tests: environment kerberos
	$(PYTEST) -n 4 $(or $(ONLY),tests/fleet)

# Every probe looks at every switch of the lab, and labs break off at many messages: the gate has a sample.
.PHONY: verify-matrix
verify-matrix: environment
	PORTKEEPER_WHOLE_MATRIX=1 PORTKEEPER_LAB_BREAKS=200 $(PYTEST) -n 2 tests/fleet/test_verify_matrix.py tests/fleet/test_verify_lab.py

# The page about a fleet, in headless Chromium where that is installed; without it those tests say so and are left out.
.PHONY: report-tests
report-tests: environment
	$(PYTEST) $(or $(ONLY),tests/report)

.PHONY: changelog-check
changelog-check: environment
	antsibull-changelog lint
	antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml

# What a user gets: only what belongs in it, found by Ansible by its full names, and taken by Galaxy, whose warnings fail here.
.PHONY: collection-check
collection-check: collection $(IMPORTER)/made-from
	@rm -rf $(INSTALLED)
	ansible-galaxy collection install --offline --no-deps --force --collections-path $(INSTALLED) $(TARBALL)
	$(PYTHON) -m tests.tooling.installed_collection $(INSTALLED)
	@mkdir -p $(IMPORTER)/home
	@cd $(IMPORTER)/home && env -i PATH=$(IMPORTER)/bin:/usr/bin:/bin HOME=$(IMPORTER)/home GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true \
	  $(IMPORTER)/bin/python -m galaxy_importer.main $(CURDIR)/$(TARBALL) >said 2>&1 || { cat said; exit 1; }
	@if grep -E '^(WARNING|ERROR)' $(IMPORTER)/home/said; then exit 1; fi
	@tail -1 $(IMPORTER)/home/said

# An environment of its own, since the importer pins old versions of what ours has new.
$(IMPORTER)/made-from: tests/requirements/importer.txt | prerequisites
	@rm -rf $(IMPORTER) && $(PYTHON3) -m venv $(IMPORTER)
	@echo 'Installing the importer of Galaxy ...'
	@$(IMPORTER)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r $<
	@cp $< $@

# The docs site, built without the network; a warning of Sphinx fails it. In an environment of its own, since Sphinx and the gate want
# different versions of docutils.
DOCS_VENV := $(BUILD)/docs-venv
.PHONY: docs
docs: environment $(DOCS_VENV)/made-from
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.documented.site $(DOCS_VENV)/bin $(BUILD)/site

$(DOCS_VENV)/made-from: tests/requirements/docs.txt | prerequisites
	@rm -rf $(DOCS_VENV) && $(PYTHON3) -m venv $(DOCS_VENV)
	@echo 'Installing what builds the docs site ...'
	@$(DOCS_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r $<
	@cp $< $@

# A repository of its own: ansible-test and ansible-lint ask git for the files, and the one around it ignores build/.
copy-%: environment
	@rm -rf $(call copy_of,$*) && mkdir -p $(call copy_of,$*) && git init --quiet $(call copy_of,$*)
	@git ls-files --cached --others --exclude-standard -z \
	  | tar --create --null --files-from=- --ignore-failed-read --warning=no-failed-read \
	  | tar --extract --directory $(call copy_of,$*)

.PHONY: ansible-lint
ansible-lint: copy-lint
	cd $(call copy_of,lint) \
	  && env -u ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/$(BUILD)/copies/lint ansible-lint --offline --nocolor

# --python: ansible-test takes every pythonX.Y on the PATH for one that runs, which wrappers of version managers need not.
.PHONY: sanity
sanity: copy-sanity
	@$(PYTHON) tests/tooling/ansible_test_home.py $(SANITY_HOME)
	@echo 'pslint looks only at .ps1 files and shellcheck at .sh files: the collection has none.'
	cd $(call copy_of,sanity) && HOME=$(SANITY_HOME) ansible-test sanity --color no --python $(PYTHON_VERSION) $(ONLY)

# The targets of tests/integration by ansible-test: on simulated servers of every release, or on the real ones of an inventory.
# ONLY names targets, or hands on options of ansible-test. server_reboot runs on a real server only with --allow-destructive.
INVENTORY ?=
INTEGRATION = $(PYTHON) -m tests.tooling.integration $(call copy_of,integration) $(SANITY_HOME)
.PHONY: integration
integration: copy-integration
	@$(PYTHON) tests/tooling/ansible_test_home.py $(SANITY_HOME)
	@$(INTEGRATION) $(if $(INVENTORY),--inventory '$(INVENTORY)',--log $(BUILD)/integration.log --allow-destructive) $(ONLY)

# What the gate has of it: one server of each generation of Windows, and all targets but those that write on the controller alone,
# which tests/report and tests/fleet run anyway.
IN_NO_SAMPLE := module_offline_kit port_maps port_page role_offline_kit role_port_report verify_assumptions
.PHONY: integration-sample
integration-sample: copy-integration
	@$(PYTHON) tests/tooling/ansible_test_home.py $(SANITY_HOME)
	@$(INTEGRATION) --group generation --log $(BUILD)/integration.log --allow-destructive \
	  $(or $(ONLY),$(addprefix --exclude ,$(IN_NO_SAMPLE)))

# Other versions of ansible-core, Python and libraries: tests/tooling/matrix.py has the rows, named WHAT-PYTHON. `make matrix` runs those
# whose Python is found here, all of them, and names those that failed or were left out; `make matrix-2.17-3.10` runs one.

# Run by the Python of the machine, before there is an environment.
MATRIX = PATH='$(HOST_PATH)' $(PYTHON3) -m tests.tooling.matrix
python_of = $(lastword $(subst -, ,$(1)))
# What is not the collection itself, such as the benchmark, needs only the versions of the checkout's own environment. The simulated fleet
# needs Python 3.11; on 3.10, which only ansible-core 2.17 has, the collection's own tests run alone.
of_the_fleet = $(if $(filter 3.10,$(call python_of,$(ROW))),,$(1))
SMOKE := tests/fleet/test_smoke.py
MATRIX_TESTS = tests/unit/plugins $(call of_the_fleet,$(SMOKE) $(WORDS_TEST))
# What the gate has of a row: where the collection meets ansible-core, pywinrm, pypsrp and jmespath.
SAMPLE_TESTS = $(addprefix tests/unit/plugins/,module_utils/_wsman/test_transport.py plugin_utils) $(call of_the_fleet,$(SMOKE))

.PHONY: matrix
matrix: environment
	@failed=''; \
	for row in $$($(MATRIX) here); do $(MAKE) --no-print-directory matrix-$$row || failed="$$failed $$row"; done; \
	echo "== matrix: left out for want of their Python: $$($(MATRIX) left-out); failed:$${failed:- none}"; \
	test -z "$$failed"

.PHONY: matrix-rows
matrix-rows:
	@$(MATRIX) rows

# The gate takes one row, by the hash of what is committed: in the long run all are taken, and a commit has always the same one on a machine.
# ROW=2.17-3.12 takes another.
.PHONY: matrix-choice
matrix-choice:
	@echo "== $$($(MATRIX) told)"

.PHONY: matrix-sample
matrix-sample: link
	@row='$(ROW)'; row=$${row:-$$($(MATRIX) choice)}; \
	if [ -z "$$row" ]; then echo '== matrix: left out, no Python of a row is here'; else \
	  $(MAKE) --no-print-directory matrix-sample-row ROW=$$row ROW_PYTHON="$$($(MATRIX) interpreter $$row)"; \
	fi

.PHONY: matrix-sample-row
matrix-sample-row: matrix-environment
	@PATH=$(ROW_PATH) $(BYTECODE) $(ROW_VENV)/bin/python -m pytest -n 2 -q $(SAMPLE_TESTS)

matrix-%: copy-matrix
	@python=$$($(MATRIX) interpreter $*); \
	if [ -z "$$python" ]; then echo '== row $*: left out, there is no Python $(call python_of,$*) with venv here'; else \
	  $(MAKE) --no-print-directory matrix-row ROW=$* ROW_PYTHON="$$python"; \
	fi

ROW_VENV = $(CURDIR)/$(BUILD)/matrix/$(ROW)
ROW_PATH = $(ROW_VENV)/bin:$(dir $(ROW_PYTHON)):$(PATH)

.PHONY: matrix-environment
matrix-environment:
	@test -x $(ROW_VENV)/bin/python || $(ROW_PYTHON) -m venv $(ROW_VENV)
	@title=$$($(MATRIX) write $(ROW) $(ROW_VENV)); echo "== $$title"
	@$(ROW_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  $(if $(filter newest-%,$(ROW)),--upgrade --upgrade-strategy eager) -r $(ROW_VENV)/requirements.txt -c $(ROW_VENV)/constraints.txt

# The sanity tests come along: each branch brings its own and looks through the eyes of its own Python.
.PHONY: matrix-row
matrix-row: matrix-environment
	@PATH=$(ROW_PATH) $(BYTECODE) $(ROW_VENV)/bin/python -m pytest -n 2 -q $(MATRIX_TESTS)
	@PATH=$(ROW_PATH) $(ROW_VENV)/bin/python tests/tooling/ansible_test_home.py $(SANITY_HOME)
	cd $(call copy_of,matrix) && PATH=$(ROW_PATH) HOME=$(SANITY_HOME) ansible-test sanity --color no --python $(call python_of,$(ROW))

# ansible-core before 2.19 runs texts as templates unless they are marked: what servers say must stay text there, too. Each of these
# branches on the first Python found that it runs on and the fleet needs. The gate has them; both at once, since they wait a lot.
WORDS_TEST := tests/fleet/test_server_words.py
OLD_CORES := 2.17 2.18

.PHONY: server-words
server-words: environment
	@for version in 3.11 3.12; do python=$$($(MATRIX) interpreter 2.17-$$version); test -z "$$python" || break; done; \
	if [ -z "$$python" ]; then \
	  echo '== ansible-core $(OLD_CORES): left out, there is no Python 3.11 or 3.12 with venv here'; \
	else \
	  $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,--jobs 2) --output-sync=target \
	    OLD_CORES_PYTHON="$$python" $(foreach core,$(OLD_CORES),server-words-$(core)-$$version); \
	fi

server-words-%:
	@$(MAKE) --no-print-directory server-words-row ROW=$* ROW_PYTHON='$(OLD_CORES_PYTHON)'

.PHONY: server-words-row
server-words-row: matrix-environment
	@PATH=$(ROW_PATH) $(BYTECODE) $(ROW_VENV)/bin/python -m pytest -q $(WORDS_TEST)

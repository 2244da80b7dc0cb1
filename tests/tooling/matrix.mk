# The supported ansible-core branches, each on a Python that it supports: ANSIBLE_CORE-PYTHON. `make matrix` runs those whose Python is
# found here, all of them, and names those that failed or were left out; `make matrix-2.17-3.10` runs one.

MATRIX := 2.17-3.10 2.17-3.12 2.18-3.13 2.19-3.12 2.20-3.13 2.21-3.13
# The simulated fleet needs Python 3.11; on 3.10, which only ansible-core 2.17 has, what runs in the collection is tested alone.
MATRIX_TESTS = $(if $(filter 3.10,$(call python_of,$(ROW))),tests/unit/plugins,tests/unit $(wildcard tests/fleet/test_smoke.py) $(WORDS_TEST))

core_of = $(firstword $(subst -, ,$(1)))
python_of = $(lastword $(subst -, ,$(1)))
# What stands on the PATH may be a version manager's wrapper that runs nothing: each candidate is tried.
interpreter_of = $(firstword $(foreach candidate,python$(1) $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python),$(shell \
	PATH='$(HOST_PATH)' $(candidate) -c 'import ensurepip, sys, venv; print(sys.executable)' 2>/dev/null)))

MATRIX_WITHOUT_PYTHON = $(strip $(foreach row,$(MATRIX),$(if $(call interpreter_of,$(call python_of,$(row))),,$(row))))

.PHONY: matrix
matrix: environment
	@failed=''; \
	for row in $(MATRIX); do $(MAKE) --no-print-directory matrix-$$row || failed="$$failed $$row"; done; \
	without='$(MATRIX_WITHOUT_PYTHON)'; \
	echo "== matrix: left out for want of their Python: $${without:-none}; failed:$${failed:- none}"; \
	test -z "$$failed"

# The rows as JSON, for a workflow's matrix.
.PHONY: matrix-rows
matrix-rows:
	@separator=''; printf '{"include":['; \
	for row in $(MATRIX); do \
	  printf '%s{"row":"%s","core":"%s","python":"%s"}' "$$separator" "$$row" "$${row%-*}" "$${row#*-}"; separator=,; \
	done; \
	echo ']}'

.PHONY: matrix-%
matrix-%: copy-matrix
	@if [ -z '$(call interpreter_of,$(call python_of,$*))' ]; then \
	  echo "== ansible-core $(call core_of,$*): left out, there is no Python $(call python_of,$*) with venv here"; \
	else \
	  $(MAKE) --no-print-directory matrix-row ROW=$* ROW_PYTHON='$(call interpreter_of,$(call python_of,$*))'; \
	fi

ROW_VENV = $(CURDIR)/$(BUILD)/matrix/$(ROW)
ROW_PATH = $(ROW_VENV)/bin:$(dir $(ROW_PYTHON)):$(PATH)

.PHONY: matrix-environment
matrix-environment:
	@echo "== ansible-core $(call core_of,$(ROW)) on Python $(call python_of,$(ROW))"
	@test -x $(ROW_VENV)/bin/python || $(ROW_PYTHON) -m venv $(ROW_VENV)
	@$(ROW_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  'ansible-core ~= $(call core_of,$(ROW)).0' -r tests/requirements/matrix.txt

# The sanity tests come along: each branch brings its own and looks through the eyes of its own Python.
.PHONY: matrix-row
matrix-row: matrix-environment
	@PATH=$(ROW_PATH) $(ROW_VENV)/bin/python -m pytest -n 2 -q $(MATRIX_TESTS)
	@PATH=$(ROW_PATH) $(ROW_VENV)/bin/python tests/tooling/ansible_test_home.py $(SANITY_HOME)
	cd $(call copy_of,matrix) && PATH=$(ROW_PATH) HOME=$(SANITY_HOME) ansible-test sanity --color no --python $(call python_of,$(ROW))

# ansible-core before 2.19 runs texts as templates unless they are marked: what servers say must stay text there, too. Each of these
# branches on the first Python found that it runs on and the fleet needs. The gate has them; both at once, since they wait a lot.
WORDS_TEST := tests/fleet/test_server_words.py
OLD_CORES := 2.17 2.18
OLD_CORES_PYTHON = $(firstword $(foreach version,3.11 3.12,$(if $(call interpreter_of,$(version)),$(version))))

.PHONY: server-words
server-words: environment
	@if [ -z '$(OLD_CORES_PYTHON)' ]; then \
	  echo '== ansible-core $(OLD_CORES): left out, there is no Python 3.11 or 3.12 with venv here'; \
	else \
	  $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,--jobs 2) --output-sync=target \
	    $(addprefix server-words-,$(OLD_CORES)); \
	fi

.PHONY: server-words-%
server-words-%:
	@$(MAKE) --no-print-directory server-words-row ROW=$*-$(OLD_CORES_PYTHON) ROW_PYTHON='$(call interpreter_of,$(OLD_CORES_PYTHON))'

.PHONY: server-words-row
server-words-row: matrix-environment
	@PATH=$(ROW_PATH) $(BYTECODE) $(ROW_VENV)/bin/python -m pytest -q $(WORDS_TEST)

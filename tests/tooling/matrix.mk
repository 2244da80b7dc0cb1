# The supported ansible-core branches, each on a Python that it supports: ANSIBLE_CORE-PYTHON. `make matrix` runs those whose Python is
# found here and says which it left out; `make matrix-2.17-3.10` runs one.

MATRIX := 2.17-3.10 2.17-3.12 2.18-3.13 2.19-3.12 2.20-3.13 2.21-3.13
# The simulated fleet needs Python 3.11; on 3.10, which only ansible-core 2.17 has, what runs in the collection is tested alone.
MATRIX_TESTS = $(if $(filter 3.10,$(call python_of,$(ROW))),tests/unit/plugins,tests/unit $(wildcard tests/fleet/test_smoke.py))

core_of = $(firstword $(subst -, ,$(1)))
python_of = $(lastword $(subst -, ,$(1)))
# What stands on the PATH may be a version manager's wrapper that runs nothing: each candidate is tried.
interpreter_of = $(firstword $(foreach candidate,python$(1) $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python),$(shell \
	PATH='$(HOST_PATH)' $(candidate) -c 'import ensurepip, sys, venv; print(sys.executable)' 2>/dev/null)))

.PHONY: matrix
matrix: $(addprefix matrix-,$(MATRIX))

.PHONY: matrix-%
matrix-%: copy
	@if [ -z '$(call interpreter_of,$(call python_of,$*))' ]; then \
	  echo "== ansible-core $(call core_of,$*): left out, there is no Python $(call python_of,$*) with venv here"; \
	else \
	  $(MAKE) --no-print-directory matrix-row ROW=$* ROW_PYTHON='$(call interpreter_of,$(call python_of,$*))'; \
	fi

ROW_VENV = $(CURDIR)/$(BUILD)/matrix/$(ROW)
ROW_PATH = $(ROW_VENV)/bin:$(dir $(ROW_PYTHON)):$(PATH)

# The sanity tests come along: each branch brings its own and looks through the eyes of its own Python.
.PHONY: matrix-row
matrix-row:
	@echo "== ansible-core $(call core_of,$(ROW)) on Python $(call python_of,$(ROW))"
	@test -x $(ROW_VENV)/bin/python || $(ROW_PYTHON) -m venv $(ROW_VENV)
	@$(ROW_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  'ansible-core ~= $(call core_of,$(ROW)).0' -r tests/requirements/matrix.txt
	@PATH=$(ROW_PATH) $(ROW_VENV)/bin/python -m pytest -n 2 -q $(MATRIX_TESTS)
	@PATH=$(ROW_PATH) $(ROW_VENV)/bin/python tests/tooling/ansible_test_home.py $(SANITY_HOME)
	cd $(COPY) && PATH=$(ROW_PATH) HOME=$(SANITY_HOME) ansible-test sanity --color no --python $(call python_of,$(ROW))

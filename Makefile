# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target sets up what it needs below build/. The work is done by tests/tools.

PYTHON ?= python3
# Handed on to the tool behind a target: make unit ARGS="-k robot", make integration ARGS=quay_robot_token.
ARGS ?=
# Of the stand-in that "make standin" runs.
PORT ?= 8099
FAMILY ?= 3.18

tools = @PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tools

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: demo
demo: ## See credentials created, rotated, proved and delivered on a stand-in Quay
	$(tools) demo $(ARGS)

.PHONY: test
test: ## Run lint, unit, package, demo, molecule and sanity, up to the first that fails
	$(tools) test

.PHONY: verify
verify: ## Run all that, then integration and canary
	$(tools) verify

.PHONY: lint
lint: ## Check style, types, documentation, changelog and licences
	$(tools) lint

.PHONY: unit
unit: ## Run pytest, also with the oldest Python that a target may have
	$(tools) unit $(ARGS)

.PHONY: sanity
sanity: ## Run ansible-test sanity by the lowest and the highest ansible-core
	$(tools) sanity $(ARGS)

.PHONY: integration
integration: ## Run the integration targets against the Quay of QUAY_TEST_URL, else against stand-ins
	$(tools) integration $(ARGS)

.PHONY: conformance
conformance: ## Compare the wire contract with the Quay of QUAY_TEST_URL, else with the stand-in
	$(tools) conformance $(ARGS)

.PHONY: faults
faults: ## Try every fault at every point of a rotation, on stand-ins or on the Quay of QUAY_TEST_URL
	$(tools) faults $(ARGS)

.PHONY: canary
canary: ## Search what playbooks leave, by the lowest and the highest ansible-core, for secrets
	$(tools) canary $(ARGS)

.PHONY: molecule
molecule: ## Run the role's scenario
	$(tools) molecule $(ARGS)

.PHONY: package
package: ## Build the artifact, look into it, install it and use it
	$(tools) package

.PHONY: standin
standin: ## Run a stand-in Quay in the foreground (PORT, FAMILY)
	$(tools) standin --port $(PORT) --family $(FAMILY) $(ARGS)

.PHONY: format
format: ## Put the sources into their one format, in place
	$(tools) format

.PHONY: docs
docs: ## Build the documentation as web pages
	$(tools) docs

.PHONY: changelog
changelog: ## Write the changelog of the version in galaxy.yml
	$(tools) changelog

.PHONY: print-tree
print-tree: ## Say where the tools see the collection
	$(tools) print-tree

.PHONY: clean
clean: ## Remove everything generated
	rm -rf build

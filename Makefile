# Early Results: thin targets; what they do is in infra/. All but `clean` set up what is missing first.
.PHONY: setup run demo check test lint bench build deploy screens simulate explore mutate wiring contract flood cost clean
PYTHON ?= python3
python := .venv/bin/python
export PATH := $(CURDIR)/.local/uv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

setup:
	@PYTHON="$(PYTHON)" infra/setup.sh
run: setup ## the embedded stack with demonstration schools, until Ctrl-C
	@$(python) -m infra.local run
demo: setup ## two whole seasons by themselves, from templates to reports, into out/; SERVICE=phonics-2026 plays that one
	@$(python) -m infra.local.demo $(SERVICE)
check: setup ## lint, types and unit tests, with fewer examples, in under a minute
	@.venv/bin/ruff format --check -q . && .venv/bin/ruff check -q . && .venv/bin/mypy
	@$(python) -m pytest -q -n 2 --dist worksteal --hypothesis-profile quick -m "not long" tests/unit tests/template
test: setup ## everything, in a random order, what waits beside what computes
	@infra/debian.sh
	@$(python) -m pytest -n 4 --dist loadgroup --hypothesis-profile full
lint: setup
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy && $(python) -m infra.lint
bench: setup ## reading, judging, reports and upload to verdict, side by side with what one might have used
	@infra/setup.sh bench
	@$(python) -m benchmarks.reading && $(python) -m benchmarks.imports && $(python) -m benchmarks.validating && $(python) -m benchmarks.reports && $(python) -m benchmarks.verdict && $(python) -m benchmarks.page && PYTHONPATH=functions $(python) -m benchmarks.freeze && $(python) -m benchmarks.dataset
cost: setup ## what a season and a year cost for a country, what dominates, and what each saving is worth
	@PYTHONPATH=functions $(python) -m benchmarks.costs
flood: setup
	@FLOOD=500 $(python) -m pytest -q tests/stack/test_flood.py
screens: setup ## a picture of every state of the page, into out/screens/
	@$(python) -m tests.browser.screens
simulate: setup ## 100,000 seasons under mishaps, and the faults that the checker must catch
	@PYTHONPATH=functions $(python) -m tests.simulation run --out .local/faults.md
explore: setup ## small worlds in full: every order of calls, with a crash or two mishaps anywhere
	@PYTHONPATH=functions $(python) -m tests.explore
mutate: setup ## small slips in the modules that decide: does a test notice each? goes on where it was left
	@PYTHONPATH=functions $(python) -m tests.mutate
build: setup ## for AWS: the runtime and architecture that template.yaml names
	@.local/sam/bin/sam build
deploy: setup ## to the AWS account that your environment names; asks before it changes anything. SETTINGS=FILE.toml, SCALE=full|small|trial, STACK=NAME, YES=1
	@$(python) -m infra.operator.deploying $(if $(SCALE),--scale $(SCALE)) $(if $(STACK),--stack $(STACK)) $(if $(SETTINGS),--settings $(SETTINGS)) $(if $(YES),--yes)
wiring: setup ## takes each wire out of the template in turn: something must notice; about half an hour
	@$(python) -m tests.wiring
contract: setup ## the contract of the stores on other implementations: DynamoDB Local, moto, memory
	@infra/dynamodb-local.sh
	@$(python) -m pytest -q -n 0 tests/contract tests/integration/test_contract.py
clean:
	rm -rf .venv .local .aws-sam out

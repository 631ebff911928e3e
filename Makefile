# Node 22 and the CloudFormation CLI come from the project itself, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.venv/bin:$(PATH)

PYTHON ?= python3
ARGS ?=
JEST := jest
PIP_INSTALL := .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps

.NOTPARALLEL:
.PHONY: help setup setup-cdk generate build package cdk-package named-bucket register publish deregister-old-versions submit demo demo-migrate recording test format lint typecheck generated check contract faults long bench report clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-23s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: node_modules/.package-lock.json .venv/.installed ## Install what the project needs, into the project

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	npm ci
	@test -x node_modules/.bin/node || { echo 'npm has installed no Node 22 for this machine' >&2; exit 1; }
	@touch $@

.venv/.installed: requirements-build.txt requirements.txt
	$(PYTHON) -m venv --clear .venv
	$(PIP_INSTALL) --only-binary :all: -r requirements-build.txt
	$(PIP_INSTALL) --no-build-isolation -r requirements.txt
	@touch $@

setup-cdk: setup cdk/node_modules/.package-lock.json

cdk/node_modules/.package-lock.json: cdk/package.json cdk/package-lock.json cdk/.npmrc
	cd cdk && npm ci
	@touch $@

# Only the tests of the Python package need it, and it is large: without it, make demo starts sooner.
.venv/.installed-cdk: .venv/.installed cdk/requirements.txt
	$(PIP_INSTALL) --no-compile --only-binary :all: -r cdk/requirements.txt
	@touch $@

generate: setup-cdk ## Write src/models.ts, docs/, resource-role.yaml and the CDK's L1 anew from the schema
	cfn generate; status=$$?; rm -f rpdk.log*; exit $$status
	cd cdk && npm run generate

build: setup ## Bundle the handlers into build/TypeFunction
	node scripts/build.mjs TypeFunction

package: setup ## Make org-iam-accesskey.zip, without Docker and without SAM
	cfn submit --dry-run; status=$$?; rm -f rpdk.log*; exit $$status

REGISTER := make register USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET=name

named-bucket:
	@test -n "$(BUCKET)" || { echo "BUCKET is missing: $(REGISTER), or make publish BUCKET=name" >&2; exit 2; }

register: named-bucket package ## Register the type, or its next version (USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET=name)
	python tools/register.py --bucket '$(BUCKET)' $(if $(USER_PATH),--user-path '$(USER_PATH)') \
		$(if $(SECRET_NAMES),--secret-names '$(SECRET_NAMES)') $(ARGS)

publish: named-bucket package ## Upload package and registration template for an organization (BUCKET=name)
	python tools/publish.py $(BUCKET) $(ARGS)

deregister-old-versions: setup ## Show the versions before the default one and their roles (ARGS="--yes": deregister them)
	python tools/deregister_old_versions.py $(ARGS)

submit: setup ## Register the type with a role for every user, after a yes (ARGS="--region eu-west-1")
	python tools/submit.py $(ARGS); status=$$?; rm -f rpdk.log*; exit $$status

demo: build ## Take an access key through its whole life on a local AWS (ARGS="--user NAME" with AWS_PROFILE: on the real one)
	node demo/main.ts $(ARGS)

demo-migrate: build ## Move a key here from AWS::IAM::AccessKey, on a local AWS, with the templates of examples/migrate
	node demo/main.ts --migrate $(ARGS)

recording: build ## Draw guides/demo.svg anew from the demo's output
	node demo/main.ts > build/demo.txt
	python tools/recording.py build/demo.txt guides/demo.svg

report: node_modules/.package-lock.json ## Show every access key of an account and what the type left behind (ARGS="--user-path /ci/ --max-age 90")
	@node report/main.ts $(ARGS)

format: setup
	prettier --check --log-level warn .

lint: setup-cdk ## Check style, likely mistakes, and that src/ imports from lower rooms only
	eslint --max-warnings 0 .
	depcruise src

typecheck: setup-cdk ## Check the types
	tsc -b
	tsc -p cdk

cdk-package: cdk/dist/.packed ## Pack the CDK library for npm and PyPI, into cdk/dist

cdk/dist/.packed: cdk/package.json cdk/tsconfig.json cdk/tsconfig.build.json cdk/README.md LICENSE $(wildcard cdk/lib/*.ts) | setup-cdk
	rm -rf cdk/build cdk/dist && mkdir cdk/dist
	cp LICENSE cdk/
	cd cdk && npm run --silent build && npm run --silent package
	pip wheel --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -w cdk/dist cdk/build/code/python
	@touch $@

generated: setup
	scripts/check-generated.sh

check: setup-cdk format lint typecheck ## Run the checks, and the tests that need no local AWS and no package
	$(JEST) --testPathIgnorePatterns '/test/(bundle|package)\.test\.ts$$' \
		$$($(JEST) --listTests --findRelatedTests local/moto-server.ts test/support/demo.ts)

contract: build ## Run AWS's contract suite
	$(JEST) --testPathPatterns '/test/contract/'

faults: build ## Run the fault suite
	$(JEST) --testPathPatterns '/test/faults/'

long: build ## Run races, scripts and fuzzed events for about twelve minutes, each time others (RACE_SEED, MODEL_SEED, EVENT_SEED repeat a run)
	@seed=$$(date +%s); \
	export RACE_SEED=$${RACE_SEED:-$$seed} MODEL_SEED=$${MODEL_SEED:-$$seed} EVENT_SEED=$${EVENT_SEED:-$$seed}; \
	export RACE_ROUNDS=$${RACE_ROUNDS:-600} MODEL_RUNS=$${MODEL_RUNS:-150} EVENT_RUNS=$${EVENT_RUNS:-4000}; \
	echo "RACE_SEED=$$RACE_SEED MODEL_SEED=$$MODEL_SEED EVENT_SEED=$$EVENT_SEED make long"; \
	$(JEST) --runInBand --testPathPatterns '/test/(races|model)/'

bench: setup ## Measure beside the stock way (ARGS="--only read,list", "--quick", "--no-build")
	node bench/main.ts $(ARGS)

test: setup-cdk format lint typecheck generated build cdk-package .venv/.installed-cdk ## Run every check and every test
	@rm -f build/jest-results.json
	$(JEST) --json --outputFile=build/jest-results.json $(ARGS)

clean: ## Remove what was built and installed
	rm -rf build coverage node_modules .venv cdk/node_modules cdk/build cdk/dist cdk/cdk.out cdk/.jsii cdk/LICENSE *.zip *.tsbuildinfo rpdk.log*

# VRRP Lab. Two commands matter: `make lab` and `make test`; each sets up the machine first if it has to.
.DEFAULT_GOAL := help
.PHONY: site test-debian13 soak bench bench-quick help setup setup-tests setup-class class class-test lab demo learner book cheatsheet worksheets test test-fast recordings lessons interop check figures doctor wheel dist-check lock clean fuzz soak-real
# One thing at a time: `make -j` would start two setups and two labs.
.NOTPARALLEL:

BIN := .venv/bin
PORT ?= 8888
RINGS ?= unit sim lab interop notebooks browser

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing: apt packages, .venv, this package
	@sh tools/setup.sh

setup-class: ## Install what a class on this machine needs: JupyterHub and its proxy
	@sh tools/setup.sh class

setup-tests: ## Install what the tests need besides: a browser, Node.js, JupyterHub
	@sh tools/setup.sh tests
	@sh tools/site.sh modules || echo "setup: the tests of the browser edition cannot run"

lab: setup ## Open your own copies of the lessons in JupyterLab (PORT=8888, LAB_WORK=~/vrrp-lab)
	@exec $(BIN)/labs notebook --port $(PORT)

class: setup-class ## Serve a class on this machine until Ctrl-C (USERS=40, PORT=8000, IP=127.0.0.1, CLASS=~/vrrp-lab-class, CERT= KEY=)
	@exec $(BIN)/labs class --users $(or $(USERS),40) --port $(if $(filter file,$(origin PORT)),8000,$(PORT)) --ip $(or $(IP),127.0.0.1) \
	    $(if $(CLASS),--folder "$(CLASS)") $(if $(CERT),--certificate "$(CERT)") $(if $(KEY),--key "$(KEY)")

demo: setup ## Pull a cable and plug it again, without a browser: prints the timeline
	@mkdir -p build
	@exec $(BIN)/labs run failover --figure build/failover.png

learner: setup ## Write the learner's copies of the lessons to build/learner
	@$(BIN)/labs learner build/learner

book: setup ## Build the reading version, a static site, in build/book (executes every lesson)
	@exec sh tools/book.sh

cheatsheet: setup ## Join the summaries and cheat sheet lines of the lessons in build/cheatsheet.html (two sheets of A4)
	@exec $(BIN)/python -m tools.cheatsheet build/cheatsheet.html

worksheets: setup ## Write worksheets for a class on paper, and the teacher's answers, in build/worksheets*.html (ONLY="07 13")
	@exec $(BIN)/python -m tools.worksheets build $(ONLY)

site: setup ## Build the browser edition, static files for any web server, in build/site (SITE_ROOT=/: where on the server)
	@exec env SITE_ROOT="$(or $(SITE_ROOT),/)" sh tools/site.sh

test: setup-tests ## Run every ring of tests: unit sim lab interop notebooks browser (RINGS="unit sim", or a file)
	@exec $(BIN)/python tests/rings.py $(RINGS)

test-fast: setup ## Run the rings that need no privileges, in about three minutes
	@exec env SIM_DAYS=100 $(BIN)/python tests/rings.py unit sim

test-debian13: ## Run the tests on a Debian 13 that debootstrap makes (as root; RINGS, DEBIAN13_USER=learner, DEBIAN13=its directory)
	@exec tools/debian13.sh make test RINGS="$(RINGS)"

lessons: setup-tests ## Run every pass of every lesson with both daemons (about twenty minutes)
	@exec env LESSONS=whole $(BIN)/python tests/rings.py notebooks

interop: setup-tests ## Compare vrrpd with keepalived and FRR in every combination (some minutes)
	@exec env INTEROP=whole $(BIN)/python tests/rings.py interop

class-test: setup-class ## Let forty learners run lesson 07 at the same time, at most 8 minutes; print what it needs (USERS=40)
	@exec $(BIN)/python -m tests.class_run $(or $(USERS),40)

fuzz: setup ## Look for inputs that break the decoder or the reader of files (SECONDS=60; needs PyPI once)
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements-fuzz.lock </dev/null
	@exec nice $(BIN)/python -m tests.fuzz.run $(or $(SECONDS),60)

soak: setup ## Simulate days of random faults, as many as asked (DAYS=10000, SEED=the time)
	@exec $(BIN)/python -m labs.scenarios.random_search --days $(or $(DAYS),10000) $(if $(SEED),--seed $(SEED))

soak-real: setup ## Kill, flood, fill and starve both daemons for an hour; renews the table (SOAK=1)
	@exec env SOAK=$(or $(SOAK),1) HARDSHIP_PACE=0 HARDSHIP_INTERVAL=0.25 $(BIN)/python -m labs.sandbox.namespaces -- $(BIN)/python -m tests.lab.soak

check: setup ## Lint, format, types (of JavaScript, too), layers and the rules of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet vrrpd labs topologies tests tools || \
	    { echo "ruff format would change a file: run $(BIN)/ruff format vrrpd labs topologies tests tools"; exit 1; }
	@$(BIN)/mypy
	@sh tools/site.sh modules
	@for part in site/tsconfig.json site/tsconfig.worker.json; do \
	    node build/node/node_modules/typescript/bin/tsc -p $$part || exit 1; done
	@mkdir -p build
	@$(BIN)/lint-imports >build/layers.txt || { cat build/layers.txt; exit 1; }
	@$(BIN)/python -m pytest -q tests/unit/test_house_rules.py
	@find vrrpd labs topologies -name '*.py' -exec wc -l {} + | \
	    awk '$$1 > 500 && $$2 != "total" {print "long, be sure it must be: " $$2 ", " $$1 " lines"}'

bench: setup ## Measure vrrpd beside keepalived, whole, and write docs/performance.md (about 35 minutes)
	@$(BIN)/python -m labs.sandbox.namespaces -- $(BIN)/python -m tests.bench
	@exec $(BIN)/python -m tests.bench.page --write

bench-quick: setup ## Every instrument of the measurements once, in a minute
	@mkdir -p build
	@exec $(BIN)/python -m labs.sandbox.namespaces -- $(BIN)/python -m tests.bench --quick --out build/bench-quick.json

figures: setup-tests site ## Draw the pictures of the README again: the panel of the site, a real run
	@mkdir -p docs/images
	@$(BIN)/labs run failover --figure docs/images/failover.png
	@$(BIN)/python tools/picture.py build/site docs/images/bench.png
	@[ ! -e docs/performance.json ] || $(BIN)/python -m tests.bench.page --write

recordings: setup ## Record the lessons again, for LAB_MODE=replay (LESSONS="05 06"; some minutes)
	@exec $(BIN)/python tools/recordings.py $(LESSONS)

doctor: setup ## Start a lab; say what this machine lacks, and the remedy
	@exec $(BIN)/labs doctor

wheel: setup ## Build the wheel and the source distribution in build/wheel, the same bytes every time
	@rm -rf build/wheel
	@$(BIN)/python tools/dist.py build/wheel

.PHONY: deb
deb: ## Build Debian's packages vrrpd and vrrp-lab in build/deb (needs build-essential, debhelper, dh-python, lintian)
	@exec sh tools/deb.sh

.PHONY: pod
pod: wheel ## Build the file tree of the image for Kubernetes in build/image, and run a lab in it as in a pod (as root; needs debootstrap, PyPI)
	@$(BIN)/python -m tools.image build/image
	@exec $(BIN)/python -m tests.pod --tree build/image/image -- tini -- labs doctor

dist-check: wheel ## Check what `make wheel` builds, and the files for Kubernetes (needs PyPI once)
	@cmp -s requirements-dist.lock .venv-dist/made-from || { /usr/bin/python3 -m venv --clear .venv-dist && \
	    .venv-dist/bin/pip install -qq --require-hashes -r requirements-dist.lock </dev/null && \
	    cp requirements-dist.lock .venv-dist/made-from; }
	@.venv-dist/bin/twine check --strict build/wheel/*
	@.venv-dist/bin/hadolint packaging/kubernetes/Dockerfile
	@.venv-dist/bin/kubernetes-validate --strict -k 1.36 packaging/kubernetes/pod.yaml packaging/kubernetes/networkpolicy.yaml

lock: setup ## Renew the pins of requirements.lock from requirements.in (needs PyPI)
	@sh tools/lock.sh

clean: ## Remove what make made: .venv, build, caches
	rm -rf .venv .venv-book .venv-dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find vrrpd labs topologies tests notebooks tools -depth \
	    \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} + 2>/dev/null || true

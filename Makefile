# Each command sets up what it needs in .venv, so that a fresh machine needs no manual step.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BENCH  := .venv-bench
BENCH_CLIP := .venv-bench-clip
CLIENTS := .venv-clients
RUNS   := runs
TIMES  := 20
JOBS   := logical
MKDOCS  = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs torture bench bench-million bench-quick bench-scale bench-clip bench-models demo-bundle clients locks release clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/app.stamp ## index 300 drawn scenes and open the search page
	$(BIN)/photoseek demo $(ARGS)

# Each test process uses one core: threads of BLAS and PyTorch would only wait for each other.
test torture: export OMP_NUM_THREADS = 1

test: $(VENV)/dev.stamp ## run all tests (22 minutes)
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile $(ARGS)

torture: $(VENV)/dev.stamp ## run the durability tests TIMES (20) times as long (40 minutes)
	mkdir -p build
	PHOTOSEEK_TORTURE=$(TIMES) PHOTOSEEK_TORTURE_REPORT=$(CURDIR)/build/torture.jsonl $(BIN)/python -m pytest \
	  --numprocesses=$(JOBS) --dist=loadscope \
	  tests/runtime/durability tests/runtime/hostile tests/runtime/gallery/test_any_history.py tests/runtime/system/test_fork_safety.py \
	  tests/runtime/gallery/test_sharing.py tests/runtime/service/test_soak.py tests/runtime/service/test_slow_clients.py \
	  tests/runtime/ray_indexing/test_encoder.py tests/train/test_distributed.py $(ARGS)

lint: $(VENV)/dev.stamp ## check style, types, imports, documentation and the container (2 minutes)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MKDOCS) build --quiet
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml

docs: $(VENV)/dev.stamp ## serve the documentation on http://127.0.0.1:8000
	$(MKDOCS) serve

bench: $(BENCH)/bench.stamp bench-models ## measure photoseek and its peers (26 minutes)
	for question in text_query photos photo_steps search stores cold_start callers service nearest unchanged_features limits \
	    'search 1000 --growth' 'search 10000 --growth' 'search 100000 --growth' 'search 1000000 --growth'; do \
	  set -- $$question; script=$$1; shift; $(BENCH)/bin/python benchmarks/$$script.py "$$@" || exit 1; done
	$(BENCH)/bin/python benchmarks/table.py

bench-million: $(BENCH)/bench.stamp ## search a million vectors with all peers
	$(BENCH)/bin/python benchmarks/search.py 1000000
	$(BENCH)/bin/python benchmarks/table.py

bench-quick: $(BENCH)/bench.stamp bench-models ## measure text queries only
	$(BENCH)/bin/python benchmarks/text_query.py
	$(BENCH)/bin/python benchmarks/table.py

bench-scale: $(BENCH)/bench.stamp ## measure large and growing galleries
	for script in growth first_index filters info table; do $(BENCH)/bin/python benchmarks/$$script.py || exit 1; done

bench-clip: $(BENCH_CLIP)/bench-clip.stamp $(VENV)/dev.stamp ## measure CLIP models beside rclip and fastembed
	$(BIN)/python benchmarks/clip_models.py
	for script in clip_photos clip_text clip_cold clip_new_photo text_batches table; do $(BENCH_CLIP)/bin/python benchmarks/$$script.py || exit 1; done

bench-models: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/models.py

demo-bundle: $(VENV)/dev.stamp ## train and export the embedded model (3 hours)
	$(BIN)/python -m photoseek_export.demo.train --out runtime/photoseek/demo/bundle --work $(RUNS)/demo $(ARGS)

clients: $(CLIENTS)/clients.stamp ## install generators of HTTP clients, for the tests that use them

locks: $(VENV)/dev.stamp ## pin the packages of each extra by hash; UPGRADE=1 takes newer ones
	packaging/lock.sh $(BIN)/python

release: $(VENV)/dev.stamp ## build, check and describe the wheel and the sdist in dist/ (4 minutes with one Python)
	packaging/release.sh $(BIN)

clean: ## remove the environment
	rm -rf $(VENV) $(BENCH) $(CLIENTS)

# Annoy is built from source: by default for this machine's CPU, and so is the wheel in pip's cache, which may move to another one.
export ANNOY_COMPILER_ARGS ?= -O3,-ffast-math,-fno-associative-math,-fpermissive,-std=c++14,-DANNOYLIB_MULTITHREADED_BUILD

HAS_HEADERS = $(PYTHON) -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null
HAS_CXX     = command -v $${CXX:-c++} >/dev/null
ANNOY       = $(shell $(HAS_CXX) && $(HAS_HEADERS) && echo ,annoy)

$(VENV)/app.stamp: pyproject.toml | python
	$(if $(ANNOY),,@echo "photoseek: without a C++ compiler and Python's headers, Annoy is not installed; search is exact")
	$(call install,$(VENV),app$(ANNOY))

$(BENCH)/bench.stamp: pyproject.toml | python compiler
	$(call install,$(BENCH),bench)
	@# The ONNX backend of sentence-transformers, with an older transformers and hub; nothing is downloaded from the hub here.
	$(BENCH)/bin/python -m pip install --disable-pip-version-check --progress-bar off --no-compile 'optimum-onnx>=0.1' || { rm $@; exit 1; }

$(BENCH_CLIP)/bench-clip.stamp: pyproject.toml | python
	$(call install,$(BENCH_CLIP),bench-clip)

# An environment of its own: openapi-python-client needs another typer. The generator of TypeScript needs node.
$(CLIENTS)/clients.stamp: tests/clients/requirements.txt tests/clients/package.json | python
	$(PYTHON) -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --disable-pip-version-check --quiet --requirement tests/clients/requirements.txt
	cp tests/clients/package.json $(CLIENTS)
	if command -v npm >/dev/null; then npm install --prefix $(CLIENTS) --silent --no-audit --no-fund; fi
	touch $@

$(VENV)/dev.stamp: pyproject.toml | python compiler
	$(call install,$(VENV),app$(,)train$(,)export$(,)dev)

, := ,
define install
test -x $(1)/bin/pip || $(PYTHON) -m venv --clear $(1)
@echo "installing into $(1), which takes some minutes"
$(1)/bin/python -m pip install --disable-pip-version-check --progress-bar off --no-compile --editable ".[$(2)]"
touch $@
endef

.PHONY: python compiler
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "photoseek: needs Python 3.11 or newer, found $$($(PYTHON) --version); select one with: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "photoseek: this Python lacks venv: install it (Debian and Ubuntu: apt install python3-venv)" >&2; \
	  exit 1; }
compiler:
	@$(HAS_CXX) && $(HAS_HEADERS) || { \
	  echo "photoseek: annoy is built from source and needs a C++ compiler and Python's headers: install both" \
	       "(Debian and Ubuntu: apt install g++ python3-dev, Fedora: dnf install gcc-c++ python3-devel," \
	       "macOS: xcode-select --install)" >&2; \
	  exit 1; }

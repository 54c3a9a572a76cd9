# Kinora's commands. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt bench fuzz install uninstall deb clean

CARGO ?= cargo
export CARGO_TERM_PROGRESS_WHEN ?= never

help: ## List these commands
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing (apt packages, the wasm32 target)
	@scripts/setup.sh

demo: setup ## Make a video, serve it, play it by its id, show that it played
	@$(CARGO) build --package kinora-cli
	@scripts/demo.sh

test: ## Run every test
	@scripts/setup.sh tests
	@rm -rf "$${CARGO_TARGET_DIR:-target}/fault-evidence"
	@$(CARGO) test --workspace
	@$(CARGO) xtask fault-matrix --check

lint: ## Formatting, clippy, the house rules, wasm32, dependencies
	@scripts/setup.sh lint
	@scripts/lint.sh

fmt: ## Format the code
	@$(CARGO) fmt --all

bench: setup ## Time Kinora beside other players (25 minutes; `scripts/bench.sh micro`: parts alone)
	@scripts/bench.sh

fuzz: setup ## Fuzz every parser, FUZZ_SECONDS of processor time each (60)
	@scripts/fuzz.sh

install: ## Install the program and libkinora below PREFIX (/usr/local)
	@scripts/install.sh

uninstall: ## Take away again what `make install` installed
	@scripts/install.sh --uninstall

deb: ## Make a package for Debian of the program: target/debian/kinora_*.deb
	@scripts/package.sh deb

clean: ## Remove what was built
	@$(CARGO) clean
	@rm -rf demo-out

#!/usr/bin/env bash
# Everything that is checked without running the program.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$1"; }

step "formatting"
cargo fmt --all -- --check

step "clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "the house rules"
cargo xtask tidy

step "wasm32: the sans-IO crates"
if rustup target list --installed 2>/dev/null | grep -q '^wasm32-unknown-unknown$'; then
  sans_io=(errors media container manifest protect cloud codec engine)
  cargo build --quiet --target wasm32-unknown-unknown "${sans_io[@]/#/--package=kinora-}"
else
  echo "left out: the wasm32-unknown-unknown target is not installed (rustup target add wasm32-unknown-unknown)"
fi

step "public documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

step "licences and advisories"
# It reads the manifests of all platforms' crates, also of those that are not built here.
if ! command -v cargo-deny >/dev/null 2>&1; then
  echo "left out: cargo-deny is not installed (cargo install --locked cargo-deny)"
elif ! cargo fetch --quiet; then
  echo "left out: the crates of other platforms can not be fetched (no network?)"
else
  cargo deny --log-level error check bans licenses sources
fi

#!/usr/bin/env bash
# Everything that is checked without running the program.
set -euo pipefail
cd "$(dirname "$0")/.."

# The short ones first.
step() { printf '\n== %s\n' "$1"; }
# A check whose tool is missing is left out where people work, and fails where it must not lie.
left_out() {
  echo "left out: $1" >&2
  [ -z "${CI-}" ] || exit 1
}

step "formatting"
cargo fmt --all -- --check

step "the house rules"
cargo xtask tidy

step "dependencies that nobody uses"
if command -v cargo-machete >/dev/null 2>&1; then
  cargo machete --with-metadata
else
  left_out "cargo-machete is not installed (cargo install --locked cargo-machete)"
fi

step "licences and advisories"
# It reads the manifests of all platforms' crates, also of those that are not built here.
if ! command -v cargo-deny >/dev/null 2>&1; then
  left_out "cargo-deny is not installed (cargo install --locked cargo-deny)"
elif ! cargo fetch --quiet; then
  left_out "the crates of other platforms can not be fetched (no network?)"
else
  cargo deny --log-level error check bans licenses sources
fi

step "clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings

# In the workspace the command line switches them on.
step "clippy: the SDK without its features"
cargo clippy --package kinora --quiet -- -D warnings

step "what the vendor's clients are said to do"
cargo xtask vendor-compatibility --check

step "wasm32: the sans-IO crates"
if rustup target list --installed 2>/dev/null | grep -q '^wasm32-unknown-unknown$'; then
  sans_io=(errors media container manifest protect cloud codec subtitle engine)
  cargo build --quiet --target wasm32-unknown-unknown "${sans_io[@]/#/--package=kinora-}"
else
  left_out "the wasm32-unknown-unknown target is not installed (rustup target add wasm32-unknown-unknown)"
fi

step "public documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

#!/usr/bin/env bash
# Makes packages: `package.sh deb` leaves target/debian/kinora_*.deb. `scripts/try-package.sh` tries one in a system of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
  deb) ;;
  *)
    echo "package: what can be made: deb" >&2
    exit 2
    ;;
esac
if ! command -v dpkg-shlibdeps >/dev/null 2>&1; then
  echo "package: dpkg-shlibdeps tells the libraries that the program needs; on Debian: apt-get install dpkg-dev" >&2
  exit 1
fi
if ! command -v cargo-deb >/dev/null 2>&1; then
  echo "package: building cargo-deb (once)"
  cargo install --quiet --locked cargo-deb
fi

# What the package holds beside the program lies here, where crates/kinora-cli/Cargo.toml takes it from.
stage=target/package
rm -rf "$stage"
DESTDIR=$stage PREFIX=/usr scripts/install.sh program
cargo deb --no-build --package kinora-cli

#!/usr/bin/env bash
# Installs the program and the C library below $PREFIX (/usr/local), within $DESTDIR where that is set.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
root=${DESTDIR-}$prefix
target=${CARGO_TARGET_DIR:-target}/release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soname=libkinora.so.0

cargo build --release --locked --package kinora-cli --package kinora-capi

install -Dm755 "$target/kinora" "$root/bin/kinora"
for shell in bash:share/bash-completion/completions/kinora zsh:share/zsh/site-functions/_kinora fish:share/fish/vendor_completions.d/kinora.fish; do
  install -d "$root/$(dirname "${shell#*:}")"
  "$target/kinora" completions "${shell%%:*}" >"$root/${shell#*:}"
done
install -d "$root/share/man/man1"
"$target/kinora" man >"$root/share/man/man1/kinora.1"

install -Dm755 "$target/libkinora_capi.so" "$root/lib/libkinora.so.$version"
ln -sf "libkinora.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libkinora.so"
install -Dm644 "$target/libkinora_capi.a" "$root/lib/libkinora.a"
install -Dm644 crates/kinora-capi/include/kinora.h "$root/include/kinora.h"
install -Dm644 crates/kinora-errors/generated/kinora_codes.h "$root/include/kinora_codes.h"
install -d "$root/lib/pkgconfig"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" crates/kinora-capi/kinora.pc.in >"$root/lib/pkgconfig/kinora.pc"
echo "installed below $root; run ldconfig where that is a folder of the system's"

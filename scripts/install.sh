#!/usr/bin/env bash
# Installs Kinora below $PREFIX (/usr/local), within $DESTDIR where that is set; with `--uninstall` takes away again what it installs.
#   install.sh [--uninstall] [program|library|all]
# PROFILE is the profile of cargo that is built with (release); BUILD=no installs what was built before.
set -euo pipefail
cd "$(dirname "$0")/.."

verb=install
if [ "${1-}" = --uninstall ]; then
  verb=uninstall
  shift
fi
what=${1:-all}
prefix=${PREFIX:-/usr/local}
root=${DESTDIR-}$prefix
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soname=libkinora.so.${version%%.*}

case $what in
  program) packages=(--package kinora-cli) ;;
  library) packages=(--package kinora-capi) ;;
  all) packages=(--package kinora-cli --package kinora-capi) ;;
  *)
    echo "install: program, library or all, not $what" >&2
    exit 2
    ;;
esac

# The lists below are read in both directions: each line puts something in its place, or takes it away.
place() { # mode, file, where
  if [ "$verb" = install ]; then install -Dm"$1" "$2" "$root/$3"; else rm -f "$root/$3"; fi
}
write() { # where, then the command whose output it is
  local file=$root/$1
  shift
  if [ "$verb" = uninstall ]; then
    rm -f "$file"
    return
  fi
  install -d "$(dirname "$file")"
  "$@" >"$file"
  chmod 644 "$file"
}
link() { # to, where
  if [ "$verb" = install ]; then ln -sf "$1" "$root/$2"; else rm -f "$root/$2"; fi
}
# Desktops look things up in caches of their own; a package's are renewed by its triggers.
renew() { # tool, folder
  [ -z "${DESTDIR-}" ] && [ -d "$2" ] && command -v "$1" >/dev/null || return 0
  "$@" >/dev/null 2>&1 || true
}

program() {
  local kinora=$target/kinora
  place 755 "$kinora" bin/kinora
  write share/bash-completion/completions/kinora "$kinora" completions bash
  write share/zsh/site-functions/_kinora "$kinora" completions zsh
  write share/fish/vendor_completions.d/kinora.fish "$kinora" completions fish
  write share/man/man1/kinora.1 "$kinora" --lang en man
  write share/man/zh_CN/man1/kinora.1 "$kinora" --lang zh man
  place 644 packaging/kinora.desktop share/applications/kinora.desktop
  place 644 packaging/kinora.svg share/icons/hicolor/scalable/apps/kinora.svg
  place 644 packaging/kinora-mime.xml share/mime/packages/kinora.xml
  renew update-desktop-database "$root/share/applications"
  renew update-mime-database "$root/share/mime"
}

library() {
  place 755 "$target/libkinora_capi.so" "lib/libkinora.so.$version"
  link "libkinora.so.$version" "lib/$soname"
  link "$soname" lib/libkinora.so
  place 644 "$target/libkinora_capi.a" lib/libkinora.a
  place 644 crates/kinora-capi/include/kinora.h include/kinora.h
  place 644 crates/kinora-errors/generated/kinora_codes.h include/kinora_codes.h
  write lib/pkgconfig/kinora.pc sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" crates/kinora-capi/kinora.pc.in
}

if [ "$verb" = install ] && [ "${BUILD-}" != no ]; then
  "${CARGO:-cargo}" build --locked --profile "$profile" "${packages[@]}"
fi
[ "$what" = library ] || program
[ "$what" = program ] || library
case $verb in
  install) echo "installed below $root; run ldconfig where that is a folder of the system's" ;;
  uninstall) echo "taken away from $root" ;;
esac

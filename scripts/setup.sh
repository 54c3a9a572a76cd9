#!/usr/bin/env bash
# Installs what Kinora's build and demo need and this machine lacks; says what it does.
# With `tests`: also what only the tests need; with `images`: what `scripts/window-images.sh` does. With `lint`: the tools of `make lint`, built from crates.io (minutes, once).
# Debian and Ubuntu only; elsewhere it names what to install.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need ffmpeg ffmpeg      # the import's child process, the test clips, libavcodec for fast decoding
need ffprobe ffmpeg
need setpriv util-linux # FFmpeg dies with a killed import
need cc gcc             # TLS (ring) and SQLite hold some C
need curl curl          # the tests look at the service as an outsider does
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
if [ "${1-}" = tests ]; then
  need python3 python3        # the vendor's SDKs are asked in their own languages
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  # The package of Python: by Debian's interpreter, where the first one has no such modules.
  has_module() {
    python3 -c "import numpy, pytest, PIL" 2>/dev/null || /usr/bin/python3 -c "import $1" 2>/dev/null || missing+=("$2")
  }
  has_module numpy python3-numpy
  has_module pytest python3-pytest
  has_module PIL python3-pil
  need node nodejs
  need npm npm
  need tsc node-typescript    # the types of the package of Node
  need chromium chromium      # the vendor's web player plays in it
  need valgrind valgrind      # the examples in C are watched
  need pkg-config pkgconf     # they are built as others' programs are
  need c++ g++                # the header is C++ too
  need pulseaudio pulseaudio  # a sound server of the tests' own
  need parec pulseaudio-utils
  need mkfs.ext4 e2fsprogs    # faults of disks and of permissions
  need losetup mount
  need Xvfb xvfb              # a display of the tests' own, with a hand and a clipboard
  need xdotool xdotool
  need xclip xclip
  # The window: a GPU in software, and what winit loads at run time.
  has_library() { PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -q "$1" || missing+=("$2"); }
  has_library libX11-xcb.so.1 libx11-xcb1
  has_library libXcursor.so.1 libxcursor1
  has_library libXi.so.6 libxi6
  has_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
  has_library libXrandr.so.2 libxrandr2
  has_library libvulkan.so.1 libvulkan1
  has_library libass.so.9 libass9 # scripts of subtitles are drawn by it, where it is
  compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null || missing+=(mesa-vulkan-drivers)
fi

if [ "${1-}" = images ]; then
  need Xvfb xvfb
  need xdotool xdotool
  fc-list :lang=zh 2>/dev/null | grep -q . || missing+=(fontconfig fonts-wqy-microhei)
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "setup: no cargo on the PATH. Install Rust 1.95 or newer from https://rustup.rs, then run this again." >&2
  exit 1
fi

if [ ${#missing[@]} -gt 0 ]; then
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: this is not a Debian system. Please install: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: missing: ${missing[*]}. Without root this can not install them; run:" >&2
    echo "    sudo sh -c 'apt-get update && $install'" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "setup: apt-get failed; is there a network? The whole log: $log" >&2
    exit 1
  fi
  rm -f "$log"
fi

# The sans-IO crates must build for the web; only `make lint` needs the target.
if command -v rustup >/dev/null 2>&1 && ! rustup target list --installed | grep -q '^wasm32-unknown-unknown$'; then
  echo "setup: adding the wasm32-unknown-unknown target"
  rustup target add wasm32-unknown-unknown >/dev/null 2>&1 \
    || echo "setup: could not add it (no network?); 'make lint' will leave the wasm32 build out" >&2
fi
if [ "${1-}" = lint ]; then
  for tool in cargo-machete cargo-deny; do
    command -v "$tool" >/dev/null 2>&1 && continue
    echo "setup: building $tool (once)"
    # They run for seconds: an optimised build would take longer than it saves.
    cargo install --quiet --locked --debug "$tool" \
      || echo "setup: $tool could not be built (no network?); 'make lint' will leave its check out" >&2
  done
fi
echo "setup: everything is here"

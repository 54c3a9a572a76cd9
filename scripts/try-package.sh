#!/usr/bin/env bash
# Installs the package in a system of its own (debootstrap), uses it there as a person and as an operator would, and removes it.
# Needs root, debootstrap, ffmpeg and a mirror of Debian. The steps of packaging/Containerfile behind its build are taken in the
# same system, since an image can only be built where a registry is.
#   sudo scripts/try-package.sh [PACKAGE.deb]; SUITE, MIRROR and ROOTFS (kept, and used again) say otherwise where they are set.
set -euo pipefail
cd "$(dirname "$0")/.."

package=${1:-$(ls -t target/debian/kinora_*.deb 2>/dev/null | head -n 1)}
[ -f "$package" ] || { echo "try-package: no package; scripts/package.sh deb makes one" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "try-package: debootstrap needs root" >&2; exit 2; }
for tool in debootstrap ffmpeg unshare; do
  command -v "$tool" >/dev/null || { echo "try-package: apt-get install $tool" >&2; exit 2; }
done
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${MIRROR:-http://deb.debian.org/debian}

work=$(mktemp -d)
root=${ROOTFS:-$work/root}
trap 'rm -rf --one-file-system "$work"' EXIT
step() { printf '\n== %s\n' "$1"; }
# In the system, with processes and mounts of its own: nothing outlives it.
inside() { # command, read by its shell
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
    timeout 900 bash -euo pipefail -c "$1"
}

step "a minimal $suite"
if [ ! -e "$root/etc/debian_version" ]; then
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 \
    || { tail -n 5 "$work/debootstrap.log" >&2; exit 1; }
fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp "$package" "$root/root/kinora.deb"
ffmpeg -nostdin -v error -y -f lavfi -i testsrc=size=160x120:rate=25:duration=2 -f lavfi -i sine=duration=2 \
  -c:v libx264 -pix_fmt yuv420p -c:a aac "$root/root/clip.mp4"

step "installed, without what it only recommends"
inside 'dpkg-query -f "\${Package}\n" -W | sort >/root/before
  apt-get update -q >/dev/null
  apt-get install -yq --no-install-recommends /root/kinora.deb >/root/apt.log 2>&1 || { tail /root/apt.log; exit 1; }
  dpkg -L kinora | while read -r path; do [ -e "$path" ]; done
  dpkg-query -f "\${Package}\n" -W | sort | comm -13 /root/before - | tr "\n" " "'

step "a person: plays by the Rust decoders, asks for help"
inside 'kinora --version
  kinora probe /root/clip.mp4 | head -n 3
  kinora play /root/clip.mp4 --vo null --ao null
  kinora play /root/missing.mp4 --lang zh && exit 1 || echo "status $?"
  kinora --lang zh explain 0x20050006 | head -n 2
  zcat -f /usr/share/man/man1/kinora.1* | grep -q "^.TH"
  bash -n /usr/share/bash-completion/completions/kinora'

step "the desktop: the entry, the kinds of files, the icon"
inside 'apt-get install -yq --no-install-recommends desktop-file-utils shared-mime-info libxml2-utils >/root/apt.log 2>&1
  desktop-file-validate /usr/share/applications/kinora.desktop
  xmllint --noout /usr/share/icons/hicolor/scalable/apps/kinora.svg /usr/share/mime/packages/kinora.xml
  update-mime-database /usr/share/mime
  grep -h "application/dash+xml:.*mpd" /usr/share/mime/globs2 | head -n 1
  update-desktop-database /usr/share/applications
  grep "video/x-matroska=.*kinora.desktop" /usr/share/applications/mimeinfo.cache
  for type in $(sed -n "s/^MimeType=//p" /usr/share/applications/kinora.desktop | tr ";" " "); do
    grep -qxF "$type" /usr/share/mime/types || echo "not a type that this system knows: $type"
  done'

step "an operator: the service as its own user, as in the container"
inside 'apt-get install -yq --no-install-recommends ca-certificates curl ffmpeg util-linux >/root/apt.log 2>&1
  id kinora >/dev/null 2>&1 \
    || useradd --system --uid 10001 --user-group --home-dir /var/lib/kinora --shell /usr/sbin/nologin kinora
  install -d -m 700 -o kinora -g kinora /var/lib/kinora
  as_kinora() { setpriv --reuid kinora --regid kinora --clear-groups "$@"; }
  cp /root/clip.mp4 /tmp/clip.mp4
  as_kinora kinora serve --data /var/lib/kinora --listen 0.0.0.0:8080 --log-format json >/root/serve.log 2>&1 &
  service=$!
  curl --silent --output /dev/null --max-time 3 --retry 50 --retry-delay 1 --retry-connrefused http://127.0.0.1:8080/
  as_kinora kinora import /tmp/clip.mp4 --data /var/lib/kinora --json | tail -n 1
  kill -TERM "$service"
  wait "$service"
  stat -c "%U %a %n" /var/lib/kinora'

step "removed"
inside 'apt-get purge -yq kinora >/root/apt.log 2>&1
  [ ! -e /usr/bin/kinora ] && [ ! -e /usr/share/applications/kinora.desktop ]'
echo
echo "try-package: it holds"

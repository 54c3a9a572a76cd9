#!/usr/bin/env bash
# Times a release build on media made on the spot: start to first picture, probe, demux, decode, --version.
# Prints the median of several runs; figures are for this machine, compare ratios.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --package kinora-cli
kinora=${CARGO_TARGET_DIR:-target}/release/kinora
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
runs=${BENCH_RUNS:-9}

echo "making media"
ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=1920x1080:rate=30:duration=10 -f lavfi -i sine=duration=10 \
  -c:v libx264 -preset veryfast -bf 2 -g 60 -b:v 6M -pix_fmt yuv420p -c:a aac -movflags +faststart "$dir/front.mp4"
ffmpeg -nostdin -v error -i "$dir/front.mp4" -c copy "$dir/end.mp4"
ffmpeg -nostdin -v error -i "$dir/front.mp4" -c copy -movflags frag_keyframe+empty_moov "$dir/frag.mp4"
ffmpeg -nostdin -v error -i "$dir/front.mp4" -c copy "$dir/film.ts"

# Milliseconds of a whole process, median of the runs.
median_ms() {
  for _ in $(seq "$runs"); do
    local begun=$EPOCHREALTIME
    "$@" >/dev/null 2>&1 || { echo "failed: $*" >&2; return 1; }
    local ended=$EPOCHREALTIME
    echo $(((${ended/./} - ${begun/./}) ))
  done | sort -n | awk '{v[NR]=$1} END {printf "%.1f ms\n", v[int((NR+1)/2)]/1000}'
}

printf '%-34s' "--version"; median_ms "$kinora" --version
for file in front.mp4 end.mp4 frag.mp4 film.ts; do
  printf '%-34s' "first picture, $file"
  median_ms "$kinora" play --headless --stats json --until first-frame "$dir/$file"
done
printf '%-34s' "first picture, Rust decoders"
median_ms "$kinora" play --headless --stats json --until first-frame --decoder rust "$dir/front.mp4"
for file in front.mp4 film.ts; do
  printf '%-34s' "probe, $file"; median_ms "$kinora" probe "$dir/$file"
done
for decoder in ffmpeg rust; do
  printf '%-34s' "decode 300 frames 1080p, $decoder"
  "$kinora" decode --video-only --threads 2 --decoder "$decoder" "$dir/front.mp4" | tail -n 1
done

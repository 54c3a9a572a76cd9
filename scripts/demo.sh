#!/usr/bin/env bash
# The whole way, for real: makes a video, starts the service, imports the video, asks for a play credential,
# plays the video by its id, and shows three failures with their numbers.
set -euo pipefail
cd "$(dirname "$0")/.."

kinora=${KINORA:-${CARGO_TARGET_DIR:-target}/debug/kinora}
out=${DEMO_OUT:-demo-out}
seconds=${DEMO_SECONDS:-20}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
# A value of a JSON line, without needing a JSON tool.
field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }

rm -rf "$out"
mkdir -p "$out"

step "A test video: $seconds s with a clock in the picture and a tone"
ffmpeg -nostdin -v error -y \
  -f lavfi -i "testsrc=size=1280x720:rate=30:duration=$seconds:decimals=2" \
  -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=$seconds" \
  -c:v libx264 -preset veryfast -bf 2 -g 60 -pix_fmt yuv420p -c:a aac -b:a 128k "$out/clock.mp4"
ls -l "$out/clock.mp4" | awk '{print $9 ": " $5 " bytes"}'

step "The service, on a free port"
"$kinora" serve --data "$out/vod" --listen 127.0.0.1:0 --json >"$out/serve.log" 2>"$out/serve.err" &
service=$!
trap 'kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q '"ready"' "$out/serve.log" && break
  kill -0 "$service" 2>/dev/null || { cat "$out/serve.err" >&2; exit 1; }
  sleep 0.1
done
KINORA_ENDPOINT=$(field endpoint <"$out/serve.log")
KINORA_ACCESS_KEY_ID=$(field access_key_id <"$out/serve.log")
KINORA_ACCESS_KEY_SECRET=$(field access_key_secret <"$out/serve.log")
export KINORA_ENDPOINT KINORA_ACCESS_KEY_ID KINORA_ACCESS_KEY_SECRET
# The log showed the key once; it does not stay there.
: >"$out/serve.log"
echo "listening at $KINORA_ENDPOINT"

step "Import"
video=$("$kinora" import "$out/clock.mp4" --data "$out/vod" --title "The demo's clock" --json | tail -n 1 | field video_id)
echo "video id: $video"

step "A play credential, asked for with a signed request; then the video is played by its id"
KINORA_PLAY_AUTH=$("$kinora" play-auth "$video")
export KINORA_PLAY_AUTH
echo "credential: ${#KINORA_PLAY_AUTH} characters, not shown"
sheet="sheet:$out/contact-sheet.png"
if [ -t 1 ] && [ -t 0 ]; then vo="terminal,$sheet"; else vo="$sheet"; fi
env -u KINORA_ACCESS_KEY_ID -u KINORA_ACCESS_KEY_SECRET "$kinora" play "vid:$video" --vo "$vo" --ao "wav:$out/sound.wav"
echo "the pictures that were shown: $out/contact-sheet.png; the sound: $out/sound.wav"

step "Three failures on purpose"
failed() { # what happens, then the command
  printf '\n%s-- %s%s\n' "$bold" "$1" "$plain"
  shift
  local status=0
  "$@" || status=$?
  echo "   exit status $status"
  [ "$status" -ne 0 ] || { echo "demo: that should have failed" >&2; exit 1; }
}
expired=$("$kinora" account play-auth "$video" --data "$out/vod" --lifetime 1)
sleep 2 # the credential is good for one second; this is its expiry, not a wait for something to be ready
failed "an expired play credential" env KINORA_PLAY_AUTH="$expired" "$kinora" play "vid:$video" --headless
failed "a wrong signature" env KINORA_ACCESS_KEY_SECRET=wrong "$kinora" play-auth "$video"
failed "an unknown video" "$kinora" play-auth 00000000000000000000000000000000

step "It played"

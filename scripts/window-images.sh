#!/usr/bin/env bash
# Makes docs/images/window-*.png: the window in each of its states, on a display of its own, by real keys and clicks.
# Wants Xvfb, xdotool, ffmpeg and a font with Chinese letters. `KINORA=…` names the program (target/debug/kinora).
set -euo pipefail
cd "$(dirname "$0")/.."
kinora=$(realpath "${KINORA:-${CARGO_TARGET_DIR:-target}/debug/kinora}")
images=$PWD/docs/images
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 1300x800x24 -nolisten tcp 3>"$work/display" 2>/dev/null &
pids+=($!)
read -r number <"$work/display"
export DISPLAY=:$number
unset WAYLAND_DISPLAY

ffmpeg -nostdin -v error -y -f lavfi -i mandelbrot=size=960x540:rate=25 -t 10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p "$work/Mandelbrot.mp4"

# Takes a picture of the screen once what was asked for had time to be drawn.
shot() { sleep "${2:-3}"; ffmpeg -nostdin -v error -y -f x11grab -draw_mouse 0 -video_size 960x540 -i "$DISPLAY" -frames:v 1 "$images/window-$1.png"; }
start() {
  (cd "$work" && exec "$kinora" --no-config "$@") >/dev/null 2>&1 &
  pids+=($!)
  xdotool search --sync --name "${title:-Mandelbrot}" windowfocus --sync >/dev/null
  sleep 2
}
close() { xdotool key q; wait "${pids[-1]}" || true; }

start play --loop Mandelbrot.mp4
xdotool mousemove 480 476; xdotool mousemove 484 476; shot playing
xdotool mousemove 876 512 click 1; shot menu
xdotool key Escape; xdotool mousemove 480 200; xdotool key i; shot statistics
xdotool key i; xdotool key question; shot keys
close
start --lang zh play --loop Mandelbrot.mp4
xdotool mousemove 480 476; xdotool key i; xdotool mousemove 484 476; shot chinese
close
title="Kinora|missing" start play missing.mp4
shot error 2
close

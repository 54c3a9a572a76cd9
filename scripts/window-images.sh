#!/usr/bin/env bash
# Makes docs/images/window-*.png: the window in each of its states, on a display of its own, by real keys and clicks.
# Wants Xvfb, xdotool, ffmpeg and a font with Chinese letters (`scripts/setup.sh images`). `KINORA=…` names the program (target/debug/kinora).
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

# A film with two languages, subtitles and chapters.
cd "$work"
printf '1\n00:00:00,000 --> 00:01:00,000\nThe sea horse valley\n' >en.srt
printf '1\n00:00:00,000 --> 00:01:00,000\n海马谷\n' >zh.srt
chapter() { printf '[CHAPTER]\nTIMEBASE=1/1\nSTART=%s\nEND=%s\ntitle=%s\n' "$@"; }
{ echo ';FFMETADATA1'; chapter 0 15 'The whole set'; chapter 15 40 'The valley'; chapter 40 60 'A spiral'; } >chapters
ffmpeg -nostdin -v error -y -f lavfi -i mandelbrot=size=960x540:rate=25:end_pts=1500:inner=period -f lavfi -i sine=220 -f lavfi -i sine=330 \
  -i en.srt -i zh.srt -i chapters -map 0:v -map 1:a -map 2:a -map 3:s -map 4:s -map_metadata 5 -t 60 \
  -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -c:a aac -b:a 64k -c:s mov_text \
  -metadata:s:a:0 language=eng -metadata:s:a:1 language=zho -metadata:s:s:0 language=eng -metadata:s:s:1 language=zho Mandelbrot.mp4

# Does what xdotool is told, and takes a picture of the screen once that had time to be drawn. 256 colours keep it small.
shot() {
  local name=$1
  shift
  xdotool "$@"
  sleep 1.2
  ffmpeg -nostdin -v error -y -f x11grab -draw_mouse 0 -video_size 960x540 -i "$DISPLAY" -frames:v 1 \
    -vf 'split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none' "$images/window-$name.png"
}
start() {
  "$kinora" --no-config "$@" >/dev/null 2>&1 &
  pids+=($!)
  xdotool search --sync --onlyvisible --name "${title:-Mandelbrot}" windowfocus --sync >/dev/null
  # The first text waits for the fonts.
  xdotool mousemove 480 300
  sleep 3
}
close() { xdotool key q; wait "${pids[-1]}" || true; }

start play --paused --start 12 --subtitle-language en Mandelbrot.mp4
xdotool key l key Right
sleep 1
shot playing key l mousemove 660 476 mousemove 664 476
shot menu mousemove 780 512 click 1
xdotool key Escape mousemove 480 200 key l
shot statistics key i
shot keys key i key question
close
start --lang zh play --paused --start 30 --subtitle-language zh Mandelbrot.mp4
shot chinese key i mousemove 360 476 mousemove 364 476
close
title="Kinora|missing" start play missing.mp4
shot error mousemove 270 356
close
title="Kinora|missing" start --lang zh play missing.mp4
shot error-chinese mousemove 270 356

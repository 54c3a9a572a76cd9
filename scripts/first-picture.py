#!/usr/bin/env python3
"""How long after its start `kinora play` shows the first picture: nowhere (--vo null), and in a window on a display of its own.

    scripts/first-picture.py [FILM] [ROUNDS]

KINORA names the program (target/release/kinora). Wants Xvfb, and ffmpeg where no film is named. On a machine that does other things
the figures say little.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

OUTPUTS = ("null", "window:software", "window")
LIMIT_S = 30


def first_picture_ms(program, film, output, display):
    """From the start of the program until the picture is out; in a window, until the display has it."""
    environment = dict(os.environ, DISPLAY=display)
    environment.pop("WAYLAND_DISPLAY", None)
    line = [program, "--no-config", "play", "--ao", "null", "--vo", output, "--stats", "json", "--until", "first-frame", film]
    begun = time.monotonic()
    playing = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment)
    told, end = None, None
    for text in playing.stdout:
        event = json.loads(text)
        if event["event"] == "first_frame":
            told = (time.monotonic() - begun) * 1e3
        elif event["event"] == "end":
            end = event
    if playing.wait(LIMIT_S) != 0 or told is None or end is None:
        sys.exit(f"first-picture: {' '.join(line)} did not play")
    # Its own clock began later than the program.
    seen = end["first_seen_ms"] if output != "null" else end["first_frame_ms"]
    return told - end["first_frame_ms"] + seen


def main():
    program = os.environ.get("KINORA", "target/release/kinora")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as folder:
        film = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder, "film.mp4")
        if len(sys.argv) < 2:
            made = f"ffmpeg -nostdin -v error -f lavfi -i smptebars=size=640x360:rate=25 -t 10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p {film}"
            subprocess.run(made.split(), check=True)
        server = ["Xvfb", "-displayfd", "1", "-screen", "0", "1300x800x24", "-noreset", "-nolisten", "tcp"]
        display = subprocess.Popen(server, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            name = ":" + display.stdout.readline().decode().strip()
            figures = {output: [] for output in OUTPUTS}
            for _ in range(rounds):
                for output in OUTPUTS:
                    figures[output].append(first_picture_ms(program, film, output, name))
        finally:
            display.kill()
            display.wait()
    base = statistics.median(figures["null"])
    for output, times in figures.items():
        median = statistics.median(times)
        print(f"{output:16} median {median:6.1f} ms  ({median - base:+6.1f})  {min(times):.1f} to {max(times):.1f}, {rounds} rounds")


if __name__ == "__main__":
    main()

"""What the tests play: a second of pictures and a tone, made by FFmpeg, and a server that has it."""

import functools
import http.server
import subprocess
import threading

import pytest


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    made = (
        "ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 "
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest"
    ).split()
    subprocess.run([*made, str(path)], check=True, timeout=60)
    return path


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def server(clip):
    """The URL of the folder with the clip."""
    handler = functools.partial(Quiet, directory=str(clip.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()

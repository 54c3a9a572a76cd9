"""The player."""

import asyncio
import gc
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import kinora

# Whatever is waited for takes no longer.
LIMIT = 60


def played(player):
    """The names of the events up to the end."""
    names = []
    for event in player.events(timeout=LIMIT):
        names.append(event.name)
        if event.name in ("completion", "error"):
            return names
    raise AssertionError(f"it did not end: {names}")


def test_a_player_plays_to_the_end_and_its_context_releases_it(clip):
    with kinora.Player(clip, autoplay=True) as player:
        names = played(player)
        assert player.state == "completion"
        assert abs(player.duration - 1.0) < 0.1
        assert {track["type"] for track in player.media_info()["tracks"]} == {"video", "audio"}
        assert player.snapshot()[0].shape == (120, 160)
    for name in ("prepared", "first_frame", "completion"):
        assert names.count(name) == 1, name
    # The rest of the events, and then none for ever.
    assert all(event.name == "state_changed" for event in player)
    assert player.released and player.next_event() is None


def test_pictures_and_sound_go_to_the_outputs_that_are_named(clip, tmp_path):
    with kinora.Player(video=f"png:{tmp_path / 'frames'}", audio=f"wav:{tmp_path / 'sound.wav'}", autoplay=True) as player:
        player.open(clip)
        player.wait("completion", timeout=LIMIT)
    assert len(list((tmp_path / "frames").glob("*.png"))) == 25
    assert (tmp_path / "sound.wav").stat().st_size > 44100


def test_what_is_asked_for_is_told_and_what_can_not_be_is_refused(clip):
    with kinora.Player() as player:
        player.start()
        refused = player.wait("command_refused", timeout=LIMIT)
        assert refused.command == "start" and refused["reason"]
        with pytest.raises(AttributeError):
            refused.nothing
        player.speed, player.volume, player.muted, player.looping = 1.5, 0.5, True, True
        player.rotation, player.mirror, player.scale_mode = 90, "horizontal", "fill"
        player.set_config(max_buffer=30_000)
        assert (player.speed, player.volume, player.muted, player.looping) == (1.5, 0.5, True, True)
        assert (player.rotation, player.mirror, player.scale_mode) == (90, "horizontal", "fill")
        player.looping = False
        player.open(clip)
        player.wait("prepared", timeout=LIMIT)
        player.seek(0.5, exact=True)
        done = player.wait("seek_done", timeout=LIMIT)
        assert done.target == 0.5 and abs(done.pts - 0.48) < 0.001
        player.start()
        player.wait("completion", timeout=LIMIT)


def test_an_error_is_raised_where_something_else_is_waited_for(tmp_path):
    with kinora.Player(tmp_path / "nowhere.mp4") as player:
        with pytest.raises(kinora.PlaybackError) as raised:
            player.wait("prepared", timeout=LIMIT)
    assert raised.value.number == 0x20080002 and raised.value.remedy
    with kinora.Player() as player, pytest.raises(TimeoutError):
        player.wait("prepared", timeout=0.01)


def test_others_run_while_one_waits():
    with kinora.Player() as player:
        begun = threading.Event()

        def command():
            begun.wait(LIMIT)
            player.start()

        other = threading.Thread(target=command)
        other.start()
        begun.set()
        # With the interpreter's lock held the other thread could not give the command that ends this.
        event = player.next_event(timeout=LIMIT)
        other.join()
        assert event is not None and event.name == "command_refused"


def test_events_come_to_an_event_loop_beside_others(clip):
    async def play():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        names = []
        async with kinora.Player(clip, autoplay=True) as player:
            ticking = asyncio.ensure_future(tick())
            async for event in player:
                names.append(event.name)
                if event.name == "completion":
                    break
            ticking.cancel()
        assert ticks > 25, "the loop goes on while events are waited for"
        # Released: the rest comes, and the end.
        async for event in player:
            assert event.name == "state_changed"
        return names

    names = asyncio.run(asyncio.wait_for(play(), LIMIT))
    for name in ("prepared", "first_frame", "completion"):
        assert names.count(name) == 1, name


def test_a_wait_that_is_cancelled_takes_no_event_with_it():
    async def cancelled():
        with kinora.Player() as player:
            for _ in range(3):
                waiting = asyncio.ensure_future(player.__aiter__().__anext__())
                await asyncio.sleep(0)
                waiting.cancel()
            player.start()
            event = await asyncio.wait_for(player.__aiter__().__anext__(), LIMIT)
            assert event.name == "command_refused"

    asyncio.run(cancelled())


def test_a_player_that_is_forgotten_holds_nobody_up(clip, tmp_path):
    pipe = tmp_path / "pipe.y4m"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    player = kinora.Player(video=f"y4m:{pipe}", autoplay=True)
    # More than the output holds back, and more than a pipe takes.
    player.looping = True
    player.open(clip)
    # Nobody reads on: the output waits, and would be waited for.
    assert select.select([reading], [], [], LIMIT)[0]
    begun = time.monotonic()
    del player
    gc.collect()
    assert time.monotonic() - begun < 0.5
    os.close(reading)


def test_ctrl_c_ends_a_wait():
    program = textwrap.dedent(
        """
        import signal
        # A shell's background jobs, and what they start, ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import kinora
        with kinora.Player() as player:
            print("waiting", flush=True)
            try:
                player.next_event()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=LIMIT)
        assert out == "interrupted\n" and child.returncode == 0
    finally:
        child.kill()
        child.wait()


def test_players_of_several_threads_do_not_wait_for_each_other(clip):
    ended = []

    def play():
        with kinora.Player(clip, autoplay=True) as player:
            ended.append(played(player)[-1])

    threads = [threading.Thread(target=play) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert ended == ["completion"] * 3

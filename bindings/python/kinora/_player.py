"""The player."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any

from . import _kinora
from ._events import Event
from ._reader import Frame, Location

__all__ = ["Player"]


class Player(_kinora.Player):
    """Plays one source at a time.

    Commands return at once, from any thread; what comes of them is told by events. One that can not be obeyed changes nothing and
    is told by ``command_refused``. Times are in seconds::

        with kinora.Player("film.mp4", video="png:frames", autoplay=True) as player:
            player.wait("completion", timeout=60)

    The events are an iterator, for threads and for ``asyncio`` (``async for event in player``); each event is given once, whoever
    asks. They end when the player is released, which ``with`` does. A player that is merely forgotten ends too, but without waiting
    for what its outputs hold.
    """

    def __new__(
        cls,
        source: Location | Mapping[str, str] | None = None,
        *,
        autoplay: bool = False,
        video: str | None = None,
        audio: str | None = None,
        config: Mapping[str, Any] | None = None,
        network: Mapping[str, Any] | None = None,
        cache: Mapping[str, Any] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> Player:
        """Starts a player, and opens ``source`` where one is given.

        ``video``: ``png:DIR``, ``y4m:FILE``, ``yuv:FILE``, ``sheet:FILE``, ``terminal``; ``audio``: ``auto``, ``pulse``,
        ``alsa``, ``wav:FILE``. Without them nothing is seen nor heard, in time. ``config``: the documented settings, durations in
        milliseconds. ``network``: user_agent, referer, headers, proxy, keep_cookies, redirect_limit, connect_timeout,
        first_byte_timeout, stall_timeout, extra_ca. ``cache``: dir, max_size, min_free, max_age, max_duration, ignore_query.
        ``keys``: content keys by their ids, in hexadecimal digits.
        """
        options = {
            "autoplay": autoplay,
            "video": video,
            "audio": audio,
            "config": config,
            "network": network,
            "cache": cache,
            "keys": keys,
        }
        player = super().__new__(cls, json.dumps(options))
        if source is not None:
            player.open(source)
        return player

    def open(self, source: Location | Mapping[str, str]) -> None:
        """Sets a path, a URL or a source (see ``set_source``), and prepares it."""
        if isinstance(source, Mapping):
            self.set_source(source)
            self.prepare()
        else:
            self._open(os.fspath(source))

    def set_source(self, source: Mapping[str, str]) -> None:
        """Sets what to play: ``url``; or ``vid`` with ``play_auth``; or ``vid`` with ``access_key_id``, ``access_key_secret`` and
        ``security_token``; and perhaps ``region`` and ``endpoint``."""
        self._set_source(json.dumps(dict(source)))

    def set_config(self, **settings: Any) -> None:
        """Changes settings, durations in milliseconds: ``player.set_config(max_buffer=30_000)``."""
        self._set_config(json.dumps(settings))

    def refresh(self, **credential: str) -> None:
        """Answers ``credential_expired``: ``play_auth``; or ``access_key_id``, ``access_key_secret`` and ``security_token``; or
        ``url``."""
        self._refresh(json.dumps(credential))

    def add_subtitle(self, url: Location) -> None:
        """Reads a file of subtitles beside the source; ``subtitle_added`` tells its index."""
        self._add_subtitle(os.fspath(url))

    def media_info(self) -> dict[str, Any] | None:
        """Container, duration, tracks, chapters; ``None`` before it is prepared."""
        text = self._media_info()
        return None if text is None else json.loads(text)

    def tracks(self) -> list[dict[str, Any]]:
        """What can be chosen: index, type, label, bandwidth, width, height, selected."""
        return json.loads(self._tracks())

    def snapshot(self) -> Frame | None:
        """The picture that is shown; ``None`` before the first."""
        picture = self._snapshot()
        return None if picture is None else Frame(picture)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event; ``None`` where none came within so many seconds, or none can come any more (``released``)."""
        native = self._next_event(timeout)
        return None if native is None else Event(native)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """The events as they come, until the player is released; with a ``timeout`` no longer than so many seconds altogether."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            event = self.next_event(None if until is None else max(0.0, until - time.monotonic()))
            if event is None:
                return
            yield event

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def wait(self, *names: str, timeout: float | None = None) -> Event:
        """Waits for an event of one of these names, past all others, and gives it.

        Raises what ``error`` tells, unless that is waited for; ``TimeoutError`` after so many seconds, or when the player is
        released meanwhile.
        """
        for event in self.events(timeout):
            if event.name in names:
                return event
            if event.name == "error" and event.error is not None:
                raise event.error
        raise TimeoutError(f"no {' or '.join(names)} came")

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events_for_asyncio()

    async def _events_for_asyncio(self) -> AsyncIterator[Event]:
        loop = asyncio.get_running_loop()
        stream = self._event_stream()
        while True:
            woken = asyncio.Event()

            def wake(woken: asyncio.Event = woken) -> None:
                try:
                    loop.call_soon_threadsafe(woken.set)
                except RuntimeError:
                    pass  # The loop is closed: nobody waits.

            try:
                native = stream.poll(wake)
            except StopAsyncIteration:
                return
            if native is None:
                await woken.wait()
            else:
                yield Event(native)

    def __enter__(self) -> Player:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    async def __aenter__(self) -> Player:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.release)

    def __repr__(self) -> str:
        return f"<kinora.Player {self.state} at {self.position:.3f} s>"

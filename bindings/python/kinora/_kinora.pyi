"""The native half. Use ``kinora`` itself: what begins with an underscore here may change."""

from collections.abc import Callable
from typing import Any, Optional

def version() -> str: ...
def code_name(number: int) -> str:
    """The name of a number: ``ERROR_NETWORK_HTTP_404``."""

def explain(query: str) -> str: ...
def probe(url: str, options: str) -> str: ...
def diagnose(source: str, network: str, seconds: float) -> str: ...
def _panic_for_tests() -> None: ...

class Fault:
    def json(self) -> str: ...
    def report(self, language: str = "en") -> str: ...

class Event:
    @property
    def name(self) -> str: ...
    @property
    def fault(self) -> Optional[Fault]: ...
    def json(self) -> str: ...

class EventStream:
    def poll(self, wake: Callable[[], object]) -> Optional[Event]: ...

class Memory:
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

class Picture:
    @property
    def pts(self) -> float: ...
    @property
    def duration(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def format(self) -> str: ...
    @property
    def bits(self) -> int: ...
    @property
    def rotation(self) -> int: ...
    @property
    def mirror(self) -> str: ...
    @property
    def pixel_aspect(self) -> tuple[int, int]: ...
    @property
    def color(self) -> tuple[int, int, int, bool]: ...
    @property
    def plane_count(self) -> int: ...
    def plane(self, index: int) -> Memory: ...
    def rgb(self) -> Memory: ...
    def png(self) -> bytes: ...

class VideoReader:
    def __new__(cls, url: str, options: str, threads: int) -> VideoReader: ...
    def seek(self, time: float) -> None: ...
    def next(self) -> Optional[Picture]: ...
    def close(self) -> None: ...

class AudioReader:
    def __new__(cls, url: str, options: str) -> AudioReader: ...
    def seek(self, time: float) -> None: ...
    def next(self) -> Optional[tuple[float, int, Memory]]: ...
    def close(self) -> None: ...

class Player:
    def __new__(cls, options: str) -> Player: ...
    def prepare(self) -> None:
        """Opens the source and decodes its first picture: ``prepared``, or ``error``."""
    def start(self) -> None:
        """Plays, from where it is."""
    def pause(self) -> None:
        """Holds, with the picture that is shown."""
    def step(self) -> None:
        """Shows the next picture and holds."""
    def stop(self) -> None:
        """Ends playing; the source stays set."""
    def reset(self) -> None:
        """Ends playing and forgets the source."""
    def reload(self) -> None:
        """Tries again what has stopped after ``ERROR_LOADING_TIMEOUT``."""
    def network_reconnect(self) -> None:
        """The device has joined another network: what is under way is asked for again at once."""
    def set_low_memory(self, low: bool) -> None:
        """The system has little memory left, or no longer."""
    def seek(self, time: float, *, exact: bool = False) -> None:
        """To a time: to the key picture before it, or exactly. ``seek_done`` follows."""
    def select_track(self, index: Optional[int] = None) -> None:
        """A track by its index in ``tracks()``; ``None``: the player chooses."""
    def select_subtitle(self, index: int, shown: bool = True) -> None:
        """Shows subtitles, or hides them."""
    def set_subtitle_delay(self, index: int, delay: float) -> None:
        """Shows them so many seconds later; sooner where it is negative."""
    def set_audio_delay(self, delay: float) -> None:
        """Sound is heard so many seconds later than its pictures are seen; earlier where it is negative. 10 at most."""
    def add_key(self, id: str, key: str) -> None:
        """A content key, both in hexadecimal digits; answers ``key_required``."""
    def add_licence(self, licence: bytes) -> None:
        """The keys of a ClearKey licence."""
    def set_repeat(self, begin: Optional[float] = None, end: Optional[float] = None) -> None:
        """Plays a part again and again; without one: no longer."""
    def skip_interstitial(self) -> None:
        """Ends what plays in the presentation's place."""
    def set_viewport(self, size: Optional[tuple[int, int]] = None) -> None:
        """In which area pictures are seen, width and height in pixels."""
    def release(self, timeout: float = 1.0) -> None:
        """Ends everything and waits until the outputs have written what they hold, so many seconds at most."""

    speed: float
    """0.5 to 2 with the pitch kept; 4 to 32 and -4 to -32 search by key pictures."""
    volume: float
    """0 to 2; 1 is as recorded."""
    muted: bool
    """Silence, at any volume."""
    looping: bool
    """Begins again at the end."""
    autoplay: bool
    """Starts by itself once prepared."""
    rotation: int
    """Degrees by which pictures are turned, beyond what the source says: 0, 90, 180, 270."""
    mirror: str
    """none, horizontal, vertical."""
    scale_mode: str
    """How pictures lie in the area of an output that has one: fit, fill, stretch."""

    @property
    def state(self) -> str:
        """idle, initialized, prepared, started, paused, stopped, completion, error."""
    @property
    def position(self) -> float:
        """Where playback is."""
    @property
    def buffered(self) -> float:
        """Up to where the data is there."""
    @property
    def duration(self) -> Optional[float]:
        """How long; ``None`` where it is unknown or live."""
    @property
    def chapter(self) -> Optional[int]:
        """The chapter that plays, by its place among those of ``media_info()``."""
    @property
    def download_speed(self) -> int:
        """Bits a second that arrive."""
    @property
    def released(self) -> bool:
        """Whether it has ended: no event can come any more."""

    def _open(self, url: str) -> None: ...
    def _set_source(self, source: str) -> None: ...
    def _set_config(self, config: str) -> None: ...
    def _refresh(self, credential: str) -> None: ...
    def _add_subtitle(self, url: str) -> None: ...
    def _media_info(self) -> Optional[str]: ...
    def _tracks(self) -> str: ...
    def _snapshot(self) -> Optional[Picture]: ...
    def _next_event(self, timeout: Optional[float]) -> Optional[Event]: ...
    def _event_stream(self) -> EventStream: ...

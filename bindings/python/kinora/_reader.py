"""Pictures and samples as numpy arrays, read without playing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, overload

import numpy
import numpy.typing

from . import _kinora

__all__ = ["Frame", "Samples", "frames", "samples"]

Array = numpy.typing.NDArray[Any]
Location = Union[str, "os.PathLike[str]"]


class Frame(Sequence[Array]):
    """A picture: the arrays of its planes, one after the other.

    ``y, u, v = frame`` gives those of ``yuv420p``. They lie in the decoder's own memory, which lives as long as one of them
    does, and can not be written; nothing is copied. Rows are those that are to be seen; more than 8 bits come as ``uint16``.
    """

    __slots__ = ("_native", "_planes")

    def __init__(self, native: _kinora.Picture) -> None:
        self._native = native
        self._planes = tuple(numpy.asarray(native.plane(index)) for index in range(native.plane_count))

    @property
    def pts(self) -> float:
        """When it is shown, in seconds."""
        return self._native.pts

    @property
    def duration(self) -> float:
        """How long, in seconds; 0 where it is unknown."""
        return self._native.duration

    @property
    def width(self) -> int:
        """Pixels, as it is coded: not turned."""
        return self._native.width

    @property
    def height(self) -> int:
        """Pixels, as it is coded: not turned."""
        return self._native.height

    @property
    def format(self) -> str:
        """How its samples lie, as FFmpeg calls it: ``yuv420p``."""
        return self._native.format

    @property
    def bits(self) -> int:
        """Bits of a sample."""
        return self._native.bits

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which it is to be turned."""
        return self._native.rotation

    @property
    def mirror(self) -> str:
        """How it is to be mirrored after that: none, horizontal, vertical."""
        return self._native.mirror

    @property
    def pixel_aspect(self) -> tuple[int, int]:
        """The shape of a pixel: its width to its height."""
        return self._native.pixel_aspect

    @property
    def color(self) -> tuple[int, int, int, bool]:
        """Primaries, transfer, matrix (ITU-T H.273; 2 is unspecified), and whether the range is full."""
        return self._native.color

    def rgb(self) -> Array:
        """Its pixels, upright and in their own shape: an array of height, width, 3 (``uint8``), for PIL or matplotlib."""
        return numpy.asarray(self._native.rgb())

    def png(self) -> bytes:
        """A PNG file of it, upright and in its own shape."""
        return self._native.png()

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Array, ...]: ...
    def __getitem__(self, index: int | slice) -> Array | tuple[Array, ...]:
        return self._planes[index]

    def __len__(self) -> int:
        return len(self._planes)

    def _repr_png_(self) -> bytes:
        return self.png()

    def __repr__(self) -> str:
        return f"<Frame {self.width}x{self.height} {self.format} at {self.pts:.3f} s>"


class Samples:
    """Decoded sound: ``data`` is an array of samples of one channel times channels, 32-bit floats, not copied."""

    __slots__ = ("data", "pts", "sample_rate")

    pts: float
    """When the first one sounds, in seconds."""
    sample_rate: int
    """Samples of one channel in a second."""
    data: Array

    def __init__(self, pts: float, sample_rate: int, memory: _kinora.Memory) -> None:
        self.pts = pts
        self.sample_rate = sample_rate
        self.data = numpy.asarray(memory)

    def __repr__(self) -> str:
        return f"<Samples {self.data.shape} {self.sample_rate} Hz at {self.pts:.3f} s>"


def read_options(network: Mapping[str, Any] | None, keys: Mapping[str, str] | None) -> str:
    """How a source is read, for the native half."""
    return json.dumps({"network": network, "keys": keys})


def frames(
    source: Location,
    *,
    start: float | None = None,
    network: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Iterator[Frame]:
    """The pictures of a file or URL in the order in which they are shown, as fast as the machine can.

    With ``start`` (seconds) from the one on that is on screen then. ``threads`` decode, as many as there are processors by
    default. It is opened here, and closed when the iterator ends or is closed.
    """
    native = _kinora.VideoReader(
        os.fspath(source), read_options(network, keys), threads or os.cpu_count() or 1
    )
    if start is not None:
        native.seek(start)
    return _frames(native)


def _frames(native: _kinora.VideoReader) -> Iterator[Frame]:
    try:
        while (picture := native.next()) is not None:
            yield Frame(picture)
    finally:
        native.close()


def samples(
    source: Location,
    *,
    start: float | None = None,
    network: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
) -> Iterator[Samples]:
    """The sound of a file or URL, as fast as the machine can; with ``start`` (seconds) from that sample on."""
    native = _kinora.AudioReader(os.fspath(source), read_options(network, keys))
    if start is not None:
        native.seek(start)
    return _samples(native)


def _samples(native: _kinora.AudioReader) -> Iterator[Samples]:
    try:
        while (read := native.next()) is not None:
            yield Samples(*read)
    finally:
        native.close()

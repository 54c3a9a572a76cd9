"""Kinora, an open video player SDK.

``Player`` plays; ``frames`` and ``samples`` give pictures and sound as numpy arrays without playing; ``probe`` tells what a source
holds, ``diagnose`` why it does not play, ``explain`` what a number means. What fails is an ``Error`` with its number, its reason
and its remedy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from . import _kinora
from ._errors import (
    ArtpError,
    DownloadError,
    Error,
    LiveShiftError,
    MpsError,
    PlaybackError,
    PopError,
    PrivateEncryptionError,
    RequestError,
    VodError,
)
from ._events import Event
from ._kinora import code_name
from ._player import Player
from ._reader import Frame, Location, Samples, frames, read_options, samples

__all__ = [
    "ArtpError",
    "DownloadError",
    "Error",
    "Event",
    "Frame",
    "LiveShiftError",
    "MpsError",
    "PlaybackError",
    "Player",
    "PopError",
    "PrivateEncryptionError",
    "RequestError",
    "Samples",
    "VodError",
    "__version__",
    "code_name",
    "diagnose",
    "explain",
    "frames",
    "probe",
    "samples",
]

__version__: str = _kinora.version()


def probe(
    source: Location,
    *,
    network: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a file or URL holds: container, duration, tracks, chapters."""
    return json.loads(_kinora.probe(os.fspath(source), read_options(network, keys)))


def explain(query: int | str) -> dict[str, Any]:
    """What a number, a name or words in English or Chinese mean, as ``kinora explain --json`` tells it."""
    return json.loads(_kinora.explain(str(query)))


def diagnose(
    source: Location | Mapping[str, str],
    *,
    seconds: float = 10.0,
    network: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Why a source does not play, and who must act, as ``kinora diagnose --json`` tells it: every step of its way is looked at,
    then it is played for so many seconds. ``["verdict"]["good"]`` where all is well."""
    what = dict(source) if isinstance(source, Mapping) else {"url": os.fspath(source)}
    return json.loads(_kinora.diagnose(json.dumps(what), json.dumps(network or {}), seconds))

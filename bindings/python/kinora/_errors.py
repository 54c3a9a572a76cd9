"""What fails, as exceptions: one class for each group of the error table."""

from __future__ import annotations

import json
from typing import Any

from . import _kinora

__all__ = [
    "ArtpError",
    "DownloadError",
    "Error",
    "LiveShiftError",
    "MpsError",
    "PlaybackError",
    "PopError",
    "PrivateEncryptionError",
    "RequestError",
    "VodError",
]


class Error(Exception):
    """A failure: one stable number, the place, the cause and the remedy.

    Its text names the number and what happened; ``report()`` tells all of it.
    """

    number: int
    """The number: ``0x20050194``."""
    name: str
    """The name of the number: ``ERROR_NETWORK_HTTP_404``."""
    group: str
    """The group of the number, which the class stands for: ``playback``."""
    reason: str
    """A stable word, more precise than the number: ``tls.expired``."""
    origin: str | None
    """Whose matter it is: content, network, service, device, caller, internal."""
    retry: str
    """Whether trying again may help: never, now, backoff, after_refresh, after_user."""
    meaning: str
    """What happened, as a sentence."""
    remedy: str
    """What to do, as a sentence."""
    causes: list[str]
    """What led to it, from the symptom down."""
    detail: dict[str, Any]
    """All that is known of it: the masked URL, HTTP status, bytes, track, position."""

    def __init__(self, fault: _kinora.Fault) -> None:
        self._fault = fault
        detail = json.loads(fault.json())
        self.detail = detail
        self.number = detail["number"]
        self.name = detail["name"]
        self.group = detail["group"]
        self.reason = detail["reason"]
        self.origin = detail["origin"]
        self.retry = detail["retry"]
        self.meaning = detail["meaning"]
        self.remedy = detail["remedy"]
        self.causes = detail["causes"]
        super().__init__(fault)

    def __str__(self) -> str:
        because = f" ({self.causes[0]})" if self.causes else ""
        return f"0x{self.number:08X} {self.name}: {self.meaning}{because} {self.remedy}".rstrip()

    def report(self, language: str = "en") -> str:
        """All of it for a person, in ``en`` or ``zh``: what, where, why, what to do."""
        return self._fault.report(language)


class RequestError(Error):
    """A request to the service was not answered as it should be."""


class PopError(Error):
    """The gateway of the service refused a call: signature, time, rights."""


class VodError(Error):
    """The video service refused: the video, the credential."""


class MpsError(Error):
    """The media processing service refused."""


class PlaybackError(Error):
    """Playing failed: network, file, container, decoder, output; errors of the system too."""


class DownloadError(Error):
    """Downloading failed."""


class PrivateEncryptionError(Error):
    """Privately encrypted content can not be played."""


class LiveShiftError(Error):
    """Time shifting failed."""


class ArtpError(Error):
    """The low-latency transport failed."""


_OF_GROUP: dict[str, type[Error]] = {
    "request": RequestError,
    "pop": PopError,
    "vod": VodError,
    "mps": MpsError,
    "playback": PlaybackError,
    "download": DownloadError,
    "private_encryption": PrivateEncryptionError,
    "liveshift": LiveShiftError,
    "artp": ArtpError,
}


def of_fault(fault: _kinora.Fault) -> Error:
    """The exception of a fault: the native half raises what this makes."""
    group = json.loads(fault.json())["group"]
    return _OF_GROUP.get(group, Error)(fault)

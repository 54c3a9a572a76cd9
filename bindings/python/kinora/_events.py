"""What a player tells."""

from __future__ import annotations

import json
from typing import Any

from . import _kinora
from ._errors import Error, of_fault

__all__ = ["Event"]


class Event:
    """Something that happened, by its name; ``docs/events.md`` lists them with their fields.

    A field is an item (``event["pts"]``) and an attribute (``event.pts``). Times are in seconds.
    """

    __slots__ = ("error", "fields", "name")

    name: str
    """``first_frame``, ``completion``, ``error``, ..."""
    fields: dict[str, Any]
    """What belongs to it."""
    error: Error | None
    """What failed, in events that tell of a failure."""

    def __init__(self, native: _kinora.Event) -> None:
        fields = json.loads(native.json())
        self.name = fields.pop("event")
        self.fields = fields
        fault = native.fault
        self.error = None if fault is None else of_fault(fault)

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]

    def __getattr__(self, field: str) -> Any:
        if not field.startswith("_"):
            try:
                return self.fields[field]
            except KeyError:
                pass
        raise AttributeError(f"an event {self.name!r} has no field {field!r}")

    def __repr__(self) -> str:
        fields = "".join(f" {name}={value!r}" for name, value in self.fields.items())
        return f"<{self.name}{fields}>"

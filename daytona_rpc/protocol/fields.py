"""What the fields of all messages share: wire names, constraints and the two kinds of enum."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

import attrs

DURATION_MAX_MS = 2**31 - 1
"""24 days: the largest unsigned integer of LSP, and what every timer of every platform takes."""

OFFSET_MAX = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def wire_name(name: str) -> str:
    """The camelCase name that a field has on the wire."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class ConstraintError(ValueError):
    """A value that its field does not allow; `path` is the wire path from the message that was checked."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem

    def within(self, outer: str) -> ConstraintError:
        """The same problem, seen from the message that holds this one in its field `outer`."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return ConstraintError(f"{outer}{joint}{self.path}", self.problem)


class ClosedEnum(StrEnum):
    """A set of words that grows only with the protocol version: any other word is an error."""


class ClosedIntEnum(IntEnum):
    """The same with numbers."""


class OpenEnum(StrEnum):
    """A set of words that may grow: a reader keeps an unknown word and treats it as its docstring says."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


def identifier(_: Any, field: attrs.Attribute[Any], value: str | None) -> None:
    """An id of a sandbox, session or command: safe in paths, URLs and on command lines."""
    if value is not None and not _ID.fullmatch(value):
        raise ConstraintError(
            wire_name(field.name),
            "must be 1 to 128 letters, digits, '.', '_' or '-', and start with a letter or a digit",
        )


def between(low: int, high: int) -> Validator:
    """An integer from `low` to `high`, both allowed."""

    def check(_: Any, field: attrs.Attribute[Any], value: int | None) -> None:
        if value is not None and not low <= value <= high:
            raise ConstraintError(wire_name(field.name), f"must be between {low} and {high}")

    return check


duration_ms = between(0, DURATION_MAX_MS)
timeout_ms = between(1, DURATION_MAX_MS)
offset = between(0, OFFSET_MAX)
port = between(1, 65535)


def check_text(path: str, value: str, *, empty: bool = True) -> None:
    """Refuses what no operating system takes as an argument, a path or an environment value."""
    if "\0" in value:
        raise ConstraintError(path, "must not contain a NUL character")
    if not value and not empty:
        raise ConstraintError(path, "must not be empty")


def text(_: Any, field: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None:
        check_text(wire_name(field.name), value)


def nonempty(_: Any, field: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None:
        check_text(wire_name(field.name), value, empty=False)


def environment(_: Any, field: attrs.Attribute[Any], value: dict[str, str | None] | None) -> None:
    for name, content in (value or {}).items():
        path = f"{wire_name(field.name)}.{name}"
        check_text(path, name, empty=False)
        if "=" in name:
            raise ConstraintError(path, "must not have '=' in its name")
        check_text(path, content or "")

"""What an examination finds: how bad it is, what it is, and how to mend it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """Works, but not as well as it could."""
    PROBLEM = "problem"
    """Does not work."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Level
    subject: str
    text: str
    mend: str = ""
    """A sentence on how to mend it; empty where there is nothing to mend."""
    details: tuple[str, ...] = ()
    """Lines that say more."""


def ok(subject: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, mend: str, *details: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding(Level.WARNING, subject, text, mend, details)


def problem(subject: str, text: str, mend: str, *details: str) -> Finding:
    """It does not work."""
    return Finding(Level.PROBLEM, subject, text, mend, details)

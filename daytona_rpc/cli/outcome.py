"""What a command's end is in a shell's words: an exit code, and a line for people."""

from __future__ import annotations

import os
import signal
from typing import Any

OURS = 125
"""The exit code for what went wrong with us, not with the command; as `env` and `docker run` have it."""

_TIMEOUT = 124  # as `timeout` has it
_CANNOT_RUN = 126
_NOT_FOUND = 127
_SIGNALLED = 128

Status = dict[str, Any]


def exit_code(status: Status) -> int:
    """The exit code of a finished command."""
    if status["reason"] == "timeout":
        return _TIMEOUT
    if status["status"] == "failed":
        return start_failure(status["reason"] or "", status["cwd"])
    if status["exitCode"] is not None:
        return int(status["exitCode"])
    if status["signal"] is not None:
        return _SIGNALLED + _number(status["signal"])
    return OURS


def start_failure(reason: str, cwd: str) -> int:
    """The exit code of a command that was not started for this reason in this directory."""
    if reason.startswith(f"{cwd}: "):
        return OURS
    return _NOT_FOUND if reason.endswith(os.strerror(2)) else _CANNOT_RUN


def _number(name: str) -> int:
    found = signal.Signals.__members__.get(name)
    if found is not None:
        return int(found)
    digits = name.removeprefix("SIG")
    return int(digits) if digits.isdigit() else 0


def outcome(status: Status) -> str:
    """How a command ended, in a few words; or that it has not."""
    word = str(status["status"])
    if word in ("queued", "running"):
        return word
    code = status["exitCode"]
    end = f"exit {code}" if code is not None else str(status["signal"] or "")
    if word == "completed":
        return end
    if word == "stopped":
        if status["reason"] == "timeout":
            return "timed out"
        return f"stopped, {end}" if end else "stopped"
    return word


def is_good(status: Status) -> bool:
    """Whether it ended as one would wish."""
    return (status["status"], status["exitCode"]) == ("completed", 0)


def duration(millis: int | None) -> str:
    """A duration for people: 0.4 s, 12 s, 3 m 05 s, 2 h 07 m, 4 d 03 h."""
    if millis is None:
        return ""
    if millis < 10_000:
        return f"{millis / 1000:.1f} s"
    seconds = round(millis / 1000)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} m"
    return f"{seconds // 86400} d {seconds % 86400 // 3600:02} h"

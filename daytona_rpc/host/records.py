"""The records of a session and its commands on disk, as JSON in the words of the wire.

A command has one record: `active/<id>.json` while it is queued or running, `commands/<id>/record.json`
once it is final. The final one is written before the active one is removed, so a command is never
without a record, and only `active` need be looked at to know what a dead host left behind.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Dict

from . import paths

Record = Dict[str, Any]
"""An object of the wire: a session, a command's status, or a request of the control socket."""

LOG_INCOMPLETE = "log incomplete"
"""How the reason of a command begins, or goes on, whose log lost bytes because the disk was full."""

FINAL = ("completed", "stopped", "failed", "lost")


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    millis = round(seconds * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(millis // 1000)) + f".{millis % 1000:03d}Z"


def seconds(stamp: str) -> float:
    """The inverse of `timestamp`, in seconds since the epoch."""
    parts = [int(stamp[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 23))]
    year, month, day, hour, minute, second, millis = parts
    # Days from the civil calendar; `calendar.timegm` would import `datetime` for the same.
    shifted = year - (month <= 2)
    era_day = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + era_day - 719468
    return days * 86400 + hour * 3600 + minute * 60 + second + millis / 1000


def text(path: str) -> str:
    """A path as the wire can carry it: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def new_session(session_id: str, cwd: str, shell: str, auto: bool) -> Record:
    return {
        "sessionId": session_id,
        "sandboxId": "local",
        "cwd": text(cwd),
        "shell": text(shell),
        "createdAt": timestamp(time.time()),
        "auto": auto,
    }


def read_session(directory: str) -> Record | None:
    return _read(os.path.join(directory, "session.json"))


def write_session(directory: str, record: Record) -> None:
    _write(os.path.join(directory, "session.json"), record)


def active_path(directory: str, command_id: str) -> str:
    return os.path.join(directory, "active", command_id + ".json")


def write_active(directory: str, record: Record) -> None:
    _write(active_path(directory, record["commandId"]), record)


def write_final(directory: str, record: Record) -> None:
    """Write a command's final record; its active one is gone afterwards."""
    command_id = record["commandId"]
    folder = paths.command_dir(directory, command_id)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    _write(os.path.join(folder, "record.json"), record)
    paths.unlink(active_path(directory, command_id))


def read_command(directory: str, command_id: str) -> Record | None:
    """A command's record, final or active; None for no such command."""
    final = _read(os.path.join(paths.command_dir(directory, command_id), "record.json"))
    return final if final is not None else _read(active_path(directory, command_id))


def ended(directory: str, command_id: str) -> float | None:
    """When a command's final record was written, in seconds since the epoch; None while it has none.

    That is when it ended, told by the file's own time: reading thousands of records would hold up a start.
    """
    try:
        return os.stat(os.path.join(paths.command_dir(directory, command_id), "record.json")).st_mtime
    except OSError:
        return None


def active_ids(directory: str) -> list[str]:
    return _ids(os.path.join(directory, "active"), ".json")


def final_ids(directory: str) -> list[str]:
    return _ids(os.path.join(directory, "commands"), "")


def _ids(folder: str, ending: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    ids = (name[: len(name) - len(ending)] for name in names if name.endswith(ending))
    return [name for name in ids if paths.is_id(name)]


def _read(path: str) -> Record | None:
    try:
        found = json.loads(paths.read_file(path))
    except (OSError, ValueError):
        return None  # absent, or cut short by a machine that stopped: nothing can be said of it
    return found if isinstance(found, dict) else None


def _write(path: str, record: Record) -> None:
    paths.write_file(path, json.dumps(record, separators=(",", ":")).encode())

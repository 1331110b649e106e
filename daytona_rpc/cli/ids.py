"""Ids as people type them: the beginning is enough where it says which."""

from __future__ import annotations

from collections.abc import Iterable

from daytona_rpc.cli.client import Client, Message
from daytona_rpc.cli.failure import Failure, Refused

_SHOWN = 3


def command(client: Client, text: str) -> Message:
    """The status of the command that is meant.

    Raises:
        Failure: there is none, or more than one.
    """
    status = _exact(client, "command/status", "commandId", text)
    if status is None:
        found = client.request("command/list")["commands"]
        command_id = _one("command", text, [one["commandId"] for one in found])
        status = next(one for one in found if one["commandId"] == command_id)
    return status


def session(client: Client, text: str) -> Message:
    """The session that is meant.

    Raises:
        Failure: there is none, or more than one.
    """
    found = client.request("sessions/list")["sessions"]
    session_id = _one("session", text, [one["sessionId"] for one in found])
    return next(dict(one) for one in found if one["sessionId"] == session_id)


def _exact(client: Client, method: str, key: str, text: str) -> Message | None:
    try:
        found: Message = client.request(method, {key: text})
    except Refused:  # not there, or no id at all: then it is the beginning of none
        return None
    return found


def _one(noun: str, text: str, ids: Iterable[str]) -> str:
    found = [one for one in ids if one.startswith(text)] if text else []
    if text in found:
        return text
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure(f"no {noun} {text}")
    shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    raise Failure(f"{text} is the beginning of {len(found)} {noun}s: {shown}")

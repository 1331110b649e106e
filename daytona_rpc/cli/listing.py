"""`ps` and `sessions`: what there is."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence

from daytona_rpc.cli import ids, outcome, style, table
from daytona_rpc.cli.client import Client, Message
from daytona_rpc.cli.output import STDOUT, Output
from daytona_rpc.cli.progress import FINAL
from daytona_rpc.host import records

_COMMAND_TITLES = ("COMMAND ID", "STATUS", "STARTED", "TOOK", "SESSION", "COMMAND")
_SESSION_TITLES = ("SESSION ID", "RUNNING", "CREATED", "SANDBOX", "DIRECTORY")


def ps(options: Namespace) -> int:
    """List the commands that run, or all, the newest first."""
    with Client(options.server) as client:
        params = {}
        if options.session is not None:
            params["sessionId"] = ids.session(client, options.session)["sessionId"]
        found = client.request("command/list", params)["commands"]
    wanted = [one for one in found if options.all or one["status"] not in FINAL]
    wanted.sort(key=lambda one: (one["createdAt"], one["commandId"]), reverse=True)
    _show(wanted, options.json, _COMMAND_TITLES, [_command_row(one) for one in wanted])
    return 0


def sessions(options: Namespace) -> int:
    """List the sessions, the newest first."""
    with Client(options.server) as client:
        found: list[Message] = client.request("sessions/list")["sessions"]
    found.sort(key=lambda one: (one["createdAt"], one["sessionId"]), reverse=True)
    _show(found, options.json, _SESSION_TITLES, [_session_row(one) for one in found])
    return 0


def _show(found: list[Message], as_json: bool, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    output = Output()
    if as_json:
        import orjson

        for one in found:
            output.put(STDOUT, orjson.dumps(one) + b"\n")
    else:
        output.put(STDOUT, table.render(titles, rows).encode("utf-8", "replace"))
    output.write_all()


def _command_row(one: Message) -> tuple[str, ...]:
    took = one["durationMs"]
    if took is None and one["startedAt"] is not None and one["status"] == "running":
        took = _age_ms(one["startedAt"])
    end = outcome.outcome(one)
    if one["ready"] == "waiting":
        end += ", not ready"
    elif one["ready"] == "ready":
        end += ", ready"
    return (
        one["commandId"],
        end,
        _ago(one["startedAt"] or one["createdAt"]),
        outcome.duration(took),
        one["sessionId"],
        style.one_line(one["command"]),
    )


def _session_row(one: Message) -> tuple[str, ...]:
    return (
        one["sessionId"],
        str(one["running"]) if one["running"] else "-",
        _ago(one["createdAt"]),
        one["sandboxId"],
        style.one_line(style.short_path(one["cwd"])),
    )


def _age_ms(stamp: str) -> int:
    return max(0, round((time.time() - records.seconds(stamp)) * 1000))


def _ago(stamp: str) -> str:
    """How long ago, in one unit."""
    seconds = _age_ms(stamp) // 1000
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"

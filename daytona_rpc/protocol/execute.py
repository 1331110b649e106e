"""The request that runs a command."""

from __future__ import annotations

import re
import warnings

import attrs

from daytona_rpc.protocol import fields
from daytona_rpc.protocol.commands import StdinState, Terminal


def _url(_: object, field: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and not re.match(r"https?://[^/\s]", value, re.IGNORECASE):
        raise fields.ConstraintError(fields.wire_name(field.name), "must be an http or https URL")


def _pattern(_: object, field: attrs.Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        problem = f"must be a regular expression: {error}"
        raise fields.ConstraintError(fields.wire_name(field.name), problem) from None


def _arguments(_: object, field: attrs.Attribute[list[str] | None], value: list[str] | None) -> None:
    if value is None:
        return
    name = fields.wire_name(field.name)
    if not value:
        raise fields.ConstraintError(name, "must not be empty")
    for index, argument in enumerate(value):
        fields.check_text(f"{name}[{index}]", argument, empty=index > 0)


@attrs.frozen(kw_only=True)
class ReadyCheck:
    """When a command counts as ready: as soon as the first of the given conditions holds."""

    port: int | None = attrs.field(default=None, validator=fields.port)
    """A TCP port of the sandbox, from 1 to 65535, that accepts a connection."""
    url: str | None = attrs.field(default=None, validator=_url)
    """An http or https URL, seen from the sandbox, that answers with a status below 500."""
    pattern: str | None = attrs.field(default=None, validator=_pattern)
    """A regular expression (Python's `re.search`) that a line of the log matches."""
    timeout_ms: int | None = attrs.field(default=None, validator=fields.timeout_ms)
    """Milliseconds, from 1 to 2147483647, after which the check gives up; the command runs on."""

    def __attrs_post_init__(self) -> None:
        if self.port is None and self.url is None and self.pattern is None:
            raise fields.ConstraintError("", "must have port, url or pattern")


@attrs.frozen(kw_only=True)
class ExecuteParams:
    """The command to run, as shell text (`command`) or as arguments without a shell (`argv`)."""

    session_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """The session to run it in; if left out, a session is made for it."""
    sandbox_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """The sandbox of the session that is made; the connection's default if left out."""
    command: str | None = attrs.field(default=None, validator=fields.text)
    """Shell text; exactly one of `command` and `argv` is given."""
    argv: list[str] | None = attrs.field(default=None, validator=_arguments)
    """The program and its arguments, run without a shell; at least the program."""
    cwd: str | None = attrs.field(default=None, validator=fields.nonempty)
    """Its directory, for this command alone; relative to the session's."""
    env: dict[str, str | None] | None = attrs.field(default=None, validator=fields.environment, repr=False)
    """Variables for this command alone; null removes one."""
    run_async: bool = False
    """Whether it runs beside the session's other commands and is answered when it has started."""
    command_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """Its id, chosen by the client to start it once; `cmd-` and 12 hexadecimal digits if left out."""
    timeout_ms: int | None = attrs.field(default=None, validator=fields.timeout_ms)
    """Milliseconds of running, from 1 to 2147483647, after which it is stopped; never if left out."""
    tty: Terminal | None = None
    """The size of the terminal to run it in; pipes if left out."""
    stream: bool = True
    """Whether to attach to it, so that its log comes as `command/output`."""
    ready: ReadyCheck | None = None
    """When it counts as ready; no check if left out."""
    stdin: StdinState | None = None
    """Whether it can be given input; if left out `open` with `runAsync` or `tty`, else `closed`."""

    def __attrs_post_init__(self) -> None:
        if self.command is None and self.argv is None:
            raise fields.ConstraintError("command", "is missing: give either command or argv")
        if self.command is not None and self.argv is not None:
            raise fields.ConstraintError("argv", "must not be given together with command")

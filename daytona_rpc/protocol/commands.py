"""Commands: single executions in a session, and what is known of them."""

from __future__ import annotations

import attrs

from daytona_rpc.protocol import fields


class Status(fields.ClosedEnum):
    """Where a command is in its life."""

    QUEUED = "queued"
    """It waits for the synchronous commands of its session that came before it."""
    RUNNING = "running"
    """Its process was started and is not over."""
    COMPLETED = "completed"
    """It ended by itself, with any exit code or by a signal that was not ours. Final."""
    STOPPED = "stopped"
    """We ended it: `reason` is `stop`, `signal` or `timeout`. Final."""
    FAILED = "failed"
    """It never started; `reason` says why. Final."""
    LOST = "lost"
    """Nobody can know how it ended; `reason` says why. Final."""

    @property
    def final(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


class StdinState(fields.ClosedEnum):
    """Whether a command can be given input."""

    OPEN = "open"
    """`command/input` is taken."""
    CLOSED = "closed"
    """The command reads end of file."""


class ReadyState(fields.ClosedEnum):
    """How far a command with a `ready` check is."""

    WAITING = "waiting"
    """No condition holds yet."""
    READY = "ready"
    """A condition held; `command/ready` was sent."""
    TIMED_OUT = "timedOut"
    """None held within `timeoutMs`; the command runs on."""


@attrs.frozen(kw_only=True)
class Terminal:
    """The size of a command's terminal."""

    cols: int = attrs.field(validator=fields.between(1, 1000))
    """Columns, from 1 to 1000."""
    rows: int = attrs.field(validator=fields.between(1, 1000))
    """Rows, from 1 to 1000."""


@attrs.frozen(kw_only=True)
class CommandStatus:
    """All that is known of a command."""

    command_id: str
    """Its id, unique across sessions."""
    session_id: str
    """The session it belongs to."""
    sandbox_id: str
    """The sandbox it runs in."""
    command: str
    """Its shell text; for `argv` the arguments, quoted and joined."""
    argv: list[str] | None
    """Its arguments when it was given as `argv`, else null."""
    status: Status
    """Where it is in its life."""
    exit_code: int | None
    """Its exit code; null while it is not over, when a signal ended it, and when nobody knows."""
    signal: str | None
    """The signal that ended it, such as `SIGKILL`, else null."""
    reason: str | None
    """Why it is in this status: `stop`, `signal` or `timeout` when stopped, else a sentence or null."""
    created_at: str
    """When it was taken."""
    started_at: str | None
    """When its process was started."""
    ended_at: str | None
    """When it was over."""
    duration_ms: int | None
    """Milliseconds from `startedAt` to `endedAt`."""
    cwd: str
    """The directory it was started in, absolute."""
    run_async: bool
    """Whether it runs beside the session's other commands."""
    log_size: int
    """Bytes written so far; also the offset of the next byte."""
    truncated_before: int
    """The offset of the oldest byte that is kept; 0 unless bytes were dropped."""
    tty: Terminal | None
    """The size of its terminal; null for pipes."""
    stdin: StdinState
    """Whether it can be given input."""
    ready: ReadyState | None
    """How far its `ready` check is; null without one, or when the command was over first."""
    output: str | None = attrs.field(default=None, repr=False)
    """The last 1 MiB of its log, all channels as text; only in the answer to a synchronous execution."""
    output_truncated: bool | None = None
    """Whether `output` is less than the whole log; beside `output` only."""


@attrs.frozen(kw_only=True)
class CommandParams:
    """The command meant."""

    command_id: str = attrs.field(validator=fields.identifier)
    """Its id."""


@attrs.frozen(kw_only=True)
class CommandListParams:
    """Which commands to list."""

    session_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """Only those of this session; all if left out."""


@attrs.frozen(kw_only=True)
class CommandList:
    """Commands."""

    commands: list[CommandStatus]
    """The commands, the oldest first."""


@attrs.frozen(kw_only=True)
class CommandReady:
    """The condition of a `ready` check that held first."""

    session_id: str
    """The session of the command."""
    command_id: str
    """The command."""
    port: int | None = None
    """The port that accepts connections."""
    url: str | None = None
    """The URL that answers."""
    line: str | None = None
    """The line that matched, at most 4096 characters of it."""

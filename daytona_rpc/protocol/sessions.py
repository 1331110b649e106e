"""Sessions: named places in a sandbox that keep a shell's state and own commands."""

from __future__ import annotations

import attrs

from daytona_rpc.protocol import fields
from daytona_rpc.protocol.commands import CommandStatus
from daytona_rpc.protocol.sandboxes import ChangeKind


@attrs.frozen(kw_only=True)
class Session:
    """A named place in a sandbox: a directory, an environment, a shell's state, and commands."""

    session_id: str
    """Its id, unique across sandboxes."""
    sandbox_id: str
    """The sandbox it is in."""
    cwd: str
    """The directory that the next command starts in, absolute."""
    shell: str
    """The path of the shell that runs its commands."""
    created_at: str
    """When it was made."""
    running: int
    """How many of its commands are queued or running."""
    auto: bool
    """Whether `command/execute` made it because no session was named."""
    commands: list[CommandStatus] | None = None
    """Its commands, the oldest first; only in the answer to `sessions/get`."""
    limits: list[str]
    """The promises that cannot be kept in this session, as sentences for people; empty on `local`."""


@attrs.frozen(kw_only=True)
class SessionParams:
    """The session meant."""

    session_id: str = attrs.field(validator=fields.identifier)
    """Its id."""


@attrs.frozen(kw_only=True)
class SessionsCreateParams:
    """The session to make."""

    session_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """Its id; `session-` and 8 hexadecimal digits if left out."""
    sandbox_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """The sandbox to make it in; the connection's default if left out."""
    cwd: str | None = attrs.field(default=None, validator=fields.nonempty)
    """The directory it starts in; `~` and `~/x` are the home directory and a path in it."""
    env: dict[str, str | None] | None = attrs.field(default=None, validator=fields.environment, repr=False)
    """Variables added to its environment; null removes one."""


@attrs.frozen(kw_only=True)
class SessionsListParams:
    """Which sessions to list."""

    sandbox_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """Only those in this sandbox; all if left out."""


@attrs.frozen(kw_only=True)
class SessionList:
    """Sessions."""

    sessions: list[Session]
    """The sessions, the oldest first."""


@attrs.frozen(kw_only=True)
class SessionDeletion:
    """What the deletion of a session ended."""

    stopped: int
    """How many commands were queued or running and have been stopped."""


@attrs.frozen(kw_only=True)
class SessionChange:
    """A session that is not as it was."""

    kind: ChangeKind
    """What happened to it."""
    session: Session
    """What it is now."""

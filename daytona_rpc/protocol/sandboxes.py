"""Sandboxes: where commands run."""

from __future__ import annotations

import attrs

from daytona_rpc.protocol import fields

PREVIEW_MAX_S = 24 * 60 * 60
AUTO_STOP_MAX_MINUTES = fields.DURATION_MAX_MS // 60_000


class SandboxKind(fields.ClosedEnum):
    """What a sandbox is."""

    LOCAL = "local"
    """This machine; there is one, with the id `local`."""
    DAYTONA = "daytona"
    """A sandbox in Daytona's cloud."""


class SandboxState(fields.OpenEnum):
    """What a sandbox does; an unknown word counts as `unknown`."""

    STARTED = "started"
    """Commands can run."""
    STOPPED = "stopped"
    """It can be started; its files are kept."""
    STARTING = "starting"
    """It becomes `started`."""
    STOPPING = "stopping"
    """It becomes `stopped`."""
    CREATING = "creating"
    """It is being made."""
    ARCHIVED = "archived"
    """It can be started, slowly: its files were moved to an archive."""
    ERROR = "error"
    """It failed; `reason` says why."""
    DESTROYED = "destroyed"
    """It is gone."""
    UNKNOWN = "unknown"
    """The server cannot tell."""


class ChangeKind(fields.ClosedEnum):
    """What happened to a sandbox or a session."""

    CREATED = "created"
    """It is new."""
    CHANGED = "changed"
    """One of its fields has a new value."""
    DELETED = "deleted"
    """It is gone; the notification holds its last state."""


@attrs.frozen(kw_only=True)
class Sandbox:
    """A place where commands run: this machine or a Daytona sandbox."""

    sandbox_id: str
    """Its id; `local` is this machine."""
    name: str
    """Its name for people."""
    kind: SandboxKind
    """What it is."""
    state: SandboxState
    """What it does; `local` is always `started`."""
    reason: str | None
    """Why it is in this state, where there is something to say."""
    labels: dict[str, str]
    """Its labels, set at its creation."""
    target: str | None
    """The region it runs in; null for `local`."""
    created_at: str | None
    """When it was made; null for `local`."""
    auto_stop_interval: int | None
    """Minutes without activity after which Daytona stops it, 0 for never; null for `local`."""
    limits: list[str]
    """The promises that cannot be kept in this sandbox, as sentences for people; empty for `local`."""


@attrs.frozen(kw_only=True)
class SandboxParams:
    """The sandbox meant."""

    sandbox_id: str = attrs.field(validator=fields.identifier)
    """Its id."""


@attrs.frozen(kw_only=True)
class SandboxList:
    """All sandboxes of this machine and of the account."""

    sandboxes: list[Sandbox]
    """`local` first, then Daytona's, the newest first."""


@attrs.frozen(kw_only=True)
class SandboxCreateParams:
    """The sandbox to make; what is left out is Daytona's default."""

    name: str | None = attrs.field(default=None, validator=fields.nonempty)
    """Its name for people."""
    snapshot: str | None = attrs.field(default=None, validator=fields.nonempty)
    """The snapshot to make it from."""
    labels: dict[str, str] | None = None
    """Its labels."""
    env: dict[str, str] | None = attrs.field(default=None, validator=fields.environment, repr=False)
    """Environment variables of everything in it."""
    target: str | None = attrs.field(default=None, validator=fields.nonempty)
    """The region to make it in."""
    auto_stop_interval: int | None = attrs.field(
        default=None, validator=fields.between(0, AUTO_STOP_MAX_MINUTES)
    )
    """Minutes without activity after which Daytona stops it; 0 for never."""


@attrs.frozen(kw_only=True)
class PreviewLinkParams:
    """The port to look at."""

    sandbox_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """The sandbox; the connection's default if left out."""
    port: int = attrs.field(validator=fields.port)
    """A port in it, from 1 to 65535; nothing needs to listen there yet."""
    expires_in_seconds: int | None = attrs.field(default=None, validator=fields.between(1, PREVIEW_MAX_S))
    """How long the link is to work, from 1 to 86400 seconds; not used for `local`."""


@attrs.frozen(kw_only=True)
class PreviewLink:
    """A link that opens a port of a sandbox in a browser."""

    url: str = attrs.field(repr=False)
    """The link; a secret when it carries a token."""
    token: str | None = attrs.field(default=None, repr=False)
    """The secret in or beside the link, where there is one."""
    expires_at: str | None = None
    """When the link stops working, if it does."""


@attrs.frozen(kw_only=True)
class SandboxChange:
    """A sandbox that is not as it was."""

    kind: ChangeKind
    """What happened to it."""
    sandbox: Sandbox
    """What it is now."""

"""What the server asks the editor to show, as the Language Server Protocol defines it."""

from __future__ import annotations

from typing import Any

import attrs

from daytona_rpc.protocol import fields


class MessageType(fields.ClosedIntEnum):
    """How serious a message is."""

    ERROR = 1
    """Something failed."""
    WARNING = 2
    """Something may fail, or is not as it was asked for."""
    INFO = 3
    """Something worth knowing."""
    LOG = 4
    """An entry of the server's log."""
    DEBUG = 5
    """A detail for the server's developers."""


@attrs.frozen(kw_only=True)
class MessageParams:
    """A message for people."""

    type: MessageType
    """How serious it is."""
    message: str
    """Its text."""


@attrs.frozen(kw_only=True)
class LogTraceParams:
    """A line of the trace."""

    message: str
    """The line; never holds commands, environments or inputs."""
    verbose: str | None = None
    """More about it, when the trace is `verbose`."""


@attrs.frozen(kw_only=True)
class ProgressCreateParams:
    """The token of progress that the server is about to report."""

    token: int | str
    """The token, made by the server."""


@attrs.frozen(kw_only=True)
class ProgressParams:
    """A report of progress."""

    token: int | str
    """The token it belongs to."""
    value: dict[str, Any]
    """LSP's `WorkDoneProgressBegin`, `WorkDoneProgressReport` or `WorkDoneProgressEnd`."""


@attrs.frozen(kw_only=True)
class ShowDocumentParams:
    """What to open."""

    uri: str
    """The URL of a preview."""
    external: bool | None = None
    """Whether to open it outside the editor, in a browser."""
    take_focus: bool | None = None
    """Whether it should take the focus."""


@attrs.frozen(kw_only=True)
class ShowDocumentResult:
    """Whether it was opened."""

    success: bool
    """Whether it was opened."""

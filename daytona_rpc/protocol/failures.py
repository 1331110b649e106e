"""What an error answer carries in `data`. The classes that are raised are in `daytona_rpc.errors`."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class ErrorData:
    """The `data` of an application error, with a code from 1001 on."""

    kind: str
    """The kind of error, a word of the table of errors; may be a word not known yet."""
    retryable: bool
    """Whether the same request can succeed later without the client changing it."""
    session_id: str | None = None
    """The session it is about."""
    command_id: str | None = None
    """The command it is about."""
    http_status: int | None = None
    """The status that Daytona answered with."""
    retry_after_ms: int | None = None
    """Milliseconds to wait before trying again; with `rateLimited`."""


@attrs.frozen(kw_only=True)
class InvalidParamsData:
    """The `data` of error -32602."""

    path: str
    """The wire path of the bad field, such as `tty.cols`; empty when `params` itself is not an object."""

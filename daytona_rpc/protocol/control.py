"""Requests about a command that was started: wait, input, stop, signal, resize."""

from __future__ import annotations

import binascii

import attrs

from daytona_rpc.protocol import fields
from daytona_rpc.protocol.logs import Encoding


@attrs.frozen(kw_only=True)
class WaitParams:
    """The command to wait for."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    timeout_ms: int | None = attrs.field(default=None, validator=fields.duration_ms)
    """Milliseconds, from 0 to 2147483647, after which the wait ends; never if left out."""


@attrs.frozen(kw_only=True)
class InputParams:
    """What to write to a command's standard input or terminal."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    data: str | None = attrs.field(default=None, repr=False)
    """What to write; at least one of `data` and `eof` is given."""
    encoding: Encoding = Encoding.UTF8
    """How `data` stands for bytes."""
    eof: bool = False
    """Whether the input ends after `data`; on a terminal this is its end-of-file character."""

    def __attrs_post_init__(self) -> None:
        if self.data is None:
            if not self.eof:
                raise fields.ConstraintError("data", "is missing: give data, eof or both")
        elif self.encoding is Encoding.BASE64:
            try:
                binascii.a2b_base64(self.data, strict_mode=True)
            except ValueError:
                raise fields.ConstraintError("data", "must be base64") from None


@attrs.frozen(kw_only=True)
class StopParams:
    """The command to stop, and how long to be gentle."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    grace_ms: int = attrs.field(default=5000, validator=fields.duration_ms)
    """Milliseconds, from 0 to 2147483647, between SIGTERM and SIGKILL."""


@attrs.frozen(kw_only=True)
class SignalParams:
    """The signal to send."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    signal: str = attrs.field(validator=fields.nonempty)
    """The signal's name with or without `SIG`, such as `INT` or `SIGUSR1`."""


@attrs.frozen(kw_only=True)
class ResizeParams:
    """The new size of a command's terminal."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command, which has a `tty`."""
    cols: int = attrs.field(validator=fields.between(1, 1000))
    """Columns, from 1 to 1000."""
    rows: int = attrs.field(validator=fields.between(1, 1000))
    """Rows, from 1 to 1000."""

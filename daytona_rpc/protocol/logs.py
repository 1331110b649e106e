"""Logs: the bytes a command wrote, by offset."""

from __future__ import annotations

import attrs

from daytona_rpc.protocol import fields

PAGE_BYTES = 1024 * 1024
PAGE_MAX_BYTES = 4 * 1024 * 1024


class Channel(fields.ClosedEnum):
    """Where a byte of a log came from."""

    STDOUT = "stdout"
    """The command's standard output."""
    STDERR = "stderr"
    """The command's standard error."""
    PTY = "pty"
    """The command's terminal, which does not tell output and error apart."""


class Encoding(fields.ClosedEnum):
    """How a string stands for bytes."""

    UTF8 = "utf8"
    """The string's UTF-8 form."""
    BASE64 = "base64"
    """Base64 with padding (RFC 4648, section 4)."""


@attrs.frozen(kw_only=True)
class LogChunk:
    """A run of bytes of one channel of a command's log."""

    session_id: str
    """The session of the command."""
    command_id: str
    """The command."""
    offset: int
    """The offset of its first byte in the command's log, from 0."""
    channel: Channel
    """Where its bytes came from."""
    data: str = attrs.field(repr=False)
    """Its bytes, as `encoding` says."""
    encoding: Encoding
    """`utf8` for whole characters, `base64` for bytes that are not UTF-8."""
    at: str
    """When its first byte was read."""
    truncated_before: int | None = None
    """Only where bytes were dropped that this reader had not got: the oldest offset kept then."""


@attrs.frozen(kw_only=True)
class LogsParams:
    """Which part of a log to read."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    offset: int = attrs.field(default=0, validator=fields.offset)
    """The first byte, from 0 to the log's size."""
    limit: int = attrs.field(default=PAGE_BYTES, validator=fields.between(1, PAGE_MAX_BYTES))
    """At most so many bytes, from 1 to 4194304; 1 MiB by default."""
    channel: Channel | None = None
    """Only chunks of this channel; all if left out. Offsets stay those of the whole log."""


@attrs.frozen(kw_only=True)
class LogPage:
    """A part of a log."""

    chunks: list[LogChunk]
    """The chunks, in the order of their offsets."""
    next_offset: int
    """Where to go on reading."""
    size: int
    """Bytes in the log so far; also the offset of the next byte."""
    truncated_before: int
    """The offset of the oldest byte that is kept; 0 unless bytes were dropped."""
    finished: bool
    """Whether the command is over, so that the log cannot grow."""


@attrs.frozen(kw_only=True)
class AttachParams:
    """The command to follow, and from where."""

    command_id: str = attrs.field(validator=fields.identifier)
    """The command."""
    offset: int = attrs.field(default=0, validator=fields.offset)
    """The first byte wanted, from 0 to the log's size."""

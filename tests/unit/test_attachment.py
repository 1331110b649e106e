"""An attachment over a real log: every byte once, the status behind the last one, drops told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from daytona_rpc import protocol
from daytona_rpc.attachment import Attachment
from daytona_rpc.framing import FrameReader, frame
from daytona_rpc.host.log import LogWriter
from tests.harness import assemble

AT_MS = 1_767_225_600_000
ALL = 1 << 30

RUNNING = protocol.CommandStatus(
    command_id="c",
    session_id="s",
    sandbox_id="local",
    command="make",
    argv=None,
    status=protocol.Status.RUNNING,
    exit_code=None,
    signal=None,
    reason=None,
    created_at="2026-01-01T00:00:00.000Z",
    started_at=None,
    ended_at=None,
    duration_ms=None,
    cwd="/",
    run_async=True,
    log_size=0,
    truncated_before=0,
    tty=None,
    stdin=protocol.StdinState.CLOSED,
    ready=None,
)


class Stream:
    """A log, its attachment, and what the attachment gave so far."""

    def __init__(self, directory: str, offset: int = 0, cap: int = 256 << 20) -> None:
        self.log = LogWriter(directory, cap)
        self.attachment = Attachment("s", "c", directory, offset, self._final_frame)
        self._frames = FrameReader()

    def _final_frame(self, status: protocol.CommandStatus) -> bytes:
        return frame(orjson.dumps({"method": "final", "params": {"logSize": status.log_size}}))

    def write(self, data: bytes, channel: int = 0) -> None:
        self.log.append(channel, data, AT_MS)
        self.attachment.grew(self.log.size)

    def finish(self) -> None:
        status = attrs.evolve(RUNNING, status=protocol.Status.COMPLETED, log_size=self.log.size)
        self.attachment.finish(status)

    def pull(self, max_bytes: int = ALL) -> list[Any]:
        messages = []
        for piece in self.attachment.pull(max_bytes):
            for body in self._frames.feed(piece):
                assert isinstance(body, bytes)
                messages.append(orjson.loads(body))
        return messages

    def chunks(self, max_bytes: int = ALL) -> list[Any]:
        """The chunks that one pull gives, which must be nothing else."""
        messages = self.pull(max_bytes)
        assert {"command/output"} >= {message["method"] for message in messages}
        return [message["params"] for message in messages]


@pytest.fixture
async def stream(tmp_path: Path) -> Any:
    stream = Stream(str(tmp_path / "log"))
    yield stream
    stream.attachment.close()
    stream.log.close()


@pytest.fixture
async def capped(tmp_path: Path) -> Any:
    """A log that keeps 128 KiB."""
    stream = Stream(str(tmp_path / "log"), cap=128 << 10)
    yield stream
    stream.attachment.close()
    stream.log.close()


def numbers(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield b"%09d\n" % number


async def test_nothing_is_given_before_there_is_something(stream: Stream) -> None:
    assert [] == stream.pull()
    stream.write(b"a")
    assert [] != stream.pull()
    assert [] == stream.pull()


async def test_pulls_of_any_size_give_each_byte_once(stream: Stream) -> None:
    expected = b"".join(numbers(30_000))
    stream.write(expected[:100_000], 0)
    stream.write(expected[100_000:], 1)
    got = []
    for max_bytes in (1, 7, 100_000, 65536, 1):
        got += stream.chunks(max_bytes)
    while more := stream.chunks(65536):
        got += more
    assert expected == assemble(got, 0)
    assert expected[100_000:] == assemble([chunk for chunk in got if chunk["channel"] == "stderr"])
    assert not [chunk for chunk in got if "truncatedBefore" in chunk]


async def test_it_begins_at_its_offset(tmp_path: Path) -> None:
    stream = Stream(str(tmp_path), 3)
    stream.write(b"abcdef")
    assert b"def" == assemble(stream.chunks(), 3)
    stream.attachment.close()
    stream.log.close()


async def test_the_final_status_comes_alone_behind_the_last_byte_and_ends_it(stream: Stream) -> None:
    stream.write(b"abc")
    stream.finish()
    assert b"abc" == assemble(stream.chunks())
    assert not stream.attachment.over.done()
    assert [{"method": "final", "params": {"logSize": 3}}] == stream.pull()
    assert stream.attachment.over.done()
    assert [] == stream.pull()


async def test_bytes_that_the_host_has_not_told_of_wait(stream: Stream) -> None:
    stream.write(b"abc")
    stream.log.append(0, b"def", AT_MS)
    assert b"abc" == assemble(stream.chunks())
    stream.attachment.grew(2)  # news that were overtaken
    assert [] == stream.chunks()
    stream.attachment.grew(6)
    assert b"def" == assemble(stream.chunks(), 3)


async def test_a_first_chunk_behind_dropped_bytes_says_so_and_the_next_does_not(capped: Stream) -> None:
    for line in numbers(30):
        capped.write(line * 1000)
    assert capped.log.base > 0
    chunks = capped.chunks()
    assert capped.log.base == chunks[0]["offset"] == chunks[0]["truncatedBefore"]
    assert not [chunk for chunk in chunks[1:] if "truncatedBefore" in chunk]


async def test_a_log_dropped_to_its_end_says_so_with_the_first_chunk_that_follows(stream: Stream) -> None:
    stream.write(b"abc")
    stream.log.close()
    for path in Path(stream.log.directory).iterdir():
        path.unlink()
    assert [] == stream.chunks()
    later = LogWriter(stream.log.directory)
    later.size = later.base = 3
    later.append(0, b"def", AT_MS)
    later.close()
    stream.attachment.grew(6)
    (chunk,) = stream.chunks()
    assert (3, "def", 3) == (chunk["offset"], chunk["data"], chunk.get("truncatedBefore"))


async def test_a_log_that_is_gone_ends_with_the_final_status(stream: Stream) -> None:
    stream.write(b"abc")
    stream.finish()
    stream.log.close()
    for path in Path(stream.log.directory).iterdir():
        path.unlink()
    assert ["final"] == [message["method"] for message in stream.pull()]


async def test_a_closed_one_gives_nothing_more_and_closes_its_files(stream: Stream) -> None:
    stream.write(b"abcdef")
    stream.chunks(1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    stream.attachment.close()
    stream.attachment.close()
    assert [] == stream.pull()
    assert before - 2 == len(list(Path("/proc/self/fd").iterdir()))

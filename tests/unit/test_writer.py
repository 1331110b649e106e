"""The writer over real pipes: order, room, and clients that do not read."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc import stdio, writer
from daytona_rpc.framing import FrameReader, frame
from daytona_rpc.writer import Writer


class Log:
    """A source with frames of its own."""

    def __init__(self, frames: list[bytes]) -> None:
        self.frames = frames
        self.pulls = 0

    def pull(self, max_bytes: int) -> list[bytes]:
        self.pulls += 1
        taken: list[bytes] = []
        while self.frames and sum(map(len, taken)) < max_bytes:
            taken.append(self.frames.pop(0))
        return taken


class Peer:
    """A writer on one end of a pipe and what can be read at the other."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        self.events: list[object] = []
        self.frames = FrameReader()
        self.bodies: list[bytes] = []
        self.writer = Writer(
            asyncio.get_running_loop(),
            self.write_fd,
            on_gone=lambda: self.events.append("gone"),
            on_congestion=self.events.append,
        )
        os.set_blocking(self.read_fd, False)

    async def read_until(self, done: Callable[[list[bytes]], bool]) -> list[bytes]:
        """Read until the bodies so far satisfy `done`."""
        async with asyncio.timeout(10):
            while not done(self.bodies):
                await asyncio.sleep(0)
                try:
                    data = os.read(self.read_fd, 1 << 16)
                except BlockingIOError:
                    continue
                for body in self.frames.feed(data):
                    assert isinstance(body, bytes)
                    self.bodies.append(body)
        return self.bodies

    async def read(self, count: int) -> list[bytes]:
        return await self.read_until(lambda bodies: len(bodies) >= count)

    def close(self) -> None:
        self.writer.close()
        for fd in (self.read_fd, self.write_fd):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def fill(peer: Peer) -> None:
    """Leave no room: one large frame that the pipe cannot take whole."""
    peer.writer.send(b"x" * 2_000_000)


async def test_a_frame_is_written_at_once(peer: Peer) -> None:
    peer.writer.send(b"{}")
    assert os.read(peer.read_fd, 100) == frame(b"{}")


async def test_frames_keep_their_order_through_a_full_pipe(peer: Peer) -> None:
    expected = [b"%d" % n * (n % 7000) for n in range(1, 600)]
    for body in expected:
        peer.writer.send(body)
    assert expected == await peer.read(len(expected))


async def test_sending_never_blocks_and_an_answer_overtakes_the_log(peer: Peer) -> None:
    log = Log([frame(b"%d" % n + b"c" * 60_000) for n in range(200)])
    peer.writer.add_source(log)
    await turns()
    peer.writer.send(b"answer")
    bodies = await peer.read(201)
    # One chunk was begun; the others before it lay in the pipe already.
    assert bodies.index(b"answer") <= writer.PIPE_BYTES // 60_000 + 3
    assert [int(body.split(b"c")[0]) for body in bodies if body != b"answer"] == list(range(200))


async def test_a_source_is_pulled_no_further_than_the_pipe_has_room(peer: Peer) -> None:
    log = Log([frame(b"c" * 60_000) for _ in range(500)])
    peer.writer.add_source(log)
    await turns(300)
    assert 500 - len(log.frames) <= writer.PIPE_BYTES // 60_000 + 4
    await peer.read(500)


async def test_sources_take_turns(peer: Peer) -> None:
    for name in (b"a", b"b", b"c"):
        peer.writer.add_source(Log([frame(name * 66_000) for _ in range(30)]))
    bodies = await peer.read(90)
    assert bytes(body[0] for body in bodies) == b"abc" * 30


async def test_what_an_answer_announces_comes_after_it(peer: Peer) -> None:
    peer.writer.add_source(Log([frame(b"log")]))
    peer.writer.send(b"answer")
    assert await peer.read(2) == [b"answer", b"log"]


async def test_a_source_sleeps_until_it_is_woken(peer: Peer) -> None:
    log = Log([])
    peer.writer.add_source(log)
    await turns()
    assert log.pulls == 1
    log.frames.append(frame(b"more"))
    await turns()
    assert log.pulls == 1
    peer.writer.wake(log)
    peer.writer.wake(log)
    assert await peer.read(1) == [b"more"]
    assert log.pulls <= 3


async def test_a_removed_source_is_silent_and_may_be_woken(peer: Peer) -> None:
    log = Log([frame(b"never")])
    peer.writer.add_source(log)
    peer.writer.remove_source(log)
    peer.writer.wake(log)
    peer.writer.remove_source(log)
    await turns()
    assert log.pulls == 0


async def test_a_source_may_remove_itself_while_it_is_pulled(peer: Peer) -> None:
    class Last:
        def pull(self, max_bytes: int) -> list[bytes]:
            peer.writer.remove_source(self)
            return [frame(b"last")]

    peer.writer.add_source(Last())
    assert await peer.read(1) == [b"last"]
    await turns()
    assert peer.bodies == [b"last"]


async def test_a_source_that_fails_does_not_hurt_the_others(peer: Peer, caplog: Any) -> None:
    class Broken:
        def pull(self, max_bytes: int) -> list[bytes]:
            raise ValueError("secret")

    peer.writer.add_source(Broken())
    peer.writer.add_source(Log([frame(b"fine")]))
    assert await peer.read(1) == [b"fine"]
    assert "secret" not in caplog.text


async def test_only_the_latest_of_each_key_is_kept_while_there_is_no_room(peer: Peer) -> None:
    made: list[str] = []

    def make(name: str) -> Callable[[], bytes]:
        def body() -> bytes:
            made.append(name)
            return name.encode()

        return body

    peer.writer.send_latest("k1", make("free"))
    fill(peer)
    for n in range(1000):
        peer.writer.send_latest("k1", make(f"k1-{n}"))
        peer.writer.send_latest("k2", make(f"k2-{n}"))
    peer.writer.send(b"answer")
    bodies = await peer.read(5)
    assert bodies[0] == b"free"
    assert bodies[2:] == [b"answer", b"k1-999", b"k2-999"]
    assert made == ["free", "k1-999", "k2-999"]


async def test_unread_answers_stop_the_reading_of_requests_until_they_are_read(peer: Peer) -> None:
    while not peer.writer.congested:
        peer.writer.send(b"a" * 100_000)
    assert peer.events == [True]
    await peer.read_until(lambda _: peer.events == [True, False])
    assert not peer.writer.congested


async def test_a_client_that_never_reads_is_given_up_before_memory_is(peer: Peer) -> None:
    for _ in range(writer.HARD_LIMIT // 1_000_000 + 2):
        peer.writer.send(b"a" * 1_000_000)
    assert peer.events == [True, "gone"]
    assert peer.writer.gone


async def test_a_closed_pipe_is_reported_once(peer: Peer) -> None:
    os.close(peer.read_fd)
    peer.read_fd = -1
    peer.writer.send(b"a")
    peer.writer.send(b"b")
    peer.writer.add_source(Log([frame(b"c")]))
    await turns()
    assert peer.events == ["gone"]


async def test_a_pipe_closed_while_it_is_full_is_reported(peer: Peer) -> None:
    fill(peer)
    os.close(peer.read_fd)
    peer.read_fd = -1
    await turns()
    assert peer.events == ["gone"]


async def test_corked_frames_leave_together(peer: Peer) -> None:
    peer.writer.cork()
    peer.writer.send(b"a")
    peer.writer.send_latest("k", lambda: b"c")
    peer.writer.send(b"b")
    with pytest.raises(BlockingIOError):
        os.read(peer.read_fd, 1)
    peer.writer.uncork()
    assert await peer.read(3) == [b"a", b"b", b"c"]


async def test_finishing_sends_what_was_sent_and_pulls_no_more(peer: Peer) -> None:
    log = Log([frame(b"c" * 60_000) for _ in range(1000)])
    peer.writer.add_source(log)
    await turns()
    fill(peer)
    peer.writer.send_latest("k", lambda: b"latest")
    assert not await peer.writer.finish(0.01)
    finished = asyncio.ensure_future(peer.writer.finish(5))
    await peer.read_until(lambda bodies: bodies[-1:] == [b"latest"])
    assert await finished
    assert len(log.frames) > 900
    assert await peer.writer.finish(0)


async def test_the_descriptor_is_left_as_it_came() -> None:
    peer = Peer()
    assert not os.get_blocking(peer.write_fd)
    peer.writer.close()
    assert os.get_blocking(peer.write_fd)
    os.close(peer.read_fd)
    os.close(peer.write_fd)


async def test_a_regular_file_takes_everything(tmp_path: Path) -> None:
    path = tmp_path / "out"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    out = Writer(asyncio.get_running_loop(), fd, on_gone=lambda: None, on_congestion=lambda congested: None)
    log = Log([frame(b"c" * 60_000) for _ in range(40)])
    out.add_source(log)
    fill_size = 3_000_000
    out.send(b"x" * fill_size)
    async with asyncio.timeout(10):
        while log.frames:
            await asyncio.sleep(0)
        assert await out.finish(1)
    out.close()
    os.close(fd)
    bodies = FrameReader().feed(path.read_bytes())
    assert [len(body) for body in bodies if isinstance(body, bytes)] == [fill_size] + [60_000] * 40


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


async def test_a_reader_pauses_resumes_and_ends_once(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    got: list[bytes] = []
    reader = stdio.Reader(asyncio.get_running_loop(), ours.fileno(), got.append, lambda: got.append(b"end"))
    theirs.send(b"a")
    await turns()
    assert got == []
    reader.resume()
    reader.resume()
    await turns()
    reader.pause()
    reader.pause()
    theirs.send(b"b")
    await turns()
    assert got == [b"a"]
    theirs.close()
    reader.resume()
    await turns()
    assert got == [b"a", b"b", b"end"]
    reader.resume()
    await turns()
    reader.close()
    assert got == [b"a", b"b", b"end"]
    assert ours.getblocking()


@pytest.mark.parametrize("name", ["file", "/dev/null"])
async def test_a_reader_reads_what_epoll_refuses(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = b"" if path == Path("/dev/null") else b"x" * 200_000
    if content:
        path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    got: list[bytes] = []
    reader = stdio.Reader(asyncio.get_running_loop(), fd, got.append, lambda: got.append(b"end"))
    reader.resume()
    await turns()
    reader.close()
    os.close(fd)
    assert b"".join(got) == content + b"end"


async def test_a_reader_reads_a_terminal_until_it_hangs_up() -> None:
    master, slave = os.openpty()
    got: list[bytes] = []
    reader = stdio.Reader(asyncio.get_running_loop(), slave, got.append, lambda: got.append(b"end"))
    reader.resume()
    os.write(master, b"typed\n")
    await turns()
    os.close(master)
    await turns()
    reader.close()
    os.close(slave)
    assert got == [b"typed\n", b"end"]

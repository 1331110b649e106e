"""The control socket of a host: no peer can hurt it, and none is left without its answer."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc import launcher
from daytona_rpc.host import control
from daytona_rpc.host.control import Control, Peer
from tests.unit.driven import DrivenLoop

Made = Callable[..., "Side"]


class Side:
    """A sidecar's end of the socket."""

    def __init__(self, loop: DrivenLoop, directory: str, receive_bytes: int = 0) -> None:
        self._loop = loop
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(os.path.join(directory, "sock"))
        self.socket.setblocking(False)
        self.rest = b""
        self.ended = False

    def send(self, *requests: dict[str, Any]) -> None:
        self.raw(b"".join(json.dumps(request).encode() + b"\n" for request in requests))

    def raw(self, data: bytes) -> None:
        def push() -> bool:
            nonlocal data
            try:
                data = data[self.socket.send(data[: 1 << 20]) :]
            except BlockingIOError:
                pass
            except OSError:
                return True
            return not data

        self._loop.until(push)

    def receive(self) -> list[dict[str, Any]]:
        """What is there now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    data = self.socket.recv(1 << 20)
                except ConnectionResetError:
                    data = b""
                if not data:
                    self.ended = True
                    break
                self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def until(self, done: Callable[[list[dict[str, Any]]], Any]) -> list[dict[str, Any]]:
        """Receive until what came is enough."""
        came: list[dict[str, Any]] = []

        def look() -> Any:
            came.extend(self.receive())
            return done(came)

        self._loop.until(look)
        return came

    def ask(self, number: int, op: str, **fields: Any) -> dict[str, Any]:
        """The answer to a request."""
        self.send({"id": number, "op": op, **fields})
        came = self.until(lambda came: [message for message in came if message.get("id") == number])
        return came[-1]

    def wait_for_end(self) -> None:
        self.until(lambda came: self.ended)


class Host:
    """A control socket whose requests are answered by their `op`."""

    def __init__(self, loop: DrivenLoop, directory: str) -> None:
        self.loop = loop
        self.directory = directory
        self.asked: list[dict[str, Any]] = []
        self.later: list[control.Answer] = []
        self.control = Control(loop, directory, self._handle, lambda: {"pid": 1})

    def _handle(self, peer: Peer, request: dict[str, Any], answer: control.Answer) -> None:
        self.asked.append(request)
        if request["op"] == "echo":
            answer({"r": request.get("data")})
        elif request["op"] == "large":
            answer({"r": "x" * request["bytes"]})
        elif request["op"] == "later":
            self.later.append(answer)
        elif request["op"] == "news":
            for number in range(3):
                self.control.tell(("n",), lambda number=number: {"e": "n", "number": number})
            answer({"r": None})
        elif request["op"] == "fail":
            raise ValueError("a bug")


@pytest.fixture
def host(loop: DrivenLoop, tmp_path: Path) -> Iterator[Host]:
    host = Host(loop, str(tmp_path))
    yield host
    host.control.close()
    for peer in list(host.control.peers):
        peer.close()


@pytest.fixture
def connect(host: Host) -> Iterator[Made]:
    sides: list[Side] = []

    def make(**options: int) -> Side:
        side = Side(host.loop, host.directory, **options)
        sides.append(side)
        (hello,) = side.until(lambda came: came)
        assert {"e": "hello", "v": control.VERSION, "pid": 1} == hello
        return side

    yield make
    for side in sides:
        side.socket.close()


# Requests and answers


def test_requests_are_answered_in_order_however_they_are_cut(connect: Made) -> None:
    side = connect()
    data = b"".join(b'{"id": %d, "op": "echo", "data": "\xc3\xa4%d"}\n' % (n, n) for n in range(20))
    for at in range(0, len(data), 7):
        side.raw(data[at : at + 7])
    came = side.until(lambda came: len(came) == 20)
    assert [{"id": n, "r": f"ä{n}"} for n in range(20)] == came


def test_a_late_answer_goes_to_who_asked_and_nowhere_once_that_has_left(host: Host, connect: Made) -> None:
    first, second = connect(), connect()
    first.send({"id": 7, "op": "later"})
    second.send({"id": 7, "op": "later"})
    host.loop.until(lambda: len(host.later) == 2)
    second.socket.close()
    host.loop.until(lambda: len(host.control.peers) == 1)
    for answer in host.later:
        answer({"r": "late"})
    assert [{"id": 7, "r": "late"}] == first.until(lambda came: came)


def test_news_of_what_a_request_did_come_before_its_answer_and_only_the_newest(connect: Made) -> None:
    side = connect()
    side.send({"id": 1, "op": "news"})
    came = side.until(lambda came: len(came) == 2)
    assert [{"e": "n", "number": 2}, {"id": 1, "r": None}] == came


def test_a_last_word_comes_behind_the_news_before_it(host: Host, connect: Made) -> None:
    side = connect()
    (peer,) = host.control.peers
    host.control.tell(("n",), lambda: {"e": "n"})
    peer.send({"e": "deleted"})
    assert ["n", "deleted"] == [message["e"] for message in side.until(lambda came: len(came) == 2)]


def test_a_request_of_some_megabytes_is_taken(connect: Made) -> None:
    side = connect()
    data = "x" * (5 << 20)
    assert data == side.ask(1, "echo", data=data)["r"]


def test_an_exception_in_a_handler_ends_neither_the_peer_nor_the_host(host: Host, connect: Made) -> None:
    side = connect()
    side.send({"id": 1, "op": "fail"})
    host.loop.until(lambda: host.loop.errors)
    host.loop.errors.clear()
    assert "alive" == side.ask(2, "echo", data="alive")["r"]
    assert "alive" == connect().ask(2, "echo", data="alive")["r"]


# Peers that misbehave


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"[1]",
        b"7",
        b"null",
        b'"id"',
        b"{}",
        b'{"id": 1}',
        b'{"op": "echo"}',
        b'{"id": "1", "op": "echo"}',
        b'{"id": 1.5, "op": "echo"}',
        b'{"id": 1, "op": []}',
        b"[" * 100_000,
        b'{"id": 1, "op": "echo", "data": "\xc3"}',
        b"GET / HTTP/1.1\r",
    ],
    ids=lambda line: repr(line[:20]),
)
def test_who_sends_garbage_is_hung_up_on_and_nobody_else(host: Host, connect: Made, line: bytes) -> None:
    other, side = connect(), connect()
    side.raw(line + b'\n{"id": 2, "op": "echo"}\n')
    side.wait_for_end()
    assert [] == host.asked
    assert "alive" == other.ask(1, "echo", data="alive")["r"]


def test_a_line_without_end_is_hung_up_on(host: Host, connect: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_LINE_MAX_BYTES", 1 << 20)
    side = connect()
    side.raw(b'{"id": 1, "op": "' + b"x" * (3 << 20))
    side.wait_for_end()
    assert set() == host.control.peers


def test_a_peer_that_leaves_in_the_middle_of_a_line_leaves_nothing(host: Host, connect: Made) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        side = connect()
        side.raw(b'{"id": 1, "op": "ec')
        side.socket.close()
    host.loop.until(lambda: not host.control.peers)
    assert before == len(os.listdir("/proc/self/fd"))


def test_a_peer_that_does_not_read_gets_the_newest_of_each_key_when_it_does(
    host: Host, connect: Made
) -> None:
    slow, quick = connect(receive_bytes=4096), connect()
    filler = "x" * 1000
    for number in range(20_000):
        for key in "ab":
            host.control.tell(
                (key,), lambda number=number, key=key: {"e": key, "number": number, "filler": filler}
            )
        host.control.flush()
        quick.receive()
    (peer,) = [peer for peer in host.control.peers if peer._blocked]
    assert 2 == len(peer._news)
    assert peer._out_bytes < 1 << 20
    came = slow.until(lambda came: len({m["e"] for m in came if m["number"] == 19_999}) == 2)
    assert len(came) < 2000
    for key in "ab":
        numbers = [message["number"] for message in came if message["e"] == key]
        assert sorted(numbers) == numbers


def test_a_peer_that_reads_no_answers_is_not_heard_until_it_does(host: Host, connect: Made) -> None:
    side, other = connect(receive_bytes=4096), connect()
    requests = [{"id": number, "op": "large", "bytes": 1 << 20} for number in range(40)]
    side.send(requests[0])
    for request in requests[1:]:
        side.send(request)
        assert "alive" == other.ask(request["id"], "echo", data="alive")["r"]
    heard = sum(request["op"] == "large" for request in host.asked)
    assert 9 <= heard <= 12
    came = side.until(lambda came: len(came) == 40)
    assert list(range(40)) == [message["id"] for message in came]
    assert {1 << 20} == {len(message["r"]) for message in came}


def test_a_peer_that_leaves_with_answers_unread_is_forgotten(host: Host, connect: Made) -> None:
    side = connect(receive_bytes=4096)
    side.send(*({"id": number, "op": "large", "bytes": 1 << 20} for number in range(15)))
    host.loop.until(lambda: len(host.asked) > 8)
    side.socket.close()
    host.loop.until(lambda: not host.control.peers)


# Peers that come and go


def test_many_peers_are_told_and_one_too_many_is_turned_away(
    host: Host, connect: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_PEERS_MAX", 50)
    sides = [connect() for _ in range(50)]
    late = Side(host.loop, host.directory)
    late.wait_for_end()
    late.socket.close()
    host.control.tell(("n",), lambda: {"e": "n"})
    for side in sides:
        assert [{"e": "n"}] == side.until(lambda came: came)
    sides[0].socket.close()
    host.loop.until(lambda: len(host.control.peers) == 49)
    connect()


def test_who_was_about_to_connect_when_the_host_ends_is_greeted(host: Host) -> None:
    side = Side(host.loop, host.directory)
    host.control.close()
    assert not os.path.exists(host.control.path)
    for peer in host.control.peers:
        peer.send({"e": "bye"})
    host.control.flush()
    assert ["hello", "bye"] == [m["e"] for m in side.until(lambda came: len(came) == 2)]
    side.socket.close()
    host.control.close()


def test_a_host_without_descriptors_left_does_not_spin_and_takes_the_next_one_later(
    host: Host, connect: Made
) -> None:
    connect()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    turns: list[None] = []
    flush = host.control.flush
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_highest_descriptor() + 1, limits[1]))
        taken = _take_all_descriptors()
        waiting.connect(host.control.path)
        host.loop.after_each_turn(lambda: turns.append(None))
        host.loop.call_later(0.1, host.loop.stop)
        host.loop._running = True
        host.loop.run()
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(turns) < 50
    host.loop.after_each_turn(flush)
    host.loop.until(lambda: len(host.control.peers) == 2)
    waiting.close()


def _highest_descriptor() -> int:
    return max(int(name) for name in os.listdir("/proc/self/fd"))


def _take_all_descriptors() -> list[int]:
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return taken


# The socket


def test_the_socket_is_private_and_replaces_one_that_a_dead_host_left(
    loop: DrivenLoop, tmp_path: Path
) -> None:
    control.listen(str(tmp_path)).close()
    host = Host(loop, str(tmp_path))
    mode = os.stat(tmp_path / "sock").st_mode
    assert stat.S_ISSOCK(mode)
    assert 0o600 == mode & 0o777
    side = Side(loop, str(tmp_path))
    assert 1 == side.ask(1, "echo", data=1)["r"]
    side.socket.close()
    host.control.close()
    for peer in list(host.control.peers):
        peer.close()


def test_a_socket_below_a_path_of_any_length_can_be_listened_on_and_connected_to(tmp_path: Path) -> None:
    here = os.getcwd()
    directory = tmp_path.joinpath(*["d" * 200] * 4)
    directory.mkdir(parents=True)
    listener = control.listen(str(directory))
    connection = launcher.connect(str(directory))
    assert connection is not None
    assert here == os.getcwd()
    connection.close()
    listener.close()
    gc.collect()

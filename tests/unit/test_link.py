"""The sidecar's end of a host's socket: each request has one outcome, however the host behaves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from daytona_rpc import errors, link
from daytona_rpc.link import HostLost, Link, Retired

WITHIN_S = 10


class Host:
    """The other end: a host that does what the test says."""

    def __init__(self) -> None:
        self.connection, self._own = socket.socketpair(socket.AF_UNIX)
        self.connection.setblocking(False)
        self.events: list[Any] = []
        self.lost: list[bool] = []

    async def listen(self) -> None:
        self.reader, self.writer = await asyncio.open_unix_connection(sock=self._own)

    def open(self) -> asyncio.Task[tuple[Link, dict[str, Any]]]:
        return asyncio.create_task(Link.open(self.connection, self.events.append, self.lost.append))

    async def greeted(self) -> Link:
        self.say({"e": "hello", "v": 1})
        opened, hello = await self.open()
        assert {"e": "hello", "v": 1} == hello
        return opened

    def say(self, *messages: dict[str, Any]) -> None:
        self.raw(b"".join(orjson.dumps(message) + b"\n" for message in messages))

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self) -> Any:
        """The next request; None at the end."""
        line = await asyncio.wait_for(self.reader.readline(), WITHIN_S)
        return orjson.loads(line) if line else None


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    await host.listen()
    yield host
    host.writer.close()
    host.connection.close()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.001)


# Requests


async def test_answers_find_their_requests_in_any_order(host: Host) -> None:
    opened = await host.greeted()
    first, second = opened.request("stop", commandId="a"), opened.request("stop", commandId="b")
    asked = [await host.hear(), await host.hear()]
    assert [("stop", "a"), ("stop", "b")] == [(request["op"], request["commandId"]) for request in asked]
    host.say({"id": asked[1]["id"], "r": "second"}, {"id": asked[0]["id"], "r": None})
    assert "second" == await second
    assert await first is None
    opened.close()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("alreadyFinished", errors.AlreadyFinished),
        ("conflict", errors.Conflict),
        ("ofAnotherVersion", errors.HostUnavailable),
        ("retired", Retired),
    ],
)
async def test_a_refusal_is_the_exception_of_its_kind(
    host: Host, kind: str, expected: type[Exception]
) -> None:
    opened = await host.greeted()
    answer = opened.request("input")
    host.say({"id": (await host.hear())["id"], "x": {"kind": kind, "message": "no"}})
    with pytest.raises(expected):
        await answer
    opened.close()


async def test_an_answer_to_a_request_nobody_waits_for_is_ignored(host: Host) -> None:
    opened = await host.greeted()
    opened.tell("unfollow", commandId="c")
    number = (await host.hear())["id"]
    host.say({"id": number, "r": None}, {"id": 999, "r": None}, {"e": "log", "c": "c", "n": 1})
    await until(lambda: host.events)
    cancelled = opened.request("stop")
    cancelled.cancel()
    host.say({"id": (await host.hear())["id"], "r": 1}, {"e": "log", "c": "c", "n": 2})
    await until(lambda: len(host.events) == 2)
    opened.close()


async def test_events_come_in_order_however_they_are_cut(host: Host) -> None:
    opened = await host.greeted()
    messages = [{"e": "status", "s": {"text": "ä" * n}} for n in range(20)]
    data = b"".join(orjson.dumps(message) + b"\n" for message in messages)
    for at in range(0, len(data), 11):
        host.raw(data[at : at + 11])
        await host.writer.drain()
        await asyncio.sleep(0)
    await until(lambda: len(host.events) == 20)
    assert messages == host.events
    opened.close()


# The end of the host


async def test_a_host_that_dies_leaves_no_request_waiting(host: Host) -> None:
    opened = await host.greeted()
    answer = opened.request("stop")
    await host.hear()
    host.writer.close()
    with pytest.raises(HostLost):
        await asyncio.wait_for(answer, WITHIN_S)
    assert [False] == host.lost
    with pytest.raises(Retired):
        opened.request("stop")
    opened.tell("unfollow")
    opened.close()
    assert [False] == host.lost


async def test_a_host_that_says_bye_answers_first_and_is_then_left(host: Host) -> None:
    opened = await host.greeted()
    answer = opened.request("stop")
    number = (await host.hear())["id"]
    host.say({"e": "bye"})
    await until(lambda: opened.leaving)
    with pytest.raises(Retired):
        opened.request("execute")
    host.say({"id": number, "r": "done"})
    assert "done" == await asyncio.wait_for(answer, WITHIN_S)
    assert await host.hear() is None
    await until(lambda: host.lost)
    assert [True] == host.lost


async def test_a_deleted_session_is_told_as_an_event_and_an_end_in_order(host: Host) -> None:
    await host.greeted()
    host.say({"e": "deleted"})
    await until(lambda: host.lost)
    assert ([{"e": "deleted"}], [True]) == (host.events, host.lost)


async def test_a_host_that_talks_nonsense_counts_as_dead(host: Host) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    opened = await host.greeted()
    answer = opened.request("stop")
    host.raw(b"nonsense\n")
    with pytest.raises(HostLost):
        await asyncio.wait_for(answer, WITHIN_S)
    assert [False] == host.lost


# The greeting


async def test_a_host_that_ends_before_it_greets_has_retired(host: Host) -> None:
    opening = host.open()
    host.writer.close()
    with pytest.raises(Retired):
        await opening


async def test_a_host_that_never_greets_is_unavailable_and_is_left(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_HELLO_WITHIN_S", 0.05)
    with pytest.raises(errors.HostUnavailable):
        await host.open()
    assert await host.hear() is None
    assert [] == host.lost


async def test_an_opening_that_is_cancelled_leaves_the_host(host: Host) -> None:
    opening = host.open()
    await asyncio.sleep(0.01)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert await host.hear() is None


async def test_after_close_nothing_more_is_told(host: Host) -> None:
    opened = await host.greeted()
    host.say({"e": "log", "c": "c", "n": 1})
    opened.close()
    with contextlib.suppress(ConnectionResetError):  # there was something that nobody read
        assert await host.hear() is None
    assert ([], []) == (host.events, host.lost)

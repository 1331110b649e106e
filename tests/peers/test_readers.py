"""Clients that read slowly or not at all, and clients that go away."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from pathlib import Path

import orjson
import psutil
import pytest

from daytona_rpc.framing import FrameReader, frame
from tests.harness import Client, eventually
from tests.peers.conftest import SERVER, Connect

STATUS = {"commandId": "c"}
MIB = 1024 * 1024


def rss(client: Client) -> int:
    return int(psutil.Process(client.process.pid).memory_info().rss)


def is_output(message: dict[str, object]) -> bool:
    return message.get("method") == "command/output"


def stop_reading(client: Client) -> None:
    """Pause the client and take the one read that it may still do."""
    client.pause()
    client.send_request("command/status", STATUS)


def test_an_answer_precedes_the_log_it_announces_and_overtakes_it_later(client: Client) -> None:
    attach = client.send_request("command/attach", {"commandId": "c", "offset": 2000})
    status = client.send_request("command/status", STATUS)
    client.wait_for(lambda message: is_output(message) and message["params"]["offset"] == 2000)
    kinds = [message.get("id", "chunk") for message in client.received[1:]]
    assert kinds[0] == attach
    assert kinds.index(status) < 500
    offsets = [message["params"]["offset"] for message in client.received if is_output(message)]
    assert offsets == list(range(1, 2001))


def test_a_client_that_does_not_read_a_log_stops_nothing_and_costs_no_memory(client: Client) -> None:
    client.request("command/status", STATUS)  # all is imported
    before = rss(client)
    stop_reading(client)
    client.send_request("command/attach", {"commandId": "c", "offset": 100_000})
    statuses = [client.send_request("command/status", STATUS) for _ in range(2000)]
    # All are taken while the pipe is full: the loop goes on.
    eventually(lambda: psutil.Process(client.process.pid).status() == "sleeping", what="idle")
    assert rss(client) - before < 16 * MIB
    client.resume()
    assert [client.result(msg_id) for msg_id in statuses] == [None] * 2000


def test_of_news_that_is_not_read_only_the_latest_is_kept(client: Client) -> None:
    client.request("command/resize", {"commandId": "c", "cols": 1, "rows": 1})
    stop_reading(client)
    client.send_request("command/attach", {"commandId": "c", "offset": 20})
    for _ in range(100):
        client.send_request("command/resize", {"commandId": "c", "cols": 500, "rows": 1})
    client.send_request("command/status", STATUS)
    client.resume()
    assert client.request("command/status", STATUS) is None
    client.wait_for(lambda message: is_output(message) and message["params"]["offset"] == 20)
    news = client.notifications("command/statusChanged")
    assert news[-1] == {"n": 499}
    assert len(news) < 5000


def test_a_client_that_does_not_read_answers_is_not_heard_until_it_does(client: Client) -> None:
    client.request("command/status", STATUS)  # all is imported
    before = rss(client)
    stop_reading(client)
    assert client.process.stdin is not None
    fd = client.process.stdin.fileno()
    os.set_blocking(fd, False)
    request = {"jsonrpc": "2.0", "method": "command/logs", "params": {"commandId": "c", "limit": MIB}}
    sent = 0
    left = b""
    try:
        while sent < 100_000:
            left = left or frame(orjson.dumps({**request, "id": f"r{sent}"}))
            if not select.select([], [fd], [], 1)[1]:
                break
            left = left[os.write(fd, left) :]
            sent += not left
    finally:
        os.set_blocking(fd, True)
    assert 10 < sent < 10_000
    assert rss(client) - before < 32 * MIB
    client.resume()
    client.raw(left)
    total = sent + bool(left)
    for n in range(total):
        assert len(client.result(f"r{n}", 60)) == MIB
        del client._answers[f"r{n}"]["result"]
    assert client.request("command/status", STATUS) is None


@pytest.mark.parametrize("paused", [False, True])
def test_the_end_of_the_input_ends_the_server(connect: Connect, tmp_path: Path, paused: bool) -> None:
    closed = tmp_path / "closed"
    client = connect(CLOSED_FILE=str(closed))
    waiting = client.send_request("command/wait", STATUS)
    if paused:
        stop_reading(client)
    client.send_request("command/attach", {"commandId": "c", "offset": 10**9})
    client.raw(b'Content-Length: 99\r\n\r\n{"half":')
    client.end_input()
    assert client.process.wait(10) == 0
    assert closed.read_text() == "closed"
    client.resume()
    if not paused:
        assert "error" in client.answer(waiting)


def test_the_end_of_the_input_before_initialize_ends_the_server(connect: Connect) -> None:
    client = connect(initialize=False)
    client.raw(b"Content-Length: 99\r\n\r\n{")
    client.end_input()
    assert client.process.wait(10) == 0


def test_a_client_that_closes_its_end_of_the_answers_is_gone(env: dict[str, str]) -> None:
    with subprocess.Popen(
        SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        server.stdin.write(frame(orjson.dumps(initialize)))
        server.stdout.read(10)
        server.stdout.close()
        status = {"jsonrpc": "2.0", "id": 2, "method": "command/status", "params": STATUS}
        server.stdin.write(frame(orjson.dumps(status)))
        assert server.wait(10) == 0


@pytest.mark.parametrize("paused", [False, True])
def test_the_server_ends_when_the_client_s_process_is_gone(connect: Connect, paused: bool) -> None:
    with subprocess.Popen(["sleep", "100"]) as process:
        client = connect(initialize=False)
        client.initialize(processId=process.pid)
        if paused:
            stop_reading(client)
        client.send_request("command/attach", {"commandId": "c", "offset": 10**9})
        time.sleep(0.1)
        assert client.process.poll() is None
        process.kill()
        assert client.process.wait(5) == 0


@pytest.mark.parametrize("initialize", [False, True])
def test_the_server_ends_when_the_process_named_at_its_start_is_gone(
    connect: Connect, initialize: bool
) -> None:
    with subprocess.Popen(["sleep", "100"]) as process:
        client = connect(initialize=initialize, CLIENT_PROCESS_ID=str(process.pid))
        process.kill()
        process.wait()
        assert client.process.wait(5) == 0


@pytest.mark.parametrize(("last", "code"), [("shutdown", 0), (None, 1)])
def test_exit_says_whether_shutdown_came_before(client: Client, last: str | None, code: int) -> None:
    if last:
        assert client.request(last) is None
        assert client.refused("command/status", **STATUS).code == -32600
    client.notify("exit")
    assert client.process.wait(10) == code


def test_a_socket_serves_both_ways_and_is_left_as_it_came(env: dict[str, str]) -> None:
    ours, theirs = socket.socketpair()
    argv = [*SERVER, str(theirs.fileno())]
    with ours, theirs, subprocess.Popen(argv, env=env, pass_fds=[theirs.fileno()]) as server:
        ours.settimeout(20)
        frames = FrameReader()
        for message in (
            {"id": 1, "method": "initialize", "params": {}},
            {"id": 2, "method": "command/logs", "params": {"commandId": "c", "limit": 3 * MIB}},
            {"id": 3, "method": "shutdown"},
        ):
            ours.sendall(frame(orjson.dumps({"jsonrpc": "2.0", **message})))
            bodies: list[object] = []
            while not bodies:
                bodies = list(frames.feed(ours.recv(MIB)))
            (body,) = bodies
            assert isinstance(body, bytes)
            assert orjson.loads(body)["id"] == message["id"]
        ours.shutdown(socket.SHUT_WR)
        assert server.wait(10) == 0
        assert theirs.getblocking()
        assert os.get_blocking(theirs.fileno())


def test_a_terminal_serves_and_is_left_as_it_came(env: dict[str, str]) -> None:
    controller, terminal = os.openpty()
    initialize = frame(orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}))
    with subprocess.Popen(SERVER, stdin=terminal, stdout=subprocess.PIPE, env=env) as server:
        os.write(controller, initialize + b"\n")  # a terminal hands out lines
        assert server.stdout is not None
        assert server.stdout.read(15) == b"Content-Length:"
        os.write(controller, b"\x04")  # end of input
        assert server.wait(10) == 0
    assert os.get_blocking(terminal)
    os.close(controller)
    os.close(terminal)

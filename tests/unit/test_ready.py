"""Ready means ready: a port that accepts, a URL that answers, a line that appears; nothing else."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daytona_rpc.host import ready
from daytona_rpc.host.ready import LineWatch, PortWatch, Readiness, UrlWatch
from tests.unit.driven import DrivenLoop


def listener(family: int = socket.AF_INET) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    found.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    return found


class Found:
    """What a watch calls."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


# A port


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6 only"])
def test_a_port_is_ready_once_it_accepts(loop: DrivenLoop, family: int) -> None:
    server = listener(family)
    found = Found()
    watch = PortWatch(loop, server.getsockname()[1], found)
    loop.until(lambda: watch._delay_s > ready._FIRST_S)
    assert 0 == found.times
    server.listen()
    loop.until(lambda: found.times)
    watch.cancel()
    server.close()
    assert 1 == found.times


def test_a_port_that_connects_to_itself_is_nobodys_server(
    loop: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = _free_port()

    class Ephemeral(socket.socket):
        """A socket to which the system gives the very port it connects to, as it does by chance."""

        def connect_ex(self, address: Any) -> int:
            if self.family == socket.AF_INET:
                self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.bind(address)
            return super().connect_ex(address)

    found = Found()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", Ephemeral)
        watch = PortWatch(loop, port, found)
        loop.until(lambda: watch._delay_s > ready._FIRST_S * 2)
    assert 0 == found.times
    watch.cancel()


def _free_port() -> int:
    with listener() as server:
        return int(server.getsockname()[1])


def test_a_server_that_resets_its_first_connections_is_asked_again(
    loop: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[None] = []

    class Reset(socket.socket):
        """A socket whose connection is reset before anything can be asked of it."""

        def getpeername(self) -> Any:
            tries.append(None)
            if len(tries) < 3:
                raise OSError(107, "Transport endpoint is not connected")
            return super().getpeername()

    server = listener()
    server.listen()
    found = Found()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", Reset)
        watch = PortWatch(loop, server.getsockname()[1], found)
        loop.until(lambda: found.times)
    watch.cancel()
    server.close()


def test_a_port_that_is_no_longer_watched_is_not_found(loop: DrivenLoop) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with listener() as server:
        server.listen()
        found = Found()
        PortWatch(loop, server.getsockname()[1], found).cancel()
        done: list[None] = []
        loop.call_later(0.05, lambda: done.append(None))
        loop.until(lambda: done)
        assert 0 == found.times
    assert before == len(os.listdir("/proc/self/fd"))


# A URL


class Server:
    """A small HTTP server that answers with the statuses it is given, the last one for ever."""

    def __init__(self, *statuses: int | bytes) -> None:
        left = list(statuses)
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status = left.pop(0) if len(left) > 1 else left[0]
                if isinstance(status, bytes):
                    self.wfile.write(status)
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/health"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@pytest.mark.parametrize("statuses", [(503, 200), (500, 502, 404), (302,), (200,)], ids=str)
def test_a_url_is_ready_once_it_answers_with_a_status_below_500(
    loop: DrivenLoop, statuses: tuple[int, ...]
) -> None:
    found = Found()
    with Server(*statuses) as server:
        UrlWatch(loop, server.url, found)
        loop.until(lambda: found.times)
        assert ["/health"] * len(statuses) == server.asked


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.7\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"", b"\0\r\n"], ids=repr
)
def test_an_answer_that_is_not_http_is_none_and_the_url_is_asked_again(
    loop: DrivenLoop, answer: bytes
) -> None:
    found = Found()
    with Server(answer, 200) as server:
        UrlWatch(loop, server.url, found)
        loop.until(lambda: found.times)
        assert 2 == len(server.asked)


def test_a_url_that_nobody_serves_yet_is_asked_until_somebody_does(loop: DrivenLoop) -> None:
    found = Found()
    with Server(503) as server:
        watch = UrlWatch(loop, server.url, found)
        loop.until(lambda: len(server.asked) > 1)
        assert 0 == found.times
        watch.cancel()
        loop.until(lambda: watch._ended)
    assert 0 == found.times


def test_a_url_longer_than_a_pipe_holds_blocks_nothing(loop: DrivenLoop) -> None:
    began = time.monotonic()
    watch = UrlWatch(loop, "http://127.0.0.1:9/" + "x" * (1 << 20), Found())
    assert time.monotonic() - began < 5
    watch.cancel()
    loop.until(lambda: watch._ended)


def test_a_probe_is_given_the_url_but_not_as_an_argument(loop: DrivenLoop) -> None:
    found = Found()
    with Server(503) as server:
        watch = UrlWatch(loop, server.url + "?token=secret", found)
        loop.until(lambda: server.asked)
        arguments = Path(f"/proc/{watch._pid}/cmdline").read_bytes()
        watch.cancel()
        watch.cancel()
        loop.until(lambda: watch._ended)
        watch.cancel()
    assert b"secret" not in arguments
    assert "/health?token=secret" == server.asked[0]


# A line


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 60), max_size=60))
def test_a_line_is_found_however_the_output_is_split(cuts: list[int]) -> None:
    output = "warming up…\r\n\x1b[1;32m➜\x1b[0m  Local: \x1b]8;;http://x\x07http://127.0.0.1:5173/\x1b[0m\r\n"
    data = output.encode()
    watch = LineWatch(r"Local: .*:5173/$")
    found = []
    for cut in [*cuts, len(data)]:
        found.append(watch.feed(0, data[:cut]))
        data = data[cut:]
        if found[-1] is not None:
            break
    assert "➜  Local: http://127.0.0.1:5173/" == found[-1]


def test_lines_of_two_channels_are_not_mixed() -> None:
    watch = LineWatch("^listening$")
    assert watch.feed(0, b"listen") is None
    assert watch.feed(1, b"noise\nmore") is None
    assert "listening" == watch.feed(0, b"ing")


def test_a_prompt_without_an_end_of_line_is_a_line() -> None:
    assert "(gdb) " == LineWatch(r"\(gdb\) $").feed(2, b"hello\r\n(gdb) ")


def test_only_the_beginning_of_a_long_line_is_looked_at_and_kept() -> None:
    watch = LineWatch("ready")
    for _ in range(100):
        assert watch.feed(0, b"x" * 50_000) is None
    assert watch.feed(0, b" ready") is None
    assert len(watch._rest[0]) <= ready._LINE_MAX_BYTES
    assert "ready" == watch.feed(0, b"\nready")


def test_bytes_that_are_no_text_hide_no_line() -> None:
    assert "\ufffdready" == LineWatch("ready").feed(0, b"\xff\xfe\n\xffready\n")


# All together


def test_the_first_condition_that_holds_is_told_once_and_ends_the_others(loop: DrivenLoop) -> None:
    told: list[Any] = []
    with Server(503) as server, listener() as closed:
        asked = {"url": server.url, "port": closed.getsockname()[1], "pattern": "ready", "timeoutMs": 10_000}
        readiness = Readiness(loop, asked, told.append)
        loop.until(lambda: server.asked)
        readiness.feed(0, b"not yet\n")
        assert [] == told
        readiness.feed(1, b"ready\nready\n")
        closed.listen()
        readiness.feed(0, b"ready\n")
        (watch,) = [watch for watch in readiness._watches if isinstance(watch, UrlWatch)]
        loop.until(lambda: watch._ended)
    assert [{"line": "ready"}] == told


def test_nothing_within_the_time_is_told_once(loop: DrivenLoop) -> None:
    told: list[Any] = []
    with listener() as closed:
        asked = {"port": closed.getsockname()[1], "pattern": "ready", "timeoutMs": 30}
        readiness = Readiness(loop, asked, told.append)
        loop.until(lambda: told)
        readiness.feed(0, b"ready\n")
    assert [None] == told


def test_a_port_is_told_by_its_number(loop: DrivenLoop) -> None:
    told: list[Any] = []
    with listener() as server:
        server.listen()
        port = server.getsockname()[1]
        Readiness(loop, {"port": port, "url": None, "pattern": None, "timeoutMs": None}, told.append)
        loop.until(lambda: told)
    assert [{"port": port}] == told


def test_after_cancel_nothing_is_told_and_nothing_is_open(loop: DrivenLoop) -> None:
    before = len(os.listdir("/proc/self/fd"))
    told: list[Any] = []
    with contextlib.closing(listener()) as closed:
        asked = {"port": closed.getsockname()[1], "url": "http://127.0.0.1:9/", "timeoutMs": 10}
        readiness = Readiness(loop, asked, told.append)
        readiness.cancel()
        readiness.feed(0, b"ready")
        (watch,) = [watch for watch in readiness._watches if isinstance(watch, UrlWatch)]
        loop.until(lambda: watch._ended)
    assert [] == told
    assert before == len(os.listdir("/proc/self/fd"))

"""The harness notices what it is there to notice, shown on a server that misbehaves on request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Client, RpcFailure, ServerGone, assemble, eventually, take_frames
from tests.machine import Machine

SERVER = (sys.executable, str(Path(__file__).parents[1] / "scripts" / "fake_server.py"))


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Client]:
    machine = Machine(tmp_path, SERVER)
    client = machine.client(initialize=False)
    yield client
    client.dispose()
    assert {} == machine.processes()


def test_a_request_returns_its_result_or_raises_its_error(fake: Client) -> None:
    assert fake.request("echo", {"a": 1}) == {"a": 1}
    with pytest.raises(RpcFailure) as caught:
        fake.request("fail")
    assert (1001, "no such thing", {"kind": "notFound"}) == (
        caught.value.code,
        caught.value.message,
        caught.value.data,
    )


def test_requests_can_be_pipelined(fake: Client) -> None:
    ids = [fake.send_request("echo", n) for n in range(50)]
    assert list(range(50)) == [fake.result(request_id) for request_id in ids]


def test_output_without_gap_is_assembled(fake: Client) -> None:
    fake.request("chunks", [[7, "ab"], [9, "é"], [11, "c"]])
    assert "abéc".encode() == fake.output("c")
    assert b"ab" == fake.wait_output("c", b"b")


@pytest.mark.parametrize("second", [[3, "late"], [1, "early"], [2, ""]], ids=["gap", "overlap", "empty"])
def test_a_gap_an_overlap_or_an_empty_chunk_is_refused(fake: Client, second: list[object]) -> None:
    fake.request("chunks", [[0, "ab"], second])
    with pytest.raises(AssertionError):
        fake.output("c")


def test_a_page_must_start_at_the_offset_asked_for() -> None:
    chunk = {"offset": 5, "data": "x", "encoding": "utf8"}
    assert b"x" == assemble([chunk], 5)
    with pytest.raises(AssertionError, match="expected offset 4, got 5"):
        assemble([chunk], 4)


def test_noise_on_stdout_is_refused(fake: Client) -> None:
    fake.send_request("noise")
    with pytest.raises(ServerGone):
        fake.request("echo")
    with pytest.raises(AssertionError, match="not a header"):
        fake.dispose()


def test_noise_on_stderr_is_refused(fake: Client) -> None:
    fake.request("stderr")
    with pytest.raises(AssertionError, match="stderr"):
        fake.close()
    fake._stderr.write_bytes(b"")


def test_a_second_answer_is_refused(fake: Client) -> None:
    fake.request("twice")
    eventually(lambda: fake.fault)
    with pytest.raises(AssertionError, match="second answer"):
        fake.dispose()


def test_open_requests_fail_when_the_server_dies(fake: Client) -> None:
    pending = fake.send_request("silent")
    fake.notify("die")
    with pytest.raises(ServerGone):
        fake.result(pending)
    with pytest.raises(ServerGone):
        fake.wait_for(lambda message: message.get("method") == "never")


def test_an_unanswered_request_is_an_assertion_error(fake: Client) -> None:
    with pytest.raises(AssertionError, match="not answered"):
        fake.request("silent", timeout_s=0.1)
    with pytest.raises(AssertionError, match="no such message"):
        fake.wait_for(lambda message: False, timeout_s=0.1)


def test_a_request_of_the_server_is_answered(fake: Client) -> None:
    fake.request("ask")
    assert {"jsonrpc": "2.0", "id": "from the server", "result": None} == fake.wait_notification("answered")


def test_a_paused_client_reads_nothing_until_it_resumes(fake: Client) -> None:
    fake.request("echo")
    fake.pause()
    fake.request("echo")  # the one read that was already waiting
    pending = fake.send_request("echo", "late")
    with pytest.raises(AssertionError, match="not answered"):
        fake.answer(pending, timeout_s=0.2)
    fake.resume()
    assert "late" == fake.result(pending)


def test_frames_are_taken_whole_and_in_order() -> None:
    buffer = bytearray(b"Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n[1")
    assert [b"{}"] == list(take_frames(buffer))
    buffer += b"]"
    assert [b"[1]"] == list(take_frames(buffer))
    assert b"" == buffer


def test_the_sweep_ends_and_reports_what_is_left(tmp_path: Path) -> None:
    careless = Machine(tmp_path, SERVER)
    orphan = subprocess.Popen(["sleep", "600"], env=careless.env, start_new_session=True)
    (careless.state / "sessions").mkdir(parents=True)
    (careless.state / "sessions" / "socket").touch()
    assert {orphan.pid: ["sleep", "600"]} == careless.processes()
    with pytest.raises(AssertionError) as caught:
        careless.sweep(timeout_s=0.1)
    assert f"left running: {orphan.pid}" in str(caught.value)
    assert "left on disk: sessions/socket" in str(caught.value)
    assert -9 == orphan.wait(5)
    assert {} == careless.processes()

"""What runs beside what, and what waits for what."""

from __future__ import annotations

import time

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client


@pytest.mark.requirement("PAR-1")
def test_two_builds_of_two_seconds_take_two_seconds(client: Client, session: str) -> None:
    client.run(session, "true")  # the session's host is up
    before = time.monotonic()
    ids = [client.start(session, "sleep 2") for _ in range(2)]
    for command_id in ids:
        assert 0 == client.wait_finished(command_id)["exitCode"]
    assert time.monotonic() - before < 3


@pytest.mark.requirement("PAR-4")
def test_a_synchronous_command_does_not_queue_behind_an_asynchronous_one(
    client: Client, session: str
) -> None:
    client.start(session, "sleep 600")
    assert "hi\n" == client.run(session, "echo hi")["output"]


@pytest.mark.requirement("PAR-3", "REQ-11")
def test_synchronous_commands_queue_behind_each_other_in_order(client: Client, session: str) -> None:
    gate = "while [ ! -e open ]; do sleep 0.02; done; echo 1 >> order"
    texts = [gate, "echo 2 >> order", "echo 3 >> order"]
    requests = [
        client.send_request(
            "command/execute", {"sessionId": session, "command": text, "commandId": f"c{number}"}
        )
        for number, text in enumerate(texts, 1)
    ]
    client.wait_notification("command/statusChanged", commandId="c3", status="queued")
    listed = client.request("command/list", {"sessionId": session})["commands"]
    expected = [("c1", "running"), ("c2", "queued"), ("c3", "queued")]
    assert expected == [(c["commandId"], c["status"]) for c in listed]
    assert [None, None] == [c["startedAt"] for c in listed[1:]]
    assert "" == client.log("c2").decode()
    client.wait_finished(client.start(session, "touch open"))
    assert [0, 0, 0] == [client.result(request_id)["exitCode"] for request_id in requests]
    assert "1\n2\n3\n" == client.run(session, "cat order")["output"]


@pytest.mark.requirement("STOP-5")
def test_a_queued_command_can_be_stopped(client: Client, session: str) -> None:
    first = client.send_request(
        "command/execute", {"sessionId": session, "command": "sleep 600", "commandId": "a"}
    )
    second = client.send_request(
        "command/execute", {"sessionId": session, "command": "echo no", "commandId": "b"}
    )
    client.wait_notification("command/statusChanged", commandId="b", status="queued")
    stopped = client.request("command/stop", {"commandId": "b"})
    assert ("stopped", "stop", None, 0) == tuple(
        stopped[key] for key in ("status", "reason", "startedAt", "logSize")
    )
    assert "stopped" == client.result(second)["status"]
    client.request("command/stop", {"commandId": "a"})
    assert "stopped" == client.result(first)["status"]
    assert "hi\n" == client.run(session, "echo hi")["output"]


@pytest.mark.requirement("PAR-5")
def test_sessions_do_not_wait_for_each_other(backend: LocalBackend, client: Client, session: str) -> None:
    params = {"sessionId": session, "command": "sleep 600", "commandId": "long"}
    client.send_request("command/execute", params)
    client.wait_notification("command/statusChanged", commandId="long", status="running")
    other = client.request("sessions/create", {"sandboxId": backend.sandbox_id})["sessionId"]
    assert "hi\n" == client.run(other, "echo hi")["output"]

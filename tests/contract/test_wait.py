"""Waiting for an end, and ending the wait."""

from __future__ import annotations

import pytest

from tests.harness import Client, Message


def finish(client: Client, command_id: str) -> Message:
    client.request("command/input", {"commandId": command_id, "eof": True})
    return client.wait_finished(command_id)


@pytest.mark.requirement("CMD-14")
def test_wait_answers_when_the_command_is_over(client: Client, session: str) -> None:
    command_id = client.start(session, "cat; exit 5")
    waits = [client.send_request("command/wait", {"commandId": command_id}) for _ in range(3)]
    final = finish(client, command_id)
    assert 5 == final["exitCode"]
    assert [final] * 3 == [client.result(wait) for wait in waits]
    assert final == client.request("command/wait", {"commandId": command_id, "timeoutMs": 0})


@pytest.mark.requirement("LIM-2")
def test_a_wait_that_takes_too_long_ends_and_the_command_does_not(client: Client, session: str) -> None:
    command_id = client.start(session, "cat")
    for timeout_ms in (0, 200):
        error = client.refused("command/wait", commandId=command_id, timeoutMs=timeout_ms)
        expected = {"kind": "waitTimeout", "retryable": True, "sessionId": session, "commandId": command_id}
        assert expected == error.data
    assert 0 == finish(client, command_id)["exitCode"]


@pytest.mark.requirement("CAN-1", "CAN-2")
def test_cancelling_a_wait_ends_it_and_not_the_command(client: Client, session: str) -> None:
    command_id = client.start(session, "cat")
    wait = client.send_request("command/wait", {"commandId": command_id})
    client.notify("$/cancelRequest", {"id": wait})
    assert -32800 == client.answer(wait)["error"]["code"]
    assert "running" == client.status(command_id)["status"]
    assert 0 == finish(client, command_id)["exitCode"]


@pytest.mark.requirement("CAN-1", "CAN-2")
def test_cancelling_a_synchronous_execute_ends_the_request_and_not_the_command(
    client: Client, session: str
) -> None:
    params = {"sessionId": session, "command": "echo begun; cat; exit 6", "stdin": "open", "commandId": "c"}
    pending = client.send_request("command/execute", params)
    client.wait_output("c", b"begun\n")
    client.notify("$/cancelRequest", {"id": pending})
    assert -32800 == client.answer(pending)["error"]["code"]
    assert "running" == client.status("c")["status"]
    assert 6 == finish(client, "c")["exitCode"]


@pytest.mark.requirement("CAN-4")
def test_cancelling_what_is_answered_or_unknown_is_ignored(client: Client, session: str) -> None:
    done = client.send_request("command/list")
    client.result(done)
    for request_id in (done, 10**9, "no such id"):
        client.notify("$/cancelRequest", {"id": request_id})
    assert "hi\n" == client.run(session, "echo hi")["output"]


def test_deleting_the_session_answers_the_wait(client: Client, session: str) -> None:
    command_id = client.start(session, "sleep 600")
    wait = client.send_request("command/wait", {"commandId": command_id})
    client.request("sessions/delete", {"sessionId": session})
    assert "stopped" == client.result(wait)["status"]


@pytest.mark.requirement("CAN-3")
def test_cancelling_a_stop_does_not_call_it_off(client: Client, session: str) -> None:
    command_id = client.start(session, "trap 'echo asked' TERM; echo ready; while :; do sleep 0.02; done")
    client.wait_output(command_id, b"ready\n")
    stop = client.send_request("command/stop", {"commandId": command_id, "graceMs": 1500})
    client.wait_output(command_id, b"asked\n")
    client.notify("$/cancelRequest", {"id": stop})
    assert -32800 == client.answer(stop)["error"]["code"]
    final = client.wait_finished(command_id)
    assert ("stopped", "stop", "SIGKILL") == (final["status"], final["reason"], final["signal"])

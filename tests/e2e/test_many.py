"""Many sessions, many commands: nothing is mixed up and nothing is left."""

from __future__ import annotations

import psutil
import pytest

from tests.harness import Client, eventually
from tests.machine import Machine

SESSIONS = 100
COMMANDS = 1000


def all_of(client: Client, method: str, params: list[dict[str, object]]) -> list[dict[str, object]]:
    """Send all requests at once, then await all answers."""
    requests = [client.send_request(method, each) for each in params]
    return [client.result(request_id, timeout_s=90) for request_id in requests]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_hundred_sessions_are_listed_stopped_and_deleted(machine: Machine) -> None:
    client = machine.client()
    ids = [f"session.{n:03}" for n in range(SESSIONS)]
    all_of(client, "sessions/create", [{"sessionId": i} for i in ids])
    started = all_of(
        client,
        "command/execute",
        [
            {"sessionId": i, "command": f"echo {i}; sleep 600", "commandId": f"in-{i}", "runAsync": True}
            for i in ids
        ],
    )
    assert [f"in-{i}" for i in ids] == [status["commandId"] for status in started]
    for session_id in ids:
        client.wait_output(f"in-{session_id}", f"{session_id}\n".encode(), timeout_s=60)
    listed = client.request("sessions/list")["sessions"]
    assert {(i, 1) for i in ids} == {(session["sessionId"], session["running"]) for session in listed}
    commands = client.request("command/list")["commands"]
    assert {f"in-{i}": "running" for i in ids} == {c["commandId"]: c["status"] for c in commands}
    assert SESSIONS == len(machine.hosts())
    stopped = all_of(client, "command/stop", [{"commandId": f"in-{i}"} for i in ids])
    assert [("stopped", "stop")] * SESSIONS == [(s["status"], s["reason"]) for s in stopped]
    deleted = all_of(client, "sessions/delete", [{"sessionId": i} for i in ids])
    assert [{"stopped": 0}] * SESSIONS == deleted
    assert [] == client.request("sessions/list")["sessions"]
    eventually(lambda: list(machine.processes()) == [client.process.pid], 20, "only the server left")
    assert [] == machine.leftovers()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_thousand_short_commands_in_one_session(machine: Machine) -> None:
    client = machine.client()
    session = client.request("sessions/create")["sessionId"]

    def descriptors() -> list[int]:
        (host,) = machine.hosts()
        return [psutil.Process(pid).num_fds() for pid in (host, client.process.pid)]

    for n in range(10):
        client.run(session, f"echo {n}")
    before = descriptors()
    for n in range(COMMANDS // 2):
        status = client.run(session, f"echo {n}; count=$((count + 1)); exit {n % 256}")
        assert (f"{n}\n", n % 256) == (status["output"], status["exitCode"])
    assert f"{COMMANDS // 2}\n" == client.run(session, "echo $count")["output"]
    for first in range(0, COMMANDS // 2, 50):
        numbers = range(first, first + 50)
        params = [
            {"sessionId": session, "command": f"echo {n}; exit {n % 256}", "runAsync": True} for n in numbers
        ]
        for n, status in zip(numbers, all_of(client, "command/execute", params), strict=True):
            command_id = str(status["commandId"])
            assert n % 256 == client.wait_finished(command_id)["exitCode"]
            assert f"{n}\n".encode() == client.output(command_id)
    assert COMMANDS + 11 == len(client.request("command/list", {"sessionId": session})["commands"])
    eventually(lambda: [max(0, b - a) for a, b in zip(before, descriptors(), strict=True)] <= [3, 3])


@pytest.mark.requirement("REQ-1", "TRN-8")
def test_many_requests_at_once_are_each_answered_once(machine: Machine) -> None:
    client = machine.client()
    session = client.request("sessions/create")["sessionId"]
    methods = ["sessions/list", "command/list", "sandbox/list", "sessions/get", "no/such/method"]
    requests = [client.send_request(methods[n % 5], {"sessionId": session}) for n in range(1000)]
    answers = [client.answer(request_id) for request_id in requests]
    assert [n % 5 == 4 for n in range(1000)] == ["error" in answer for answer in answers]

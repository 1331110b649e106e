"""Commands outlive the server: killed at any moment, it takes nothing with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness import FINAL, Client, Message, assemble
from tests.machine import Machine

NUMBERED = str(Path(__file__).parents[1] / "scripts" / "numbered.py")
KILLS = 8
ASKED = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.02; done"


def numbered(count: int, *args: object) -> list[str]:
    return [sys.executable, NUMBERED, str(count), *map(str, args)]


def create(client: Client) -> str:
    return str(client.request("sessions/create")["sessionId"])


def of(client: Client, command_id: str) -> list[Message]:
    return client.notifications("command/output", commandId=command_id)


@pytest.mark.requirement("LIVE-1", "LIVE-2", "ATT-7")
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_line_comes_once_over_eight_kills(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    argvs = [numbered(400, "--delay-s", 0.04, "--exit-code", code) for code in (7, 8, 9)]
    logs = {client.start(session, argv): bytearray() for argv in argvs}
    for kill in range(KILLS):
        for command_id in logs:  # each has told something new, or all there is
            client.wait_for(
                lambda message, command_id=command_id: (
                    message.get("params", {}).get("commandId") == command_id
                    and (message["method"] == "command/output" or message["params"]["status"] in FINAL)
                )
            )
        client.kill()
        for command_id, log in logs.items():
            log += assemble(of(client, command_id), len(log))
        client = machine.client()
        assert 3 == len(client.request("command/list", {"sessionId": session})["commands"]), kill
        for command_id, log in logs.items():
            client.request("command/attach", {"commandId": command_id, "offset": len(log)})
    ends = [client.wait_finished(command_id, timeout_s=60) for command_id in logs]
    assert [("completed", 7), ("completed", 8), ("completed", 9)] == [
        (end["status"], end["exitCode"]) for end in ends
    ]
    expected = "".join(f"line {number}\n" for number in range(400))
    for command_id, log in logs.items():
        log += assemble(of(client, command_id), len(log))
        assert expected == log.decode()
        assert expected == client.log(command_id).decode()


@pytest.mark.requirement("LIVE-2")
def test_a_command_that_ends_while_no_server_runs_is_known_to_the_next(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    command_id = client.start(session, "while [ ! -e open ]; do sleep 0.02; done; echo late; exit 5")
    waiting = client.start(session, ["sleep", "600"])
    client.kill()
    (machine.work / "open").touch()
    client = machine.client()
    final = client.request("command/wait", {"commandId": command_id})
    assert ("completed", 5) == (final["status"], final["exitCode"])
    assert b"late\n" == client.log(command_id)
    assert "running" == client.status(waiting)["status"]
    client.request("command/input", {"commandId": waiting, "data": "still open"})
    assert "stopped" == client.request("command/stop", {"commandId": waiting})["status"]


@pytest.mark.requirement("LIVE-1")
def test_synchronous_commands_and_those_queued_behind_them_go_on(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    texts = {"a": "while [ ! -e open ]; do sleep 0.02; done; mark=1", "b": "echo $mark; exit 3"}
    for command_id, text in texts.items():
        params = {"sessionId": session, "command": text, "commandId": command_id}
        client.send_request("command/execute", params)
    client.wait_notification("command/statusChanged", commandId="b", status="queued")
    client.kill()
    client = machine.client()
    assert ["running", "queued"] == [client.status(command_id)["status"] for command_id in texts]
    (machine.work / "open").touch()
    assert 3 == client.request("command/wait", {"commandId": "b"})["exitCode"]
    assert b"1\n" == client.log("b")


@pytest.mark.requirement("CMD-2")
@pytest.mark.parametrize("moment", range(6))
def test_an_execute_whose_answer_was_lost_can_be_repeated_and_starts_once(
    machine: Machine, moment: int
) -> None:
    client = machine.client()
    session = create(client)
    params = {
        "sessionId": session,
        "command": "echo started >> starts; cat",
        "commandId": "build",
        "runAsync": True,
    }
    for _ in range(moment):  # so that the kill falls at different points of the start
        client.request("sandbox/list")
    client.send_request("command/execute", params)
    client.kill()
    client = machine.client()
    assert "running" == client.request("command/execute", params)["status"]
    client.request("command/input", {"commandId": "build", "eof": True})
    assert 0 == client.wait_finished("build")["exitCode"]
    assert "started\n" == (machine.work / "starts").read_text()


def test_a_started_stop_is_carried_out(machine: Machine) -> None:
    client = machine.client()
    command_id = client.start(create(client), ASKED)
    client.wait_output(command_id, b"ready\n")
    client.send_request("command/stop", {"commandId": command_id, "graceMs": 1500})
    client.wait_output(command_id, b"asked\n")
    client.kill()
    client = machine.client()
    final = client.request("command/wait", {"commandId": command_id})
    assert ("stopped", "stop", "SIGKILL") == (final["status"], final["reason"], final["signal"])


@pytest.mark.requirement("STATE-9")
def test_the_state_of_a_session_outlives_its_server(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    client.run(session, "cd /; export COLOUR=blue; greet() { echo hello; }")
    client.close()
    client = machine.client()
    assert "/ blue\nhello\n" == client.run(session, 'echo "$PWD $COLOUR"; greet')["output"]

"""What is kept, and for how long."""

from __future__ import annotations

import pytest

from tests.harness import Client, eventually
from tests.machine import Machine

KEEP_S = {"DAYTONA_RPC_RETENTION_S": "1"}


def create(client: Client) -> str:
    return str(client.request("sessions/create")["sessionId"])


def ids(client: Client, what: str) -> set[str]:
    noun = {"sessions": "sessionId", "command": "commandId"}[what]
    key = {"sessions": "sessions", "command": "commands"}[what]
    return {item[noun] for item in client.request(f"{what}/list")[key]}


@pytest.mark.requirement("RET-1", "RET-4")
@pytest.mark.parametrize("machine", [KEEP_S], indirect=True)
def test_what_is_over_for_longer_than_the_retention_is_swept(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    old = client.run(session, "echo old; colour=blue")["commandId"]
    own = client.request("command/execute", {"command": "echo own"})
    running = client.start(session, "echo running; sleep 600")
    held = client.request("command/execute", {"command": "sleep 600", "runAsync": True})
    client.close()

    def swept() -> bool:
        client = machine.client()
        found = ids(client, "command")
        client.close()
        assert {running, held["commandId"]} <= found
        return old not in found and own["commandId"] not in found

    eventually(swept, 30)
    client = machine.client()
    eventually(lambda: {session, held["sessionId"]} == ids(client, "sessions"))
    for gone in (old, own["commandId"]):
        assert "notFound" == client.refused("command/logs", commandId=gone).data["kind"]
    assert b"running\n" == client.log(running)
    assert {"stopped": 1} == client.request("sessions/delete", {"sessionId": held["sessionId"]})


@pytest.mark.requirement("RET-1")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_HOST_IDLE_S": "0.1"}], indirect=True)
def test_what_no_host_holds_is_swept_at_a_start(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    command_id = client.run(session, "echo old; colour=blue")["commandId"]
    client.close()
    eventually(lambda: not machine.processes())
    client = machine.client()
    assert {command_id} == ids(client, "command")
    client.close()

    def swept() -> bool:
        client = machine.client(env=KEEP_S)
        found = ids(client, "command")
        client.close()
        return command_id not in found

    eventually(swept, 20)
    client = machine.client()
    assert {session} == ids(client, "sessions")
    assert "blue\n" == client.run(session, "echo $colour")["output"]


@pytest.mark.requirement("RET-1")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_RETENTION_S": "3600"}], indirect=True)
def test_what_is_within_the_retention_is_kept(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    command_id = client.run(session, "echo kept; exit 3")["commandId"]
    status = client.status(command_id)
    for _ in range(2):
        client.close()
        client = machine.client()
        assert status == client.status(command_id)
        assert b"kept\n" == client.log(command_id)


def test_a_session_that_was_made_is_kept_without_commands(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    client.close()
    client = machine.client(env=KEEP_S)
    assert {session} == ids(client, "sessions")
    assert "hi\n" == client.run(session, "echo hi")["output"]

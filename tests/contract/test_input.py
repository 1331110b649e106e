"""Standard input: text, bytes, its end, and when it is not taken."""

from __future__ import annotations

import base64

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client


def send(client: Client, command_id: str, **params: object) -> None:
    assert client.request("command/input", {"commandId": command_id, **params}) is None


@pytest.mark.requirement("INP-3", "INP-5")
def test_text_is_written_to_the_command_and_its_end_too(client: Client, session: str) -> None:
    command_id = client.start(session, "cat; echo end")
    send(client, command_id, data="é one\n")
    client.wait_output(command_id, "é one\n".encode())
    send(client, command_id, data="two", eof=True)
    assert 0 == client.wait_finished(command_id)["exitCode"]
    assert "é one\ntwoend\n" == client.output(command_id).decode()


@pytest.mark.requirement("INP-4")
def test_bytes_are_written_exactly(client: Client, session: str) -> None:
    data = bytes(range(256)) * 4
    command_id = client.start(session, ["cat"])
    send(client, command_id, data=base64.b64encode(data).decode(), encoding="base64")
    send(client, command_id, eof=True)
    client.wait_finished(command_id)
    assert data == client.output(command_id)


@pytest.mark.requirement("INP-3", "REQ-11")
def test_input_arrives_in_the_order_of_the_requests(client: Client, session: str) -> None:
    command_id = client.start(session, ["cat"])
    for number in range(200):
        client.send_request("command/input", {"commandId": command_id, "data": f"{number}\n"})
    send(client, command_id, eof=True)
    client.wait_finished(command_id)
    assert "".join(f"{number}\n" for number in range(200)) == client.output(command_id).decode()


@pytest.mark.requirement("INP-3")
def test_much_input_to_a_command_that_reads_late_arrives_whole(client: Client, session: str) -> None:
    data = "".join(f"{number:>15}\n" for number in range(65_536))  # 1 MiB, much more than a pipe holds
    command_id = client.start(session, "while [ ! -e open ]; do sleep 0.02; done; cat")
    for start in range(0, len(data), 1 << 16):
        client.send_request(
            "command/input", {"commandId": command_id, "data": data[start : start + (1 << 16)]}
        )
    client.send_request("command/input", {"commandId": command_id, "eof": True})
    assert "running" == client.status(command_id)["status"]
    client.run(session, "touch open")
    client.wait_finished(command_id)
    assert data.encode() == client.output(command_id)


@pytest.mark.requirement("INP-1", "INP-2")
@pytest.mark.parametrize("what", ["cat; echo end", ["cat"]], ids=["shell", "argv"])
@pytest.mark.parametrize("params", [{}, {"runAsync": True, "stdin": "closed"}], ids=["sync", "async"])
def test_closed_input_reads_as_its_end(
    client: Client, session: str, what: str | list[str], params: dict[str, object]
) -> None:
    status = client.run(session, what, **params)
    assert "closed" == status["stdin"]
    assert 0 == client.wait_finished(status["commandId"])["exitCode"]


@pytest.mark.requirement("INP-1")
def test_a_synchronous_command_can_be_given_input(client: Client, session: str) -> None:
    params = {"sessionId": session, "command": "read line; echo got $line", "stdin": "open", "commandId": "c"}
    pending = client.send_request("command/execute", params)
    client.wait_notification("command/statusChanged", commandId="c", status="running")
    send(client, "c", data="it\n")
    assert "got it\n" == client.result(pending)["output"]


@pytest.mark.requirement("INP-6")
def test_input_to_a_finished_command_is_refused_as_already_finished(client: Client, session: str) -> None:
    command_id = client.start(session, "true")
    client.wait_finished(command_id)
    error = client.refused("command/input", commandId=command_id, data="late\n")
    expected = {"kind": "alreadyFinished", "retryable": False, "sessionId": session, "commandId": command_id}
    assert expected == error.data


@pytest.mark.requirement("INP-2")
def test_input_to_closed_input_is_refused_and_the_command_goes_on(client: Client, session: str) -> None:
    closed = client.start(session, "sleep 600", stdin="closed")
    ended = client.start(session, "cat >/dev/null; sleep 600")
    send(client, ended, eof=True)
    for command_id in (closed, ended):
        error = client.refused("command/input", commandId=command_id, data="late\n")
        assert ("unsupported", command_id) == (error.data["kind"], error.data["commandId"])
        assert "running" == client.status(command_id)["status"]


def test_input_that_the_command_never_reads_does_not_hurt_it(client: Client, session: str) -> None:
    command_id = client.start(session, "exec <&-; while [ ! -e open ]; do sleep 0.02; done; exit 3")
    client.send_request("command/input", {"commandId": command_id, "data": "x" * 100_000})
    client.run(session, "touch open")
    assert ("completed", 3) == tuple(client.wait_finished(command_id)[k] for k in ("status", "exitCode"))


@pytest.mark.requirement("REQ-7")
@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "data"),
        ({"data": 7}, "data"),
        ({"data": "=x=", "encoding": "base64"}, "data"),
        ({"data": "x", "encoding": "latin1"}, "encoding"),
        ({"eof": "yes"}, "eof"),
    ],
)
def test_bad_input_is_refused_by_name(
    client: Client, session: str, params: dict[str, object], path: str
) -> None:
    command_id = client.start(session, "cat")
    error = client.refused("command/input", commandId=command_id, **params)
    assert (-32602, path) == (error.code, error.message[: len(path)])


def test_commands_do_not_read_each_other_s_input(backend: LocalBackend, client: Client, session: str) -> None:
    ids = [client.start(session, "cat") for _ in range(5)]
    for command_id in ids:
        send(client, command_id, data=f"for {command_id}", eof=True)
    for command_id in ids:
        client.wait_finished(command_id)
        assert f"for {command_id}" == client.output(command_id).decode()


@pytest.mark.requirement("INP-6")
def test_a_queued_command_takes_no_input_yet(client: Client, session: str) -> None:
    for command_id in ("first", "second"):
        params = {"sessionId": session, "command": "cat", "stdin": "open", "commandId": command_id}
        client.send_request("command/execute", params)
    client.wait_notification("command/statusChanged", commandId="second", status="queued")
    error = client.refused("command/input", commandId="second", data="early\n")
    assert ("unsupported", "second") == (error.data["kind"], error.data["commandId"])

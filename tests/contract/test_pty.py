"""Commands in a terminal."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client

TTY = {"cols": 100, "rows": 30}


@pytest.mark.requirement("INP-7")
def test_a_terminal_is_one_with_the_size_asked_for(client: Client, session: str) -> None:
    command_id = client.start(session, "test -t 0 && test -t 1 && test -t 2 && stty size", tty=TTY)
    status = client.wait_finished(command_id)
    assert (0, TTY) == (status["exitCode"], status["tty"])
    assert b"30 100\r\n" == client.output(command_id)
    assert {"pty"} == {chunk["channel"] for chunk in client.notifications("command/output")}


def test_a_program_given_as_argv_has_a_terminal_too(
    backend: LocalBackend, client: Client, session: str
) -> None:
    status = client.run(session, ["stty", "size"], tty=TTY)
    assert ("30 100\r\n", 0) == (status["output"], status["exitCode"])


def test_without_tty_there_is_none(client: Client, session: str) -> None:
    text = "for n in 0 1 2; do test -t $n && echo $n; done; : </dev/tty && echo tty"
    assert "" == client.run(session, f"({text}) 2>/dev/null; true")["output"]


@pytest.mark.requirement("INP-8")
def test_resize_changes_the_size_and_tells_the_program(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("terminal.py"), tty=TTY)
    client.wait_output(command_id, b"True True True\r\n100x30\r\n")
    params = {"commandId": command_id, "cols": 132, "rows": 50}
    assert client.request("command/resize", params) is None
    client.wait_output(command_id, b"132x50\r\n")
    assert {"cols": 132, "rows": 50} == client.status(command_id)["tty"]
    client.request("command/input", {"commandId": command_id, "data": "end\n"})
    assert 0 == client.wait_finished(command_id)["exitCode"]


@pytest.mark.requirement("INP-8")
def test_resize_needs_a_terminal(client: Client, session: str) -> None:
    command_id = client.start(session, "cat")
    error = client.refused("command/resize", commandId=command_id, cols=80, rows=24)
    assert ("unsupported", command_id) == (error.data["kind"], error.data["commandId"])


@pytest.mark.parametrize(
    "size", [{"cols": 0, "rows": 1}, {"cols": 1, "rows": 70_000}, {"cols": 1.5, "rows": 1}]
)
def test_a_bad_size_is_refused_by_name(client: Client, session: str, size: dict[str, object]) -> None:
    command_id = client.start(session, "cat", tty=TTY)
    error = client.refused("command/resize", commandId=command_id, **size)
    assert (-32602, True) == (error.code, error.message[:4] in ("cols", "rows"))


def test_the_interrupt_character_interrupts(client: Client, session: str) -> None:
    command_id = client.start(session, "echo ready; sleep 600; echo no", tty=TTY)
    client.wait_output(command_id, b"ready\r\n")
    client.request("command/input", {"commandId": command_id, "data": "\x03"})
    status = client.wait_finished(command_id)
    assert "completed" == status["status"]
    assert (status["exitCode"], status["signal"]) in ((130, None), (None, "SIGINT"))
    assert b"no\r\n" not in client.output(command_id)


@pytest.mark.requirement("INP-5")
def test_eof_on_a_terminal_is_its_end_of_file_character(client: Client, session: str) -> None:
    command_id = client.start(session, "stty -echo; echo ready; cat; echo end", tty=TTY)
    client.wait_output(command_id, b"ready\r\n")
    client.request("command/input", {"commandId": command_id, "data": "hi\n", "eof": True})
    assert 0 == client.wait_finished(command_id)["exitCode"]
    assert b"ready\r\nhi\r\nend\r\n" == client.output(command_id)


def test_state_is_carried_over_a_command_in_a_terminal(client: Client, session: str) -> None:
    client.run(session, "export COLOUR=blue; cd /", tty=TTY)
    assert "/ blue\n" == client.run(session, 'echo "$PWD $COLOUR"')["output"]


def test_the_last_output_before_the_end_is_not_lost(client: Client, session: str) -> None:
    for number in range(20):
        status = client.run(session, f"seq 1 {200 * number}", tty=TTY)
        assert "".join(f"{n}\r\n" for n in range(1, 200 * number + 1)) == status["output"]


@pytest.mark.requirement("STOP-1", "STOP-2")
def test_stopping_a_command_in_a_terminal_stops_its_jobs(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, "set -m; sleep 600 & echo $!; wait", tty=TTY)
    pid = int(client.wait_output(command_id, b"\r\n").split()[-1])
    assert "stopped" == client.request("command/stop", {"commandId": command_id})["status"]
    assert "" == client.run(session, backend.line("alive.py", pid))["output"]

"""Ready means ready: a port accepts, a URL answers, a line appears; then a link opens it."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, Message


def start(client: Client, session: str, what: str, **ready: object) -> str:
    return client.start(session, what, ready=ready)


def wait_ready(client: Client, command_id: str) -> Message:
    """The params of `command/ready`, after which the status says so too."""
    params = client.wait_notification("command/ready", commandId=command_id)
    assert "ready" == client.status(command_id)["ready"]
    return params


def serve(backend: LocalBackend, port: int, *, after: str = "opened") -> str:
    """Shell text that serves HTTP on `port` once the file `after` exists."""
    wait = f"while [ ! -e {after} ]; do sleep 0.02; done"
    return f"{wait}; exec {backend.python} -m http.server {port} --bind 127.0.0.1"


@pytest.mark.requirement("RDY-1", "RDY-2")
def test_a_command_is_ready_when_its_port_accepts(
    backend: LocalBackend, client: Client, session: str
) -> None:
    port = backend.free_port()
    command_id = start(client, session, serve(backend, port), port=port)
    assert "waiting" == client.status(command_id)["ready"]
    client.run(session, "touch opened")
    assert {"sessionId": session, "commandId": command_id, "port": port} == wait_ready(client, command_id)


@pytest.mark.requirement("RDY-1", "RDY-3")
def test_a_command_is_ready_when_its_url_answers(backend: LocalBackend, client: Client, session: str) -> None:
    port = backend.free_port()
    for number, path in enumerate(("", "not-found")):
        url = f"http://127.0.0.1:{port}/{path}"
        command_id = start(client, session, serve(backend, port, after=f"opened{number}"), url=url)
        assert "waiting" == client.status(command_id)["ready"]
        client.run(session, f"touch opened{number}")
        assert {"sessionId": session, "commandId": command_id, "url": url} == wait_ready(client, command_id)
        client.request("command/stop", {"commandId": command_id})


LINES = {
    "plain": ("echo starting; echo 'Listening on :80'; cat", r"Listening on :\d+", "Listening on :80"),
    "on stderr": ("echo listening >&2; cat", "listen", "listening"),
    "in pieces": ("printf 'list'; sleep 0.2; printf 'ening\\n'; cat", "^listening$", "listening"),
    "coloured": ("printf '\\033[32mlist\\033[1mening\\033[0m\\n'; cat", "^listening$", None),
    "with return": ("printf 'listening\\r\\n'; cat", "^listening", None),
}


@pytest.mark.requirement("RDY-1", "RDY-4")
@pytest.mark.parametrize(("text", "pattern", "line"), LINES.values(), ids=LINES)
def test_a_command_is_ready_when_a_line_appears(
    client: Client, session: str, text: str, pattern: str, line: str | None
) -> None:
    command_id = start(client, session, text, pattern=pattern)
    params = wait_ready(client, command_id)
    found = params.pop("line")
    assert {"sessionId": session, "commandId": command_id} == params
    assert line in (None, found)


@pytest.mark.requirement("RDY-4")
def test_a_line_in_a_terminal_makes_ready_too(client: Client, session: str) -> None:
    command_id = client.start(
        session, "echo listening; cat", tty={"cols": 80, "rows": 24}, ready={"pattern": "^listening$"}
    )
    assert "listening" == wait_ready(client, command_id)["line"]


@pytest.mark.requirement("RDY-1", "RDY-5")
def test_the_first_condition_that_holds_is_named_and_once(
    backend: LocalBackend, client: Client, session: str
) -> None:
    port = backend.free_port()
    text = "echo listening; " + serve(backend, port)
    command_id = start(client, session, text, port=port, pattern="listening")
    expected = {"sessionId": session, "commandId": command_id, "line": "listening"}
    assert expected == wait_ready(client, command_id)
    client.run(session, "touch opened")
    probe = start(client, session, "cat", port=port)
    wait_ready(client, probe)
    assert [expected] == client.notifications("command/ready", commandId=command_id)


@pytest.mark.requirement("RDY-6")
def test_what_does_not_get_ready_in_time_runs_on(backend: LocalBackend, client: Client, session: str) -> None:
    for ready in ({"port": backend.free_port()}, {"pattern": "never"}, {"url": "http://127.0.0.1:1/"}):
        command_id = start(client, session, "echo always; cat", timeoutMs=300, **ready)
        news = client.wait_notification("command/statusChanged", commandId=command_id, ready="timedOut")
        assert "running" == news["status"]
        assert "timedOut" == client.status(command_id)["ready"]
        client.request("command/input", {"commandId": command_id, "eof": True})
        assert ("completed", 0) == tuple(client.wait_finished(command_id)[k] for k in ("status", "exitCode"))
        assert [] == client.notifications("command/ready")


@pytest.mark.requirement("RDY-7")
def test_what_ends_before_it_is_ready_is_not(client: Client, session: str) -> None:
    command_id = start(client, session, "echo no; exit 3", pattern="yes")
    final = client.wait_finished(command_id)
    assert (3, None) == (final["exitCode"], final["ready"])
    assert [] == client.notifications("command/ready")


@pytest.mark.requirement("RDY-1")
def test_every_client_hears_that_a_command_is_ready(
    client: Client, second_client: Client, session: str
) -> None:
    second_client.request("sessions/get", {"sessionId": session})
    command_id = start(client, session, "cat", pattern="now")
    client.request("command/input", {"commandId": command_id, "data": "now\n"})
    assert wait_ready(client, command_id) == wait_ready(second_client, command_id)


def test_a_ready_check_without_a_condition_is_refused(client: Client, session: str) -> None:
    error = client.refused("command/execute", sessionId=session, command="true", ready={"timeoutMs": 100})
    assert (-32602, "ready") == (error.code, error.message[:5])


@pytest.mark.requirement("SBX-4")
def test_a_preview_link_of_this_machine_is_its_port(backend: LocalBackend, client: Client) -> None:
    if backend.sandbox_id != "local":
        pytest.skip("a link of a cloud sandbox is its own")
    for params in ({}, {"sandboxId": "local"}, {"expiresInSeconds": 60}):
        link = client.request("sandbox/previewLink", {"port": 8080, **params})
        assert {"url": "http://127.0.0.1:8080"} == link


@pytest.mark.requirement("REQ-7")
@pytest.mark.parametrize("port", [0, 65536, -1, "80", None, 80.5])
def test_a_bad_port_is_refused_by_name(client: Client, port: object) -> None:
    error = client.refused("sandbox/previewLink", port=port)
    assert (-32602, "port") == (error.code, error.message[:4])

"""Following a log: late, twice, from anywhere, and no longer."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import FINAL, Client, assemble

LINES = "".join(f"line {number}\n" for number in range(300)).encode()


def attach(client: Client, command_id: str, offset: int = 0) -> int:
    """Attach, and return from where on `client.received` is of this attachment."""
    since = len(client.received)
    client.request("command/attach", {"commandId": command_id, "offset": offset})
    return since


@pytest.mark.requirement("ATT-1", "ATT-3")
def test_a_late_client_gets_the_log_from_the_start_and_then_live(
    backend: LocalBackend, client: Client, second_client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("numbered.py", 300, "--delay-s", 0.005))
    client.wait_output(command_id, b"line 50\n")
    status = second_client.request("command/attach", {"commandId": command_id})
    assert ("running", True) == (status["status"], status["logSize"] >= len(b"line 0\n" * 50))
    final = second_client.wait_finished(command_id)
    assert LINES == second_client.output(command_id) == client.log(command_id)
    assert final == client.wait_finished(command_id)
    assert LINES == client.output(command_id)


@pytest.mark.requirement("ATT-1", "ATT-5")
@pytest.mark.parametrize("offset", [0, 1, 777, len(LINES) - 1, len(LINES)])
def test_an_attachment_begins_at_the_offset_asked_for(
    backend: LocalBackend, client: Client, second_client: Client, session: str, offset: int
) -> None:
    command_id = client.run(session, backend.line("numbered.py", 300))["commandId"]
    attach(second_client, command_id, offset)
    final = second_client.wait_finished(command_id)
    assert client.status(command_id) == final
    chunks = second_client.notifications("command/output", commandId=command_id)
    assert LINES[offset:] == assemble(chunks, offset)


@pytest.mark.requirement("ATT-1")
def test_an_attachment_may_begin_at_the_end_of_a_running_log(
    client: Client, second_client: Client, session: str
) -> None:
    command_id = client.start(session, "echo begun; cat")
    client.wait_output(command_id, b"begun\n")
    attach(second_client, command_id, len(b"begun\n"))
    client.request("command/input", {"commandId": command_id, "data": "on\n", "eof": True})
    second_client.wait_finished(command_id)
    assert b"on\n" == assemble(second_client.notifications("command/output"), len(b"begun\n"))


@pytest.mark.requirement("ATT-2", "ATT-5")
def test_without_stream_nothing_comes_until_attached(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("numbered.py", 300), stream=False)
    final = client.wait_finished(command_id)
    assert [] == client.notifications("command/output")
    since = attach(client, command_id)
    client.wait_notification("command/statusChanged", since=since, commandId=command_id, status="completed")
    assert LINES == client.output(command_id)
    assert final["logSize"] == len(LINES)


@pytest.mark.requirement("ATT-6", "ATT-7")
def test_after_detach_nothing_comes_and_attaching_again_misses_nothing(client: Client, session: str) -> None:
    command_id = client.start(session, "while read line; do echo $line; done")
    client.request("command/input", {"commandId": command_id, "data": "one\n"})
    client.wait_output(command_id, b"one\n")
    for _ in range(2):
        assert client.request("command/detach", {"commandId": command_id}) is None
    since = len(client.received)
    client.request("command/input", {"commandId": command_id, "data": "two\n", "eof": True})
    client.wait_finished(command_id)
    assert [] == client.notifications("command/output", since)
    since = attach(client, command_id, len(b"one\n"))
    client.wait_output(command_id, b"two\n", since=since)
    assert b"one\ntwo\n" == client.output(command_id)


@pytest.mark.requirement("ATT-4")
def test_attaching_again_starts_the_stream_anew(backend: LocalBackend, client: Client, session: str) -> None:
    command_id = client.start(session, backend.line("numbered.py", 300, "--delay-s", 0.003))
    client.wait_output(command_id, b"line 100\n")
    request_id = client.send_request("command/attach", {"commandId": command_id, "offset": 7})
    answer = client.answer(request_id)
    since = client.received.index(answer)
    client.wait_finished(command_id)
    assert LINES[7:] == assemble(client.notifications("command/output", since), 7)


@pytest.mark.requirement("ATT-7", "LIVE-1")
def test_an_editor_that_goes_takes_nothing_with_it(
    backend: LocalBackend, client: Client, session: str
) -> None:
    other = backend.client()
    command_id = other.start(session, backend.line("numbered.py", 300, "--delay-s", 0.005))
    attach(client, command_id)
    client.wait_output(command_id, b"line 10\n")
    other.kill()
    assert 0 == client.wait_finished(command_id)["exitCode"]
    assert LINES == client.output(command_id)


@pytest.mark.requirement("ATT-3", "ORD-2")
def test_many_attachments_get_every_byte_once(
    backend: LocalBackend, client: Client, second_client: Client, session: str
) -> None:
    ids = [client.start(session, backend.line("numbered.py", 300, "--delay-s", 0.002)) for _ in range(8)]
    for command_id in ids:
        attach(second_client, command_id)
    for command_id in ids:
        for editor in (client, second_client):
            editor.wait_finished(command_id)
            assert LINES == editor.output(command_id)


@pytest.mark.requirement("ORD-4", "SES-7", "SES-8")
def test_each_client_hears_of_sessions_and_commands_of_the_other(
    client: Client, second_client: Client, session: str
) -> None:
    second_client.request("sessions/get", {"sessionId": session})
    command_id = client.start(session, "cat; exit 3")
    client.request("command/input", {"commandId": command_id, "eof": True})
    assert client.wait_finished(command_id) == second_client.wait_finished(command_id)
    assert [] == second_client.notifications("command/output")
    client.request("sessions/delete", {"sessionId": session})
    changed = second_client.wait_notification("sessions/changed", kind="deleted")
    assert session == changed["session"]["sessionId"]


@pytest.mark.requirement("SES-7", "SES-8")
def test_a_session_made_by_one_client_is_announced_to_the_other(
    backend: LocalBackend, client: Client, second_client: Client
) -> None:
    session = client.request("sessions/create", {"sandboxId": backend.sandbox_id})
    assert session == second_client.wait_notification("sessions/changed", kind="created")["session"]
    assert [session] == second_client.request("sessions/list")["sessions"]


@pytest.mark.requirement("ORD-4")
def test_each_client_has_one_final_status_for_each_command(
    client: Client, second_client: Client, session: str
) -> None:
    second_client.request("sessions/get", {"sessionId": session})
    ids = [client.run(session, f"echo {n}", runAsync=bool(n % 2))["commandId"] for n in range(20)]
    for editor in (client, second_client):
        for command_id in ids:
            final = editor.wait_finished(command_id)
            news = editor.notifications("command/statusChanged", commandId=command_id)
            assert [final] == [status for status in news if status["status"] in FINAL]

"""Sessions: ids, what is told of them, and their end."""

from __future__ import annotations

import re

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, Message

BAD_IDS = ["", ".hidden", "-flag", "_x", "a/b", "..", "a b", "a\n", "é", "a" * 129, 7, True, ["a"], {"a": 1}]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def timeless(session: Message) -> Message:
    assert TIME.fullmatch(session["createdAt"])
    return {key: value for key, value in session.items() if key not in ("createdAt", "commands")}


@pytest.mark.requirement("SES-2")
def test_a_session_without_an_id_gets_one(backend: LocalBackend, client: Client) -> None:
    cwd = backend.directory()
    session = client.request("sessions/create", {"sandboxId": backend.sandbox_id, "cwd": cwd})
    assert re.fullmatch(r"session-[0-9a-f]{8}", session["sessionId"])
    expected = {
        "sessionId": session["sessionId"],
        "sandboxId": backend.sandbox_id,
        "cwd": cwd,
        "shell": backend.shell,
        "running": 0,
        "auto": False,
        "limits": [],
    }
    assert expected == timeless(session)


@pytest.mark.requirement("SAFE-3")
@pytest.mark.parametrize("session_id", ["a", "0", "Build.2_x-y", "a" * 128, "a.."])
def test_a_session_can_be_given_its_id(backend: LocalBackend, client: Client, session_id: str) -> None:
    params = {"sessionId": session_id, "sandboxId": backend.sandbox_id}
    assert session_id == client.request("sessions/create", params)["sessionId"]
    assert "hi\n" == client.run(session_id, "echo hi")["output"]


@pytest.mark.requirement("SAFE-3", "REQ-7")
@pytest.mark.parametrize("session_id", BAD_IDS, ids=repr)
@pytest.mark.parametrize("method", ["sessions/create", "sessions/get", "sessions/delete", "command/execute"])
def test_a_bad_session_id_is_refused_by_name(client: Client, method: str, session_id: object) -> None:
    error = client.refused(method, sessionId=session_id, command="true")
    assert (-32602, "sessionId") == (error.code, error.message[:9])


@pytest.mark.requirement("SAFE-3", "REQ-7")
@pytest.mark.parametrize("command_id", BAD_IDS, ids=repr)
def test_a_bad_command_id_is_refused_by_name(client: Client, session: str, command_id: object) -> None:
    error = client.refused("command/execute", sessionId=session, command="true", commandId=command_id)
    assert (-32602, "commandId") == (error.code, error.message[:9])


@pytest.mark.requirement("SES-1", "ERR-2")
def test_a_taken_session_id_is_a_conflict(backend: LocalBackend, client: Client, session: str) -> None:
    error = client.refused("sessions/create", sessionId=session, sandboxId=backend.sandbox_id)
    assert {"kind": "conflict", "retryable": False, "sessionId": session} == error.data
    assert "hi\n" == client.run(session, "echo hi")["output"]


@pytest.mark.requirement("SES-12")
def test_an_unknown_session_is_not_found(client: Client) -> None:
    expected = {"kind": "notFound", "retryable": False, "sessionId": "nobody"}
    for method in ("sessions/get", "sessions/delete", "command/list"):
        assert expected == client.refused(method, sessionId="nobody").data, method
    assert expected == client.refused("command/execute", sessionId="nobody", command="true").data


@pytest.mark.requirement("SBX-7")
def test_an_unknown_sandbox_is_not_found_or_needs_an_account(client: Client) -> None:
    error = client.refused("sessions/create", sandboxId="no-such-sandbox")
    assert error.data["kind"] in ("notFound", "authentication")


def test_sessions_are_listed_the_oldest_first(backend: LocalBackend, client: Client) -> None:
    ids = ["zebra", "ant", "mole"]
    made = [client.request("sessions/create", {"sessionId": i, "sandboxId": backend.sandbox_id}) for i in ids]
    assert made == client.request("sessions/list")["sessions"]
    assert made == client.request("sessions/list", {"sandboxId": backend.sandbox_id})["sessions"]


@pytest.mark.requirement("CMD-15")
def test_a_session_is_told_with_its_commands(client: Client, session: str) -> None:
    first, second = client.run(session, "exit 1"), client.run(session, "exit 2")
    told = client.request("sessions/get", {"sessionId": session})
    results = ("output", "outputTruncated")
    expected = [{k: v for k, v in status.items() if k not in results} for status in (first, second)]
    assert expected == told["commands"]
    assert [timeless(told)] == [timeless(s) for s in client.request("sessions/list")["sessions"]]
    assert expected == client.request("command/list", {"sessionId": session})["commands"]


def test_a_session_counts_what_runs_in_it(client: Client, session: str) -> None:
    command_id = client.start(session, "read line")
    assert 1 == client.request("sessions/get", {"sessionId": session})["running"]
    client.request("command/input", {"commandId": command_id, "eof": True})
    client.wait_finished(command_id)
    assert 0 == client.request("sessions/get", {"sessionId": session})["running"]


@pytest.mark.requirement("STATE-1")
def test_a_session_shows_the_directory_its_shell_is_in(client: Client, session: str) -> None:
    client.run(session, "cd /")
    assert "/" == client.request("sessions/get", {"sessionId": session})["cwd"]


@pytest.mark.requirement("SES-9", "SES-10")
def test_a_deleted_session_is_gone_with_its_commands_and_logs(client: Client, session: str) -> None:
    command_id = client.run(session, "echo hi")["commandId"]
    assert {"stopped": 0} == client.request("sessions/delete", {"sessionId": session})
    assert [] == client.request("sessions/list")["sessions"]
    assert "notFound" == client.refused("sessions/get", sessionId=session).data["kind"]
    for method in ("command/status", "command/logs", "command/wait", "command/attach", "command/stop"):
        assert "notFound" == client.refused(method, commandId=command_id).data["kind"], method


@pytest.mark.requirement("SES-9")
def test_deleting_a_session_stops_what_runs_in_it(client: Client, session: str) -> None:
    ids = [client.start(session, "sleep 600") for _ in range(3)]
    assert {"stopped": 3} == client.request("sessions/delete", {"sessionId": session})
    for command_id in ids:
        assert "stopped" == client.wait_finished(command_id)["status"]


@pytest.mark.requirement("SES-10")
def test_a_deleted_id_can_be_used_again_and_starts_afresh(backend: LocalBackend, client: Client) -> None:
    for _ in range(3):
        client.request("sessions/create", {"sessionId": "again", "sandboxId": backend.sandbox_id})
        assert "unset\n" == client.run("again", "echo ${MARK-unset}; MARK=1", commandId="same")["output"]
        client.request("sessions/delete", {"sessionId": "again"})


@pytest.mark.requirement("SES-8")
def test_sessions_are_announced(client: Client, session: str) -> None:
    assert session == client.wait_notification("sessions/changed", kind="created")["session"]["sessionId"]
    client.request("sessions/delete", {"sessionId": session})
    assert session == client.wait_notification("sessions/changed", kind="deleted")["session"]["sessionId"]
    assert 1 == len(client.notifications("sessions/changed", kind="created"))
    assert 1 == len(client.notifications("sessions/changed", kind="deleted"))


@pytest.mark.requirement("SES-6")
def test_environment_and_directory_of_a_session_hold_for_its_commands(
    backend: LocalBackend, client: Client
) -> None:
    cwd = backend.directory()
    params = {
        "sandboxId": backend.sandbox_id,
        "cwd": cwd,
        "env": {"COLOUR": "blue  and 'red'\n", "HOME": None},
    }
    session = client.request("sessions/create", params)["sessionId"]
    expected = f"{cwd}\nblue  and 'red'\n:unset\n"
    text = 'pwd; printf %s "$COLOUR:${HOME-unset}"; echo'
    for run_async in (False, True):
        command_id = client.run(session, text, runAsync=run_async)["commandId"]
        client.wait_finished(command_id)
        assert expected == client.log(command_id).decode()


@pytest.mark.requirement("REQ-7")
@pytest.mark.parametrize(
    ("env", "path"),
    [({"A": 1}, "env.A"), ({"A": True}, "env.A"), ({"A=B": "x"}, "env.A=B"), ({"": "x"}, "env"), ([], "env")],
)
def test_a_bad_environment_is_refused_by_name(client: Client, env: object, path: str) -> None:
    error = client.refused("sessions/create", env=env)
    assert (-32602, True) == (error.code, error.message.startswith(path))

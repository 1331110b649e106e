"""What cannot be started, what does not exist, and how an error looks."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, Message

UNKNOWN = {
    "command/status": {},
    "command/wait": {},
    "command/logs": {},
    "command/attach": {},
    "command/detach": {},
    "command/input": {"data": "x"},
    "command/stop": {},
    "command/signal": {"signal": "SIGINT"},
    "command/resize": {"cols": 80, "rows": 24},
}

STARTS = {
    "directory that does not exist": {"command": "echo no", "cwd": "/no/such/directory"},
    "directory that is a file": {"command": "echo no", "cwd": "/etc/passwd"},
    "program that does not exist": {"argv": ["no-such-program-here"]},
    "path that does not exist": {"argv": ["/no/such/program", "x"]},
    "file that is not executable": {"argv": ["/etc/passwd"]},
    "directory as program": {"argv": ["/"]},
    "arguments beyond what the system takes": {"argv": ["true", "x" * 3_000_000]},
}


@pytest.mark.requirement("CMD-8", "ERR-2")
@pytest.mark.parametrize("params", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_what_cannot_be_started_is_an_error_and_a_failed_command(
    client: Client, session: str, params: Message, run_async: bool
) -> None:
    error = client.refused(
        "command/execute", sessionId=session, commandId="failing", runAsync=run_async, **params
    )
    expected = {
        "kind": "commandExecutionError",
        "retryable": False,
        "sessionId": session,
        "commandId": "failing",
    }
    assert (1004, expected) == (error.code, error.data)
    (status,) = client.request("command/list", {"sessionId": session})["commands"]
    assert ("failed", None, None, None, 0) == tuple(
        status[key] for key in ("status", "exitCode", "signal", "startedAt", "logSize")
    )
    assert status["reason"]
    assert status == client.wait_finished("failing")
    assert {
        "chunks": [],
        "nextOffset": 0,
        "size": 0,
        "truncatedBefore": 0,
        "finished": True,
    } == client.request("command/logs", {"commandId": "failing"})
    assert "alive\n" == client.run(session, "echo alive")["output"]


@pytest.mark.requirement("TXT-6")
def test_a_long_shell_text_is_no_failure(client: Client, session: str) -> None:
    assert "end\n" == client.run(session, f": {'x' * 3_000_000}\necho end")["output"]


@pytest.mark.requirement("SES-5")
def test_a_session_in_a_directory_that_does_not_exist_is_refused(
    backend: LocalBackend, client: Client
) -> None:
    error = client.refused(
        "sessions/create", sessionId="s", sandboxId=backend.sandbox_id, cwd="/no/such/directory"
    )
    assert "commandExecutionError" == error.data["kind"]
    assert [] == client.request("sessions/list")["sessions"]


@pytest.mark.requirement("ERR-2")
@pytest.mark.parametrize(("method", "params"), UNKNOWN.items(), ids=UNKNOWN)
def test_an_unknown_command_is_not_found(client: Client, session: str, method: str, params: Message) -> None:
    error = client.refused(method, commandId="nobody", **params)
    assert (1001, {"kind": "notFound", "retryable": False, "commandId": "nobody"}) == (error.code, error.data)


@pytest.mark.requirement("REQ-7", "SAFE-3")
@pytest.mark.parametrize("method", UNKNOWN)
@pytest.mark.parametrize("command_id", ["../x", "a/b", "", 7, None])
def test_a_bad_or_missing_command_id_is_refused_by_name(
    client: Client, method: str, command_id: object
) -> None:
    error = client.refused(method, commandId=command_id, **UNKNOWN[method])
    assert (-32602, "commandId", "commandId") == (error.code, error.data["path"], error.message[:9])


@pytest.mark.requirement("SBX-5", "SBX-7")
@pytest.mark.parametrize("method", ["sandbox/get", "sandbox/start", "sandbox/stop", "sandbox/delete"])
def test_an_unknown_sandbox_is_an_application_error(client: Client, method: str) -> None:
    error = client.refused(method, sandboxId="no-such-sandbox")
    assert error.data["kind"] in ("notFound", "authentication")


@pytest.mark.requirement("ERR-5")
def test_an_error_tells_no_secret(client: Client, session: str) -> None:
    env = {"TOKEN": "s3cr3t-value"}
    for params in ({"cwd": "/no/such"}, {"timeoutMs": "s3cr3t-value"}, {"env": {"A": ["s3cr3t-value"]}}):
        error = client.refused(
            "command/execute", sessionId=session, **{"command": "true", "env": env, **params}
        )
        assert "s3cr3t-value" not in f"{error.message} {error.data}"
    for status in client.request("command/list", {"sessionId": session})["commands"]:
        assert "s3cr3t-value" not in str(status)


@pytest.mark.requirement("SBX-1", "SBX-2", "SBX-3")
def test_this_machine_is_a_sandbox(backend: LocalBackend, client: Client) -> None:
    (local,) = [s for s in client.request("sandbox/list")["sandboxes"] if s["sandboxId"] == "local"]
    expected = {
        "sandboxId": "local",
        "name": local["name"],
        "kind": "local",
        "state": "started",
        "reason": None,
        "labels": {},
        "target": None,
        "createdAt": None,
        "autoStopInterval": None,
        "limits": [],
    }
    assert expected == local
    assert local == client.request("sandbox/get", {"sandboxId": "local"})
    assert local == client.request("sandbox/start", {"sandboxId": "local"})
    for method in ("sandbox/stop", "sandbox/delete"):
        assert "unsupported" == client.refused(method, sandboxId="local").data["kind"]

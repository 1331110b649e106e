"""Executing: what is answered, in which environment a command runs, and that it starts once."""

from __future__ import annotations

import re

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, Message

TIMES = {"createdAt", "startedAt", "endedAt", "durationMs"}


def timeless(status: Message) -> Message:
    """A finished command's status without its times, which must be in order."""
    assert status["createdAt"] <= status["startedAt"] <= status["endedAt"]
    assert status["durationMs"] >= 0
    return {key: value for key, value in status.items() if key not in TIMES}


@pytest.mark.requirement("CMD-6", "ERR-6")
def test_a_synchronous_command_is_answered_at_its_end_with_its_output(client: Client, session: str) -> None:
    cwd = client.request("sessions/get", {"sessionId": session})["cwd"]
    status = client.run(session, "echo out; echo err >&2; exit 7")
    assert re.fullmatch(r"cmd-[0-9a-f]{12}", status["commandId"])
    expected = {
        "commandId": status["commandId"],
        "sessionId": session,
        "sandboxId": "local",
        "command": "echo out; echo err >&2; exit 7",
        "argv": None,
        "status": "completed",
        "exitCode": 7,
        "signal": None,
        "reason": None,
        "cwd": cwd,
        "runAsync": False,
        "logSize": 8,
        "truncatedBefore": 0,
        "tty": None,
        "stdin": "closed",
        "ready": None,
        "outputTruncated": False,
    }
    output = status.pop("output")
    assert ["err", "out"] == sorted(output.splitlines())
    assert expected == timeless(status)


@pytest.mark.requirement("CMD-7")
def test_the_output_of_a_synchronous_command_is_its_last_mebibyte(
    backend: LocalBackend, client: Client, session: str
) -> None:
    status = client.run(session, backend.line("flood.py", 1_500_000))
    log = client.log(status["commandId"])
    assert (1_500_000, True) == (len(log), status["outputTruncated"])
    assert log[-1_048_576:].decode() == status["output"]


@pytest.mark.requirement("CMD-5", "INP-1")
def test_an_asynchronous_command_is_answered_when_it_runs(client: Client, session: str) -> None:
    status = client.run(session, "read line; exit 4", runAsync=True)
    assert ("running", None, None, "open") == tuple(
        status[key] for key in ("status", "exitCode", "endedAt", "stdin")
    )
    assert not {"output", "outputTruncated"} & status.keys()
    client.request("command/input", {"commandId": status["commandId"], "data": "\n"})
    final = client.wait_finished(status["commandId"])
    assert ("completed", 4) == (final["status"], final["exitCode"])


@pytest.mark.requirement("CMD-4", "TXT-6")
def test_argv_runs_without_a_shell(backend: LocalBackend, client: Client, session: str) -> None:
    argv = [backend.python, "-c", "import sys; print(sys.argv[1:])", "$HOME; *", "it's", ""]
    status = client.run(session, argv)
    assert ("['$HOME; *', \"it's\", '']\n", argv) == (status["output"], status["argv"])
    assert "it'\"'\"'s" in status["command"]


@pytest.mark.requirement("CMD-4")
@pytest.mark.parametrize(
    "params", [{}, {"command": "true", "argv": ["true"]}, {"argv": []}], ids=["neither", "both", "empty"]
)
def test_exactly_one_of_command_and_argv_is_taken(client: Client, session: str, params: Message) -> None:
    error = client.refused("command/execute", sessionId=session, **params)
    assert -32602 == error.code
    assert re.match("command|argv", error.message)


@pytest.mark.requirement("REQ-7", "REQ-8")
@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"command": 7}, "command"),
        ({"command": "a\0b"}, "command"),
        ({"argv": ["true", 7]}, "argv[1]"),
        ({"command": "true", "tty": {"cols": "80", "rows": 24}}, "tty.cols"),
        ({"command": "true", "tty": {"cols": 80}}, "tty.rows"),
        ({"command": "true", "env": {"A": ["x"]}}, "env.A"),
        ({"command": "true", "timeoutMs": -1}, "timeoutMs"),
        ({"command": "true", "runAsync": 1}, "runAsync"),
        ({"command": "true", "ready": {"port": 0}}, "ready.port"),
        ({"command": "true", "ready": {"pattern": "("}}, "ready.pattern"),
        ({"command": "true", "stdin": "half"}, "stdin"),
    ],
)
def test_a_bad_field_is_refused_by_its_wire_path(
    client: Client, session: str, params: Message, path: str
) -> None:
    error = client.refused("command/execute", sessionId=session, **params)
    assert (-32602, path) == (error.code, error.message[: len(path)])
    assert [] == client.request("command/list", {"sessionId": session})["commands"]


@pytest.mark.requirement("STATE-6", "STATE-7")
def test_a_directory_given_with_a_command_is_for_it_alone(
    backend: LocalBackend, client: Client, session: str
) -> None:
    home = client.run(session, "mkdir inner; pwd")["output"].rstrip("\n")
    other = backend.directory()
    assert (f"{other}\n", other) == tuple(client.run(session, "pwd", cwd=other)[k] for k in ("output", "cwd"))
    assert f"{home}/inner\n" == client.run(session, "pwd", cwd="inner")["output"]
    assert (
        f"{home}/inner\n"
        == client.run(session, [backend.python, "-c", "import os; print(os.getcwd())"], cwd="inner")["output"]
    )
    assert f"{home}\n" == client.run(session, "pwd")["output"]


@pytest.mark.requirement("STATE-6")
def test_an_environment_given_with_a_command_is_for_it_alone(client: Client, session: str) -> None:
    client.run(session, "export KEPT=kept GONE=gone")
    text = "echo ${KEPT-unset} ${GONE-unset} ${NEW-unset}"
    assert "kept unset new\n" == client.run(session, text, env={"GONE": None, "NEW": "new"})["output"]
    assert "other gone unset\n" == client.run(session, text, env={"KEPT": "other"})["output"]
    assert "kept gone unset\n" == client.run(session, text)["output"]


@pytest.mark.requirement("CMD-2")
def test_a_repeated_execute_with_the_same_id_starts_once(client: Client, session: str) -> None:
    first = client.run(session, "echo started >> starts; read line", runAsync=True, commandId="build")
    again = client.run(session, "echo started >> starts; read line", runAsync=True, commandId="build")
    assert (first["createdAt"], first["startedAt"]) == (again["createdAt"], again["startedAt"])
    client.request("command/input", {"commandId": "build", "eof": True})
    final = client.wait_finished("build")
    assert final == client.run(session, "echo started >> starts; read line", runAsync=True, commandId="build")
    assert "started\n" == client.run(session, "cat starts")["output"]
    assert 1 == len(client.request("command/list", {"sessionId": session})["commands"][:-1])


@pytest.mark.requirement("CMD-2")
def test_a_repeated_synchronous_execute_answers_with_the_same_end(client: Client, session: str) -> None:
    first = client.run(session, "date +%N; exit 3", commandId="once")
    assert first == client.run(session, "date +%N; exit 3", commandId="once")


@pytest.mark.requirement("CMD-1", "CMD-3")
def test_a_taken_command_id_with_another_text_is_a_conflict(
    backend: LocalBackend, client: Client, session: str
) -> None:
    client.run(session, "echo one", commandId="build")
    other = client.request("sessions/create", {"sandboxId": backend.sandbox_id})["sessionId"]
    for params in (
        {"sessionId": session, "command": "echo two"},
        {"sessionId": session, "argv": ["echo", "one"]},
        {"sessionId": other, "command": "echo two"},
    ):
        error = client.refused("command/execute", commandId="build", **params)
        assert ("conflict", False, "build") == tuple(
            error.data.get(k) for k in ("kind", "retryable", "commandId")
        )
    assert "one\n" == client.log("build").decode()


@pytest.mark.requirement("SES-11")
def test_without_a_session_a_command_gets_one_of_its_own(backend: LocalBackend, client: Client) -> None:
    params = {"command": "echo hi; cd /", "sandboxId": backend.sandbox_id, "cwd": backend.directory()}
    one, two = (client.request("command/execute", params) for _ in range(2))
    assert ["hi\n", "hi\n"] == [one["output"], two["output"]]
    assert one["sessionId"] != two["sessionId"]
    session = client.request("sessions/get", {"sessionId": one["sessionId"]})
    assert (True, True) == (session["auto"], bool(re.fullmatch(r"run-[0-9a-f]{8}", one["sessionId"])))
    assert [one["commandId"]] == [command["commandId"] for command in session["commands"]]


@pytest.mark.requirement("CMD-6")
def test_output_that_is_no_text_is_shown_as_such(client: Client, session: str) -> None:
    assert "a\ufffdb\n" == client.run(session, "printf 'a\\377b\\n'")["output"]


@pytest.mark.requirement("CMD-13")
def test_the_duration_is_that_of_the_main_process(client: Client, session: str) -> None:
    status = client.run(session, "sleep 5 & sleep 0.5")
    assert 500 <= status["durationMs"] < 4000

"""Stop means stopped: the whole tree, gently first, the log kept; signals and time limits too."""

from __future__ import annotations

import time

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, Message

RESULT = ("status", "reason", "exitCode", "signal")


def stop(client: Client, command_id: str, **params: object) -> Message:
    result: Message = client.request("command/stop", {"commandId": command_id, **params})
    return result


def result_of(status: Message) -> tuple[object, ...]:
    return tuple(status[key] for key in RESULT)


@pytest.mark.requirement("STOP-1", "STOP-3")
def test_stop_ends_a_command_and_answers_when_it_is_over(client: Client, session: str) -> None:
    command_id = client.start(session, ["sleep", "600"])
    status = stop(client, command_id)
    assert ("stopped", "stop", None, "SIGTERM") == result_of(status)
    assert status == client.status(command_id) == client.wait_finished(command_id)
    assert status["startedAt"] <= status["endedAt"]


@pytest.mark.requirement("STOP-2", "ORD-5")
def test_each_of_many_stops_is_answered_with_the_end(client: Client, session: str) -> None:
    ids = [client.start(session, ["sleep", "600"]) for _ in range(60)]
    requests = [client.send_request("command/stop", {"commandId": command_id}) for command_id in ids]
    answers = [client.result(request_id) for request_id in requests]
    assert ["stopped"] * 60 == [answer["status"] for answer in answers]
    assert answers == [client.status(command_id) for command_id in ids]


@pytest.mark.requirement("STOP-3", "STOP-4")
def test_stop_is_gentle_first_and_keeps_the_log(client: Client, session: str) -> None:
    text = "trap 'echo cleaned up; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    command_id = client.start(session, text)
    client.wait_output(command_id, b"ready\n")
    assert ("stopped", "stop", 9, None) == result_of(stop(client, command_id))
    client.wait_finished(command_id)
    log = client.log(command_id)
    assert log.startswith(b"ready\n")
    assert log.endswith(b"cleaned up\n")  # between them the shell may tell of its child's end
    assert log == client.output(command_id)


@pytest.mark.requirement("STOP-1")
@pytest.mark.parametrize("argv", [False, True], ids=["shell", "argv"])
def test_a_command_that_ignores_TERM_is_killed_after_the_grace(
    backend: LocalBackend, client: Client, session: str, argv: bool
) -> None:
    what = backend.argv("stubborn.py") if argv else "exec " + backend.line("stubborn.py")
    command_id = client.start(session, what)
    client.wait_output(command_id, b"ready\n")
    before = time.monotonic()
    assert ("stopped", "stop", None, "SIGKILL") == result_of(stop(client, command_id, graceMs=500))
    assert 0.5 <= time.monotonic() - before < 4


@pytest.mark.requirement("STOP-1", "STOP-2")
def test_a_child_that_ignores_TERM_is_killed_after_the_grace(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("stubborn.py") + " & echo $!; wait")
    pid = int(client.wait_output(command_id, b"ready\n").split(b"\n")[0])
    assert "stopped" == stop(client, command_id, graceMs=300)["status"]
    assert "" == client.run(session, backend.line("alive.py", pid))["output"]


@pytest.mark.requirement("STOP-1", "STOP-2")
@pytest.mark.parametrize("tty", [None, {"cols": 80, "rows": 24}], ids=["pipes", "tty"])
def test_stop_ends_children_in_groups_and_sessions_of_their_own(
    backend: LocalBackend, client: Client, session: str, tty: Message | None
) -> None:
    command_id = client.start(session, backend.line("family.py"), tty=tty)
    near, far, orphan = client.wait_output(command_id, b"\n").decode().split()
    text = backend.line("alive.py", near, far, orphan)
    assert f"{near}\n{far}\n{orphan}\n" == client.run(session, text)["output"]
    stop(client, command_id)
    assert "" == client.run(session, text)["output"]


@pytest.mark.requirement("STOP-6")
def test_stop_while_a_stop_is_under_way_answers_both(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.argv("stubborn.py"))
    client.wait_output(command_id, b"ready\n")
    gentle = client.send_request("command/stop", {"commandId": command_id, "graceMs": 600_000})
    hasty = client.send_request("command/stop", {"commandId": command_id, "graceMs": 0})
    assert client.result(gentle) == client.result(hasty)
    assert "SIGKILL" == client.status(command_id)["signal"]


def test_stop_touches_no_other_command(client: Client, session: str) -> None:
    other, command_id = client.start(session, "cat"), client.start(session, "sleep 600")
    stop(client, command_id)
    assert "running" == client.status(other)["status"]
    client.request("command/input", {"commandId": other, "eof": True})
    assert ("completed", None, 0, None) == result_of(client.wait_finished(other))


@pytest.mark.requirement("STOP-3", "CMD-6")
def test_stopping_a_synchronous_command_answers_its_execute(client: Client, session: str) -> None:
    params = {"sessionId": session, "command": "echo begun; sleep 600", "commandId": "sync"}
    pending = client.send_request("command/execute", params)
    client.wait_output("sync", b"begun\n")
    stop(client, "sync")
    answer = client.result(pending)
    assert ("stopped", "stop", "begun\n") == (answer["status"], answer["reason"], answer["output"])
    assert "on\n" == client.run(session, "echo on")["output"]


@pytest.mark.requirement("STOP-7", "INP-6")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("command/stop", {}),
        ("command/signal", {"signal": "SIGINT"}),
        ("command/resize", {"cols": 80, "rows": 24}),
    ],
)
def test_a_finished_command_takes_no_stop_signal_or_resize(
    client: Client, session: str, method: str, params: Message
) -> None:
    command_id = client.run(session, "true", tty={"cols": 80, "rows": 24})["commandId"]
    error = client.refused(method, commandId=command_id, **params)
    expected = {"kind": "alreadyFinished", "retryable": False, "sessionId": session, "commandId": command_id}
    assert expected == error.data


@pytest.mark.requirement("STOP-8", "STOP-9")
@pytest.mark.parametrize("name", ["SIGUSR1", "USR1"])
def test_a_signal_that_is_handled_ends_nothing(client: Client, session: str, name: str) -> None:
    text = "trap 'echo got it' USR1; echo ready; while [ ! -e end ]; do sleep 0.02; done"
    command_id = client.start(session, text)
    client.wait_output(command_id, b"ready\n")
    assert client.request("command/signal", {"commandId": command_id, "signal": name}) is None
    client.wait_output(command_id, b"got it\n")
    client.run(session, "touch end")
    assert ("completed", 0) == result_of(client.wait_finished(command_id))[::2]


@pytest.mark.requirement("STOP-9")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL", "SIGHUP"])
def test_a_signal_of_ours_that_ends_a_command_stops_it(client: Client, session: str, name: str) -> None:
    command_id = client.start(session, ["sleep", "600"])
    client.request("command/signal", {"commandId": command_id, "signal": name})
    assert ("stopped", "signal", None, name) == result_of(client.wait_finished(command_id))


@pytest.mark.requirement("STOP-8")
@pytest.mark.parametrize("name", ["SIGNOTHING", "", 9, "KILL -9"])
def test_a_bad_signal_is_refused_by_name(client: Client, session: str, name: object) -> None:
    command_id = client.start(session, ["sleep", "600"])
    error = client.refused("command/signal", commandId=command_id, signal=name)
    assert (-32602, "signal") == (error.code, error.message[:6])
    assert "running" == client.status(command_id)["status"]


@pytest.mark.requirement("LIM-1")
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_a_time_limit_stops_the_command(client: Client, session: str, run_async: bool) -> None:
    status = client.run(session, ["sleep", "600"], runAsync=run_async, timeoutMs=300)
    final = client.wait_finished(status["commandId"])
    assert ("stopped", "timeout", None, "SIGTERM") == result_of(final)
    assert 300 <= final["durationMs"]


@pytest.mark.requirement("LIM-1")
def test_a_time_limit_starts_when_the_command_does(client: Client, session: str) -> None:
    params = {"sessionId": session, "command": "sleep 1.5", "commandId": "first"}
    first = client.send_request("command/execute", params)
    client.wait_notification("command/statusChanged", commandId="first", status="running")
    second = client.run(session, "echo in time", timeoutMs=1000)
    assert ("completed", "in time\n") == (second["status"], second["output"])
    assert 0 == client.result(first)["exitCode"]


def test_a_command_within_its_time_limit_is_left_alone(client: Client, session: str) -> None:
    assert ("completed", 0) == result_of(client.run(session, "true", timeoutMs=60_000))[::2]

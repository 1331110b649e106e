"""`ps`, `sessions`, `stop` and `rm`: what there is, and its end."""

from __future__ import annotations

import time

from tests.cli.commandline import CommandLine


def test_ps_lists_what_runs_and_with_a_what_has_ended(cli: CommandLine) -> None:
    cli.ok("run", "--", "true # before")
    first = cli.detach("exec sleep 60 # first")
    second = cli.detach("--session", "listed", "exec sleep 60 # second")
    assert [second, first] == [one["commandId"] for one in cli.json("ps")]
    everything = [one["command"] for one in cli.json("ps", "-a")]
    assert ["exec sleep 60 # second", "exec sleep 60 # first", "true # before"] == everything[:3]
    assert [second] == [one["commandId"] for one in cli.json("ps", "--session", "list")]
    lines = cli.ok("ps").decode().splitlines()
    assert [["COMMAND", "ID"], [second, "running"], [first, "running"]] == [
        line.split()[:2] for line in lines
    ]
    assert lines[1].endswith("exec sleep 60 # second")
    cli.ok("stop", first, second)


def test_ps_of_nothing_is_a_title(cli: CommandLine) -> None:
    assert 1 == cli.ok("ps").count(b"\n")
    assert b"" == cli.ok("ps", "--json")


def test_a_command_of_many_lines_and_odd_characters_is_one_line(cli: CommandLine) -> None:
    cli.ok("run", "--", "true \\\n # \x1b[31m\a 中文")
    line = cli.ok("ps", "-a").decode().splitlines()[1]
    assert line.endswith("true \\ # \ufffd[31m\ufffd 中文")


def test_how_a_command_ended_is_told_apart(cli: CommandLine) -> None:
    for text in ("exit 3", "kill -9 $$", "/etc/passwd"):
        cli.run("run", "--", text)
    cli.run("run", "--timeout", "0.1", "--", "exec sleep 60")
    cli.run("run", "--", "no-such-program", "x")
    column = [line[17:].split("  ")[0].strip() for line in cli.ok("ps", "-a").decode().splitlines()[1:6]]
    assert ["failed", "timed out", "exit 126", "SIGKILL", "exit 3"] == column


def test_sessions_are_listed_the_newest_first(cli: CommandLine) -> None:
    cli.ok("run", "--session", "one", "--", "cd /")
    command_id = cli.detach("--session", "two", "exec sleep 60")
    listed = cli.ok("sessions").decode().splitlines()
    assert ["two", "one"] == [line.split()[0] for line in listed[1:3]]
    assert "1" == listed[1].split()[1]
    assert listed[2].endswith("/")
    assert ["two", "one"] == [one["sessionId"] for one in cli.json("sessions")[:2]]
    cli.ok("stop", command_id)


def test_stop_ends_several_at_once_and_tells_how(cli: CommandLine) -> None:
    ids = [cli.detach("trap '' TERM; echo ready; while :; do sleep 0.1; done") for _ in range(3)]
    for command_id in ids:
        cli.wait_log(command_id, b"ready")
    began = time.monotonic()
    out = cli.ok("stop", "--grace", "0.5", *ids).decode()
    assert time.monotonic() - began < 10
    assert [f"{command_id}: stopped, SIGKILL" for command_id in ids] == out.splitlines()


def test_stop_of_what_has_ended_is_said_and_no_failure(cli: CommandLine) -> None:
    command_id = cli.detach("true")
    cli.ok("attach", command_id)
    result = cli.run("stop", command_id)
    assert (0, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))


def test_stop_of_some_that_are_not_there_stops_the_others(cli: CommandLine) -> None:
    command_id = cli.detach("exec sleep 60")
    result = cli.run("stop", "cmd-nowhere", command_id[:10])
    assert (1, b"daytona-rpc: no command cmd-nowhere\n") == (result.returncode, result.stderr)
    assert f"{command_id}: stopped, SIGTERM\n".encode() == result.stdout


def test_rm_deletes_a_session_and_stops_what_runs_in_it(cli: CommandLine) -> None:
    cli.detach("--session", "unwanted", "exec sleep 60")
    assert b"unwanted: deleted, 1 running stopped\n" == cli.ok("rm", "unwan")
    assert "unwanted" not in [one["sessionId"] for one in cli.json("sessions")]


def test_rm_of_a_command_says_which_session_it_is_of(cli: CommandLine) -> None:
    cli.ok("run", "--session", "holder", "--", "true")
    command_id = cli.json("ps", "-a", "--session", "holder")[0]["commandId"]
    result = cli.run("rm", command_id)
    line = f"daytona-rpc: no session {command_id}; {command_id} is a command, of session holder\n"
    assert (1, line.encode()) == (result.returncode, result.stderr)
    assert b"daytona-rpc: no session nowhere\n" == cli.run("rm", "nowhere").stderr


def test_rm_all_finished_leaves_what_runs(cli: CommandLine) -> None:
    cli.ok("run", "--", "true")
    command_id = cli.detach("--session", "busy", "exec sleep 60")
    cli.ok("rm", "--all-finished")
    assert ["busy"] == [one["sessionId"] for one in cli.json("sessions")]
    cli.ok("stop", command_id)
    assert b"" == cli.ok("rm", "--all-finished", "--state-dir", str(cli.machine.root / "other"))

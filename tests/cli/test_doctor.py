"""`doctor` finds what is wrong, says how to mend it, and changes nothing on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.commandline import CommandLine
from tests.harness import eventually
from tests.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine for one test, which may break it."""
    machine = Machine(tmp_path)
    yield machine
    machine.sweep()


def _findings(cli: CommandLine, code: int, **env: str) -> dict[str, list[dict[str, Any]]]:
    """What doctor finds that is not as it should be, by its level."""
    result = cli.run("doctor", "--json", env=env)
    assert (code, b"") == (result.returncode, result.stderr)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(one["mend"] for one in found if one["level"] != "ok")
    return {level: [one for one in found if one["level"] == level] for level in ("warning", "problem")}


def test_nothing_is_wrong_with_a_machine_in_use(cli: CommandLine) -> None:
    command_id = cli.detach("exec sleep 60")
    assert {"warning": [], "problem": []} == _findings(cli, 0)
    text = cli.ok("doctor").decode()
    assert "sessions: 1 with a running host, 0 without" in text
    assert f"{cli.machine.state}, of " in text
    assert "mode 0700" in text
    assert "nothing is wrong\n" == text[-17:]
    cli.ok("stop", command_id)


def test_nothing_is_wrong_where_nothing_has_been_yet(cli: CommandLine) -> None:
    assert {"warning": [], "problem": []} == _findings(cli, 0)


def test_the_key_is_never_shown(cli: CommandLine) -> None:
    for args in ((), ("--json",)):
        out = cli.ok("doctor", *args, env={"DAYTONA_API_KEY": "dtn_secret"})
        assert b"DAYTONA_API_KEY is set" in out
        assert b"secret" not in out
    assert b"DAYTONA_API_KEY is not set" in cli.ok("doctor")
    (finding,) = _findings(cli, 0, DAYTONA_API_KEY=" ")["warning"]
    assert "DAYTONA_API_KEY is set but empty" == finding["text"]


def test_a_state_directory_that_is_open_to_others(cli: CommandLine) -> None:
    cli.machine.state.mkdir(mode=0o755)
    (finding,) = _findings(cli, 0)["warning"]
    assert f"{cli.machine.state} is open to others (mode 0755)" == finding["text"]
    assert finding["mend"].startswith(f"chmod 700 {cli.machine.state}")


def test_a_state_directory_that_is_a_file(cli: CommandLine) -> None:
    cli.machine.state.write_text("")
    problems = _findings(cli, 1)["problem"]
    assert ["state directory", "server"] == [one["subject"] for one in problems]
    cli.machine.state.unlink()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(cli: CommandLine) -> None:
    cli.machine.state.mkdir(0o700)
    (cli.machine.state / "server.log").write_text("".join(f"line {number}\n" for number in range(100)))
    (cli.machine.state / "sessions").write_text("")
    (finding,) = _findings(cli, 1)["problem"]
    assert "server" == finding["subject"]
    assert "line 99" in finding["details"] or "line 98" in finding["details"]
    (cli.machine.state / "sessions").unlink()


def test_a_host_that_was_killed(cli: CommandLine) -> None:
    command_id = cli.detach("exec sleep 60")
    # The server that started it is on its way out, and would mend what it still notices.
    eventually(lambda: not any("--stdio" in argv for argv in cli.machine.processes().values()))
    (host,) = cli.machine.hosts()
    psutil.Process(host).kill()
    eventually(lambda: not cli.machine.hosts())
    (finding,) = _findings(cli, 0)["warning"]
    assert [command_id] == finding["details"]
    assert "1 command recorded as running, but the host that ran them is gone" == finding["text"]
    (status,) = cli.json("ps", "-a")
    assert "lost" == status["status"]
    cli.ok("stop", command_id)


def test_a_host_that_hangs(cli: CommandLine) -> None:
    command_id = cli.detach("exec sleep 60")
    (host,) = cli.machine.hosts()
    os.kill(host, signal.SIGSTOP)
    try:
        problems = _findings(cli, 1)["problem"]
        assert f"its host lives but does not answer (process {host})" == problems[0]["text"]
    finally:
        os.kill(host, signal.SIGCONT)
    cli.ok("stop", command_id)


def test_leftovers(cli: CommandLine) -> None:
    cli.ok("run", "--session", "kept", "--", "true")
    sessions, commands = cli.machine.state / "sessions", cli.machine.state / "commands"
    draft = sessions / ".new-1-00000000"
    draft.mkdir()
    os.utime(draft, (0, 0))
    (commands / "cmd-gone").symlink_to("../sessions/gone/commands/cmd-gone")
    (commands / "README").write_text("")
    (sessions / "broken").mkdir()
    broken, *others = _findings(cli, 0)["warning"]
    assert "session broken" == broken["subject"]
    paths = [[str(draft)], [str(commands / "cmd-gone")], [str(commands / "README")]]
    assert paths == [one["details"] for one in others]
    for path in (commands / "cmd-gone", commands / "README"):
        path.unlink()
    for path in (sessions / "broken", draft):
        shutil.rmtree(path, ignore_errors=True)  # the server may have done it
    assert {"warning": [], "problem": []} == _findings(cli, 0)


def test_a_socket_without_a_host(cli: CommandLine) -> None:
    cli.ok("run", "--session", "dead", "--", "true")
    for host in cli.machine.hosts():
        psutil.Process(host).kill()
    eventually(lambda: not cli.machine.hosts())
    directory = cli.machine.state / "sessions" / "dead"
    if not (directory / "sock").exists():
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(directory / "sock"))
    (finding,) = _findings(cli, 0)["warning"]
    assert "session dead" == finding["subject"]
    assert b"back\n" == cli.ok("run", "--session", "dead", "--", "echo back")


def test_a_damaged_record(cli: CommandLine) -> None:
    cli.ok("run", "--session", "kept", "--", "true")
    (record,) = cli.machine.state.glob("sessions/kept/commands/*/record.json")
    record.write_text('{"commandId":')
    os.utime(record.parent, (0, 0))
    (finding,) = _findings(cli, 0)["warning"]
    assert [record.parent.name] == finding["details"]

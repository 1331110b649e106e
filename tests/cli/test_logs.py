"""`logs` and `attach` show what a command has written, from where one likes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.cli.commandline import CommandLine, finish, read_until
from tests.machine import Machine

LINES = b"".join(b"line %d\n" % number for number in range(1000))


@pytest.fixture(scope="module")
def numbered(machine: Machine) -> Iterator[str]:
    """A finished command that has written LINES on stdout, and one line on stderr before its last."""
    cli = CommandLine(machine)
    pause = "sleep 0.1"  # so that the streams are read in this order
    text = f"seq -f 'line %g' 0 998; {pause}; echo oops >&2; {pause}; echo line 999"
    cli.run("run", "--", text)
    yield cli.json("ps", "-a")[0]["commandId"]
    cli.tidy()


@pytest.fixture
def talker(cli: CommandLine) -> Iterator[str]:
    """A running command that has said `started` and repeats its input."""
    command_id = cli.detach('echo started; while read -r line; do echo "got $line"; done; echo over')
    cli.wait_log(command_id, b"started\n")
    yield command_id
    if command_id in cli.running():
        cli.ok("stop", command_id)


def test_a_log_is_written_whole_with_its_streams_apart(cli: CommandLine, numbered: str) -> None:
    result = cli.run("logs", numbered)
    assert (0, LINES, b"oops\n") == (result.returncode, result.stdout, result.stderr)


def test_a_prefix_is_enough(cli: CommandLine, numbered: str) -> None:
    assert LINES == cli.run("logs", numbered[:12]).stdout


def test_a_log_can_be_read_from_an_offset(cli: CommandLine, numbered: str) -> None:
    assert LINES[5000:] == cli.run("logs", "--offset", "5000", numbered).stdout


def test_an_offset_beyond_the_end_is_one_line(cli: CommandLine, numbered: str) -> None:
    result = cli.run("logs", "--offset", "99999", numbered)
    assert (1, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))
    assert b"offset" in result.stderr


def test_the_last_lines_are_those_of_both_streams_or_of_one(cli: CommandLine, numbered: str) -> None:
    result = cli.run("logs", "--tail", "3", numbered)
    assert (b"line 998\nline 999\n", b"oops\n") == (result.stdout, result.stderr)
    only = cli.run("logs", "--tail", "3", "--channel", "stdout", numbered)
    assert (b"line 997\nline 998\nline 999\n", b"") == (only.stdout, only.stderr)
    assert b"" == cli.run("logs", "--tail", "0", numbered).stdout
    assert LINES == cli.run("logs", "--tail", "5000", numbered).stdout
    assert (
        b"line 999\n" == cli.run("logs", "--tail", "5000", "--offset", str(len(LINES) - 4), numbered).stdout
    )


def test_a_long_log_has_last_lines_too(cli: CommandLine) -> None:
    text = "head -c 1000000 /dev/zero | tr '\\0' a; echo; head -c 300000 /dev/zero | tr '\\0' b"
    command_id = cli.detach(text)
    cli.ok("attach", "-q", command_id)
    assert b"b" * 300_000 == cli.ok("logs", "--tail", "1", command_id)
    assert b"a" * 1_000_000 + b"\n" + b"b" * 300_000 == cli.ok("logs", "--tail", "2", command_id)


def test_one_channel_alone(cli: CommandLine, numbered: str) -> None:
    assert b"oops\n" == cli.run("logs", "--channel", "stderr", numbered).stderr
    assert b"" == cli.run("logs", "--channel", "stderr", numbered).stdout


def test_a_log_as_json_is_its_chunks(cli: CommandLine, numbered: str) -> None:
    events = [json.loads(line) for line in cli.ok("logs", "--json", numbered).splitlines()]
    chunks = [one for one in events if one["event"] == "command/output"]
    assert LINES.decode() == "".join(one["data"] for one in chunks if one["channel"] == "stdout")
    assert "completed" == events[-1]["status"]


def test_without_follow_it_ends_where_the_log_ends_now(cli: CommandLine, talker: str) -> None:
    assert b"started\n" == cli.ok("logs", talker)
    assert b"ted\n" == cli.ok("logs", "--offset", "4", talker)
    assert b"" == cli.ok("logs", "--offset", "8", talker)


def test_with_follow_it_goes_on_to_the_commands_end(cli: CommandLine, talker: str) -> None:
    process = cli.start("logs", "-f", talker)
    read_until(process.stdout, b"started\n")
    cli.ok("stop", talker)
    result = finish(process)
    assert (0, b"", b"") == (result.returncode, result.stdout, result.stderr)


def test_two_follow_and_one_gives_input(cli: CommandLine, talker: str) -> None:
    first = cli.start("logs", "-f", talker)
    read_until(first.stdout, b"started\n")
    second = cli.start("attach", talker)
    read_until(second.stdout, b"started\n")
    assert second.stdin is not None
    second.stdin.write(b"hello\n")
    read_until(second.stdout, b"got hello\n")
    read_until(first.stdout, b"got hello\n")
    second.send_signal(signal.SIGINT)
    result = finish(second)
    assert 0 == result.returncode
    assert f"daytona-rpc attach {talker}".encode() in result.stderr
    first.send_signal(signal.SIGINT)
    assert -signal.SIGINT == finish(first).returncode
    assert [talker] == cli.running()


def test_attach_shows_the_last_lines_and_ends_with_the_commands_code(cli: CommandLine) -> None:
    command_id = cli.detach("seq 100; read -r line; exit 9")
    cli.wait_log(command_id, b"100\n")
    result = cli.run("attach", command_id, input=b"go\n")
    assert (9, b"".join(b"%d\n" % number for number in range(91, 101))) == (result.returncode, result.stdout)


def test_attach_does_not_end_the_input_of_what_was_there_before(cli: CommandLine, talker: str) -> None:
    process = cli.start("attach", talker)
    assert process.stdin is not None
    for word in (b"one", b"two"):
        other = cli.start("attach", "--tail", "0", talker)
        assert other.stdin is not None
        other.stdin.write(word + b"\n")
        other.stdin.close()
        other.stdin = None
        read_until(process.stdout, b"got " + word + b"\n")
    assert [talker] == cli.running()


def test_attach_follows_over_a_killed_server(cli: CommandLine, talker: str) -> None:
    process = cli.start("attach", talker)
    read_until(process.stdout, b"started\n")
    (server,) = cli.servers()
    os.kill(server, signal.SIGKILL)
    cli.ok("stop", talker)
    result = finish(process)
    assert (143, b"", b"") == (result.returncode, result.stdout, result.stderr)


def test_no_such_command_is_one_line(cli: CommandLine) -> None:
    for command in ("logs", "stop"):
        result = cli.run(command, "cmd-nowhere")
        assert (1, b"daytona-rpc: no command cmd-nowhere\n") == (result.returncode, result.stderr)
    assert 125 == cli.run("attach", "../etc").returncode


def test_a_prefix_of_several_says_which(cli: CommandLine, numbered: str) -> None:
    cli.ok("run", "--", "true")
    result = cli.run("logs", "cmd-")
    assert 1 == result.returncode
    assert result.stderr.startswith(b"daytona-rpc: cmd- is the beginning of ")
    assert 1 == result.stderr.count(b"\n")


def test_a_reader_that_has_enough_is_no_error(cli: CommandLine, numbered: str) -> None:
    result = cli.shell(f"daytona-rpc logs {numbered} | head -1; echo ${{PIPESTATUS[0]}}")
    assert result.stdout in (b"line 0\n141\n", b"line 0\n0\n")  # as it had written all by then, or not

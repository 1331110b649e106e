"""Signals to `run` reach the command, and a server that vanishes is no reason to end."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.cli.commandline import CommandLine, finish, read_until
from tests.harness import eventually


def test_an_interrupt_is_the_commands(cli: CommandLine) -> None:
    process = cli.start("run", "--", "echo ready; exec sleep 60")
    read_until(process.stdout, b"ready")
    process.send_signal(signal.SIGINT)
    assert 130 == finish(process).returncode


def test_a_command_may_make_something_of_an_interrupt(cli: CommandLine) -> None:
    process = cli.start(
        "run", "--", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done"
    )
    read_until(process.stdout, b"ready")
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert (5, b"caught\n") == (result.returncode, result.stdout.lstrip(b"\n"))


def test_a_second_interrupt_stops_it(cli: CommandLine) -> None:
    process = cli.start("run", "--", "trap 'echo caught' INT; echo ready; while :; do sleep 0.05; done")
    read_until(process.stdout, b"ready")
    process.send_signal(signal.SIGINT)
    read_until(process.stdout, b"caught")
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert 143 == result.returncode
    assert b"daytona-rpc: stopping the command; it is killed in 5 s\n" == result.stderr


def test_a_third_interrupt_leaves_it_to_its_end(cli: CommandLine) -> None:
    text = "trap 'echo int' INT; trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done"
    process = cli.start("run", "--", text)
    for word in (b"ready", b"int", b"term"):
        read_until(process.stdout, word)
        process.send_signal(signal.SIGINT)
    assert 130 == finish(process).returncode
    eventually(lambda: not cli.running(), 15)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
def test_it_takes_the_command_with_it(cli: CommandLine, number: signal.Signals, code: int) -> None:
    process = cli.start("run", "--", "echo ready; exec sleep 60")
    read_until(process.stdout, b"ready")
    process.send_signal(number)
    assert code == finish(process).returncode
    eventually(lambda: not cli.running())


def test_an_interrupt_before_anything_runs_ends_it_soon(cli: CommandLine) -> None:
    process = cli.start("run", "--", "exec sleep 60")
    eventually(cli.servers)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (130, -signal.SIGINT)  # as the command was started by then, or not


def test_an_interrupt_takes_a_waiting_command_out_of_the_queue(cli: CommandLine) -> None:
    first = cli.start("run", "--session", "queue", "--", "echo first; read -r line")
    read_until(first.stdout, b"first")
    second = cli.start("run", "--session", "queue", "--", "echo second")
    eventually(lambda: len(cli.running()) == 2)
    second.send_signal(signal.SIGINT)
    assert (130, b"") == (finish(second).returncode, b"")
    assert first.poll() is None
    finish(first, b"\n")


def test_a_killed_server_is_not_noticed(cli: CommandLine) -> None:
    process = cli.start("run", "--", "echo one; read -r line; echo $line; read -r line; echo $line; exit 6")
    read_until(process.stdout, b"one\n")
    (server,) = cli.servers()
    os.kill(server, signal.SIGKILL)
    assert process.stdin is not None
    eventually(lambda: cli.servers() not in ([], [server]))
    process.stdin.write(b"two\n")
    read_until(process.stdout, b"two\n")
    result = finish(process, b"three\n")
    assert (6, b"three\n", b"") == (result.returncode, result.stdout, result.stderr)


def test_no_byte_is_lost_or_doubled_when_a_server_dies_in_mid_stream(cli: CommandLine) -> None:
    count = 300_000
    process = cli.start("run", "--", f"seq {count}")
    begin = read_until(process.stdout, b"\n1000\n")
    (server,) = cli.servers()
    os.kill(server, signal.SIGKILL)
    result = finish(process)
    expected = b"".join(b"%d\n" % number for number in range(1, count + 1))
    assert (0, b"") == (result.returncode, result.stderr)
    assert expected == begin + result.stdout


def test_a_server_that_vanishes_again_is_one_line_and_125(cli: CommandLine) -> None:
    process = cli.start("run", "--", "echo one; exec sleep 60")
    read_until(process.stdout, b"one\n")
    (command_id,) = cli.running()
    before: list[int] = []
    for _ in range(2):
        (server,) = eventually(lambda: [pid for pid in cli.servers() if pid not in before])
        before.append(server)
        _wait_until_it_follows(cli, server)
        os.kill(server, signal.SIGKILL)
    result = finish(process)
    line = f"daytona-rpc: the server ended by signal 9; see daytona-rpc attach {command_id}\n"
    assert (125, line.encode()) == (result.returncode, result.stderr)
    assert [command_id] == cli.running()
    cli.ok("stop", command_id)


def _wait_until_it_follows(cli: CommandLine, server: int) -> None:
    """Wait until a server is connected to the session's host."""

    def connected() -> bool:
        try:
            links = [os.readlink(f"/proc/{server}/fd/{fd}") for fd in os.listdir(f"/proc/{server}/fd")]
        except FileNotFoundError:
            return False
        return sum(link.startswith("socket:") for link in links) > 1

    eventually(connected)


def test_a_server_that_cannot_start_is_one_line_and_125(cli: CommandLine) -> None:
    began = time.monotonic()
    result = cli.run("run", "--state-dir", "/dev/null", "--", "true")
    assert (125, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))
    assert b"/dev/null" in result.stderr
    assert time.monotonic() - began < 20


def test_a_reader_that_pauses_does_not_keep_an_interrupt_out(cli: CommandLine) -> None:
    process = cli.start("run", "--", "exec yes")
    read_until(process.stdout, b"y\n" * 1000)
    eventually(lambda: _is_asleep(process))
    process.send_signal(signal.SIGINT)
    eventually(lambda: not cli.running())
    assert 130 == finish(process).returncode


def _is_asleep(process: subprocess.Popen[bytes]) -> bool:
    with open(f"/proc/{process.pid}/stat") as file:
        return file.read().split()[2] == "S"

"""Starting a process: its descriptors, its terminal, its group, and what its end means."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc.host import process
from daytona_rpc.host.pipes import Input, Sink
from daytona_rpc.host.process import Process
from tests.unit.driven import DrivenLoop

ENV = {"PATH": os.environ["PATH"], "NAME": "v\u00e4lue"}
WAIT = "echo ready; while :; do sleep 0.01; done"
LIBC = 0b11 << 31  # the signals 32 and 33 belong to the C library
Start = Callable[..., Process]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a process leaves the host in `/`; the test process comes back from there."""
    monkeypatch.chdir(os.getcwd())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program; what is left of it and its descriptors at the end is ended and closed."""
    before = descriptors()
    started: list[Process] = []

    def begin(*argv: str, cwd: str = str(tmp_path), **options: Any) -> Process:
        found = process.start(list(argv), ENV, cwd, **options)
        started.append(found)
        return found

    yield begin
    for found in started:
        try:
            os.killpg(found.pid, signal.SIGKILL)
            os.waitpid(found.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        for fd in {*found.outputs, found.stdin} - {-1}:
            os.close(fd)
    assert before == descriptors()


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def shell(start: Start, text: str, **options: Any) -> Process:
    return start("/bin/sh", "-c", text, **options)


def output(found: Process) -> dict[int, bytes]:
    """What it writes to each channel, to its end; its descriptors are closed then."""
    data = dict.fromkeys(found.outputs.values(), b"")
    for fd, channel in list(found.outputs.items()):
        os.set_blocking(fd, True)
        try:
            while part := os.read(fd, 65536):
                data[channel] += part
        except OSError:
            pass  # a terminal that nobody holds open any more
        del found.outputs[fd]
        if found.stdin == fd:
            found.stdin = -1
        os.close(fd)
    return data


def ended(found: Process) -> tuple[int | None, str | None]:
    return process.outcome(os.waitpid(found.pid, 0)[1])


# Pipes


def test_each_output_has_its_channel_and_input_is_at_its_end(start: Start) -> None:
    found = shell(start, "echo out; echo error >&2; cat; exit 3")
    assert {0: b"out\n", 1: b"error\n"} == output(found)
    assert (3, None) == ended(found)


def test_input_that_stays_open_is_read_as_it_is_written(start: Start) -> None:
    found = shell(start, "read line; echo got $line; cat", stdin=True)
    os.write(found.stdin, b"one\ntwo\n")
    os.close(found.stdin)
    found.stdin = -1
    assert {0: b"got one\ntwo\n", 1: b""} == output(found)


def test_it_gets_its_directory_and_exactly_its_environment(start: Start, tmp_path: Path) -> None:
    os.environ["NOT_INHERITED"] = "1"
    try:
        found = start("/usr/bin/env")
        assert "".join(f"{name}={value}\n" for name, value in ENV.items()).encode() == output(found)[0]
    finally:
        del os.environ["NOT_INHERITED"]
    assert f"{tmp_path}\n".encode() == output(shell(start, "pwd -P"))[0]


def test_it_inherits_no_other_descriptor(start: Start) -> None:
    inherited = {fd for fd in map(int, descriptors()) if fd < 3 or _inheritable(fd)}
    for found in (shell(start, "ls /proc/self/fd", stdin=True), shell(start, "ls /proc/self/fd")):
        folder = {int(fd) for fd in output(found)[0].split()} - inherited  # the one that `ls` reads
        assert 1 == len(folder)


def _inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False  # that of the listing itself


def test_it_leads_a_process_session_and_has_the_signals_of_a_fresh_process(start: Start) -> None:
    found = start("/bin/cat", "/proc/self/status", "/proc/self/stat")
    text = output(found)[0].decode()
    stat = text.splitlines()[-1].rpartition(")")[2].split()
    assert [str(found.pid)] * 2 == stat[2:4]  # its process group and its session
    lines = (line.split() for line in text.splitlines() if line.startswith(("SigBlk", "SigIgn")))
    masks = {name: int(mask, 16) & ~LIBC for name, mask in lines}
    assert {"SigBlk:": 0, "SigIgn:": 0} == masks


# A terminal


def test_on_a_terminal_all_is_one_channel_of_the_size_asked_for(start: Start) -> None:
    found = shell(start, "stty size; tty >/dev/null && echo a terminal; echo error >&2", tty=(132, 43))
    assert {2: b"43 132\r\na terminal\r\nerror\r\n"} == output(found)


def test_the_terminal_controls_the_process(start: Start) -> None:
    found = shell(start, f"trap 'echo interrupted; exit 5' INT; {WAIT}", tty=(80, 24))
    os.set_blocking(found.stdin, True)
    assert b"ready\r\n" == os.read(found.stdin, 100)
    os.write(found.stdin, b"\x03")
    assert b"interrupted" in output(found)[2]
    assert (5, None) == ended(found)


def test_a_new_size_is_told_to_who_runs_on_the_terminal(start: Start) -> None:
    found = shell(start, f"trap 'stty size; exit' WINCH; {WAIT}", tty=(80, 24))
    os.set_blocking(found.stdin, True)
    assert b"ready\r\n" == os.read(found.stdin, 100)
    process.set_size(found.stdin, 100, 50)
    assert (50, 100) == struct.unpack("HHHH", fcntl.ioctl(found.stdin, termios.TIOCGWINSZ, bytes(8)))[:2]
    assert b"50 100\r\n" == output(found)[2]


# What cannot be started


@pytest.mark.parametrize("options", [{}, {"stdin": True}, {"tty": (80, 24)}], ids=str)
def test_what_cannot_be_started_names_what_is_at_fault_and_leaves_nothing_open(
    start: Start, tmp_path: Path, options: dict[str, Any]
) -> None:
    plain = tmp_path / "plain"
    plain.write_text("text")
    for argv, cwd, fault in (
        (["/no/such/program"], str(tmp_path), "/no/such/program"),
        ([str(plain)], str(tmp_path), str(plain)),
        ([str(tmp_path)], str(tmp_path), str(tmp_path)),
        (["/bin/true"], "/no/such/directory", "/no/such/directory"),
        (["/bin/true"], str(plain), str(plain)),
    ):
        with pytest.raises(OSError, match=r".") as caught:
            start(*argv, cwd=cwd, **options)
        assert fault == caught.value.filename


# Its end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exit 0", (0, None)),
        ("exit 255", (255, None)),
        ("kill -KILL $$", (None, "SIGKILL")),
        ("kill -TERM $$", (None, "SIGTERM")),
        ("kill -40 $$", (None, "SIG40")),
    ],
)
def test_an_end_is_an_exit_code_or_a_signal(
    start: Start, text: str, expected: tuple[int | None, str | None]
) -> None:
    assert expected == ended(shell(start, text))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SIGINT", signal.SIGINT),
        ("INT", signal.SIGINT),
        ("int", signal.SIGINT),
        ("2", signal.SIGINT),
        ("SIGRTMIN", signal.SIGRTMIN),
        ("40", 40),
        ("0", None),
        ("-2", None),
        ("999", None),
        ("9" * 5000, None),
        ("", None),
        ("SIG", None),
        ("SIGSIGINT", None),
        ("_DFL", None),
        ("SIG_DFL", None),
        ("NSIG", None),
        ("\u00b2", None),
        ("\u0662", None),
        ("IN T", None),
    ],
)
def test_a_signal_is_named_with_or_without_its_prefix_or_numbered(name: str, expected: int | None) -> None:
    assert expected == process.signal_number(name)


@pytest.mark.parametrize("number", range(1, signal.NSIG))
def test_the_name_of_a_signal_leads_back_to_it_where_it_has_one(number: int) -> None:
    name = process.signal_name(number)
    assert number == process.signal_number(name if name in signal.Signals.__members__ else str(number))


# What it is given, and what nobody reads


def test_input_is_taken_at_once_up_to_a_bound_and_then_as_it_is_read(loop: DrivenLoop) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    taken: list[int] = []
    given = Input(loop, write, terminal=False)
    blocks = [bytes([number]) * (400 << 10) for number in range(5)]
    for number, block in enumerate(blocks):
        given.write(block, lambda number=number: taken.append(number))
    assert [0, 1] == taken
    given.end()
    got = bytearray()
    os.set_blocking(read, False)

    def read_on() -> bool:
        try:
            part = os.read(read, 65536)
        except BlockingIOError:
            return False
        got.extend(part)
        return not part

    loop.until(read_on)
    os.close(read)
    assert b"".join(blocks) == got
    assert [0, 1, 2, 3, 4] == taken


def test_input_that_nobody_reads_any_more_is_acknowledged_and_dropped(loop: DrivenLoop) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    taken: list[int] = []
    given = Input(loop, write, terminal=False)
    for number in range(4):
        given.write(b"x" * (1 << 20), lambda number=number: taken.append(number))
    assert 4 > len(taken)
    os.close(read)
    loop.until(lambda: len(taken) == 4)
    given.write(b"x", lambda: taken.append(4))
    given.write(b"", lambda: taken.append(5))
    given.end()
    given.close()
    assert [0, 1, 2, 3, 4, 5] == taken


def test_a_sink_reads_to_the_end_and_closes(loop: DrivenLoop, start: Start) -> None:
    before = Sink.alive
    found = start(sys.executable, "-c", "print('x' * 1_000_000); import sys; sys.exit(4)")
    for fd in list(found.outputs):
        del found.outputs[fd]
        Sink(loop, fd)
    assert before + 2 == Sink.alive
    loop.until(lambda: Sink.alive == before)

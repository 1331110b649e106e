"""The command line as a user has it: arguments, streams, exit codes, and a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.harness import eventually
from tests.machine import Machine

PROGRAM = (sys.executable, "-m", "daytona_rpc")
TIMEOUT_S = 40.0
Result = subprocess.CompletedProcess[bytes]


class CommandLine:
    """Runs `daytona-rpc` on a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, *args: str, env: Mapping[str, str] | None = None, **options: Any) -> Result:
        """Run it to its end; without `input` or `stdin` its input is empty."""
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("cwd", self.machine.work)
        return subprocess.run(
            [*PROGRAM, *args], capture_output=True, timeout=TIMEOUT_S, env=self.env(env), **options
        )

    def ok(self, *args: str, **options: Any) -> bytes:
        """Run it to its end, which has to be a good and quiet one; its stdout."""
        result = self.run(*args, **options)
        assert (0, b"") == (result.returncode, result.stderr), result
        return result.stdout

    def json(self, *args: str) -> list[dict[str, Any]]:
        """The objects that it prints with `--json`, one a line."""
        return [json.loads(line) for line in self.run(*args, "--json").stdout.splitlines()]

    def start(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start it, with pipes."""
        process = subprocess.Popen(
            [*PROGRAM, *args],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env(options.pop("env", None)),
            cwd=self.machine.work,
            **options,
        )
        self.processes.append(process)
        return process

    def shell(self, text: str, shell: str = "bash") -> Result:
        """Run shell text in which `daytona-rpc` is a command."""
        return subprocess.run(
            [shell, "-c", text],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env=self.env(None),
            cwd=self.machine.work,
        )

    def detach(self, *args: str) -> str:
        """Run a command with `--detach`; its id."""
        *options, text = args
        return self.ok("run", "--detach", *options, "--", text).decode().strip()

    def wait_log(self, command_id: str, part: bytes) -> None:
        """Wait until a command has written something."""
        process = self.start("logs", "-f", command_id)
        read_until(process.stdout, part)
        process.kill()
        process.wait(TIMEOUT_S)

    def running(self) -> list[str]:
        """The ids of the commands that are queued or running, as the disk has it."""
        return sorted(path.stem for path in self.machine.state.glob("sessions/*/active/*.json"))

    def servers(self) -> list[int]:
        return [pid for pid, argv in self.machine.processes().items() if "--stdio" in argv]

    def env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{self.machine.env['PATH']}"
        return {**self.machine.env, "PATH": path, **(more or {})}

    def tidy(self) -> None:
        """End what the test has left running of the command line; no command may be left."""
        for process in self.processes:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            if process.poll() is None:
                process.kill()
            process.wait(TIMEOUT_S)
        self.processes.clear()
        eventually(lambda: not self.running(), what=f"commands left: {self.running()}")
        eventually(lambda: not self.servers(), what="servers left")


def read_until(stream: IO[bytes] | None, part: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
    """Read from a pipe until something has come."""
    assert stream is not None
    found, deadline = b"", time.monotonic() + timeout_s
    while part not in found:
        left = deadline - time.monotonic()
        assert left > 0, f"{part!r} is not in {found!r}"
        if not select.select([stream], [], [], left)[0]:
            continue
        data = os.read(stream.fileno(), 65536)
        assert data, f"ended without {part!r}: {found!r}"
        found += data
    return found


def finish(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Result:
    """Give the last input and wait for the end."""
    out, err = process.communicate(stdin, TIMEOUT_S)
    return Result(process.args, process.returncode, out, err)


class Screen:
    """A terminal of its own with a program on it."""

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: Path, size: tuple[int, int]) -> None:
        self._master, self._terminal = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self._terminal)
        self.text = ""
        self.process = subprocess.Popen(
            argv,
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={"TERM": "xterm", **env},
            cwd=cwd,
        )

    def resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def until_raw(self) -> None:
        """Wait until the program has made the terminal raw."""
        eventually(lambda: not termios.tcgetattr(self._terminal)[3] & termios.ISIG)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, pattern: str) -> str:
        """What came on the screen up to the pattern, which is taken off."""
        deadline = time.monotonic() + TIMEOUT_S
        while (match := re.search(pattern, self.text)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} is not in {self.text!r}"
            if not self._read(left):
                raise AssertionError(f"{pattern!r} is not in {self.text!r}, and the program has ended")
        found, self.text = self.text[: match.end()], self.text[match.end() :]
        return found

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._master], [], [], min(timeout_s, 0.1))[0]:
            return self.process.poll() is None
        self.text += os.read(self._master, 65536).decode()
        return True

    def wait(self) -> tuple[int, str]:
        """The exit code, and the rest of what came on the screen; the terminal has to be as it was."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read(1):
            assert time.monotonic() < deadline, f"it goes on: {self.text!r}"
        assert self.before == termios.tcgetattr(self._terminal)
        return self.process.wait(), self.text

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)
        os.close(self._master)
        os.close(self._terminal)

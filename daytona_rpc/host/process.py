"""Starting one process: its pipes or its terminal, its group, and what its end means.

`posix_spawn` starts it without copying the host, reports a missing program as an exception, and needs
no `subprocess`. Each process leads a process session of its own, so that a signal to its group reaches
all that it started and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import struct
import termios
from typing import Any, Mapping

_own_descriptor_limit: tuple[int, int] | None = None

PIPE_BYTES = 256 << 10  # room for a burst: fewer turns for a flood; the system may grant less
_F_SETPIPE_SZ = 1031
_RESET = [
    getattr(signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGTTOU", "SIGTTIN")
    if hasattr(signal, name)
]

Env = Mapping[str, str]


class Process:
    """A started process: its id, where its output comes from and where its input goes."""

    def __init__(self, pid: int, outputs: dict[int, int], stdin: int) -> None:
        self.pid = pid
        self.outputs = outputs
        """Descriptors to read from, each with its channel (an index into `log.CHANNELS`)."""
        self.stdin = stdin
        """The descriptor to write input to, or -1."""


def start(
    argv: list[str], env: Env, cwd: str, *, tty: tuple[int, int] | None = None, stdin: bool = False
) -> Process:
    """Start a program in a directory, with pipes, or on a terminal of its own.

    Args:
        argv: the program, by its path, and its arguments.
        tty: columns and rows of the terminal, or None for pipes.
        stdin: whether its input stays open; else it reads the end of file at once.

    Raises:
        OSError: it cannot be started; `filename` is the directory or the program at fault.
    """
    os.chdir(cwd)  # the host has one thread, and uses only absolute paths itself
    try:
        return _start_on_tty(argv, env, tty) if tty else _start_on_pipes(argv, env, stdin)
    finally:
        os.chdir("/")


def raise_descriptor_limit() -> None:
    """Allow the host all the descriptors it may have; commands keep the limit their user set."""
    global _own_descriptor_limit
    if hasattr(resource, "prlimit"):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        _own_descriptor_limit = (soft, hard)


def _spawn(argv: list[str], env: Env, actions: list[tuple[Any, ...]]) -> int:
    try:
        pid = os.posix_spawn(
            argv[0], argv, env, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_RESET
        )
    except OSError as error:
        raise OSError(error.errno, error.strerror, argv[0]) from None
    if _own_descriptor_limit is not None:
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, _own_descriptor_limit)
        except (ProcessLookupError, PermissionError):
            pass  # it has ended, or became another user's
    return pid


def _start_on_pipes(argv: list[str], env: Env, stdin: bool) -> Process:
    opened: list[int] = []
    try:
        out_read, out_write = _pipe(opened)
        err_read, err_write = _pipe(opened)
        actions: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_DUP2, out_write, 1),
            (os.POSIX_SPAWN_DUP2, err_write, 2),
        ]
        in_write = -1
        if stdin:
            in_read, in_write = os.pipe()
            opened += (in_read, in_write)
            actions.append((os.POSIX_SPAWN_DUP2, in_read, 0))
        else:
            actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0))
        pid = _spawn(argv, env, actions)
        keep = {out_read, err_read, in_write}
    except BaseException:
        keep = set()
        raise
    finally:
        for fd in opened:
            if fd not in keep:
                os.close(fd)
    for fd in keep:
        if fd >= 0:
            os.set_blocking(fd, False)
    return Process(pid, {out_read: 0, err_read: 1}, in_write)


def _pipe(opened: list[int]) -> tuple[int, int]:
    read, write = os.pipe()
    opened += (read, write)
    try:
        fcntl.fcntl(read, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # the user's pages for pipes are used up, or this is not Linux
    return read, write


def _start_on_tty(argv: list[str], env: Env, size: tuple[int, int]) -> Process:
    master, slave = os.openpty()
    try:
        set_size(master, *size)
        # Opened by the leader of a new process session, it becomes its controlling terminal.
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
        pid = _spawn(argv, env, actions)
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    return Process(pid, {master: 2}, master)


def set_size(terminal: int, cols: int, rows: int) -> None:
    """Tell a terminal its size; the system sends SIGWINCH to who runs on it."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def outcome(status: int) -> tuple[int | None, str | None]:
    """The exit code and the name of the signal in a wait status; one of them is None."""
    if os.WIFSIGNALED(status):
        return None, signal_name(os.WTERMSIG(status))
    return os.WEXITSTATUS(status), None


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"  # real-time signals have no name of their own


def signal_number(name: str) -> int | None:
    """The number of a signal given as `SIGINT`, `INT` or `2`; None for no such signal."""
    text = name.upper()
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) < 4 else 0
        return number if 0 < number < signal.NSIG else None
    found = signal.Signals.__members__.get(text if text.startswith("SIG") else "SIG" + text)
    return int(found) if found is not None else None

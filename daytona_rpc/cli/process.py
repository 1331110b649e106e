"""A server's process: started over pipes, watched, and left alone in the end."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

from daytona_rpc.cli.failure import ServerGone

_PIPE_BYTES = 1 << 20
_END_WITHIN_S = 2.0
_LAST_WORDS_BYTES = 4096


class Process:
    """A server that was started with the given options, and our ends of its pipes, which never block."""

    def __init__(self, options: list[str]) -> None:
        """Start it.

        Raises:
            ServerGone: it cannot be started.
        """
        self.input, self.output, self.errors, self._pid = _spawn(options)
        self._last_words = b""

    def read_errors(self) -> None:
        """Keep the last of what it wrote on its stderr: mostly nothing."""
        with suppress(BlockingIOError):
            while data := os.read(self.errors, _LAST_WORDS_BYTES):
                self._last_words = (self._last_words + data)[-_LAST_WORDS_BYTES:]

    def obituary(self) -> str:
        """How it ended, and its last words, as far as can be seen."""
        status = self._reap(_END_WITHIN_S)
        self.read_errors()
        lines = self._last_words.decode("utf-8", "replace").strip().splitlines()
        if status and status < 0:
            return f" by signal {-status}"
        return f": {lines[-1]}" if lines else " (daytona-rpc doctor may say why)"

    def close(self, wait_s: float = 0.0) -> None:
        """Leave it: it ends when its input does."""
        for fd in (self.input, self.output, self.errors):
            if fd >= 0:
                os.close(fd)
        self.input = self.output = self.errors = -1
        self._reap(wait_s)

    def _reap(self, timeout_s: float) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        end = time.monotonic() + timeout_s
        while self._pid:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= end:
                break
            time.sleep(0.002)
        return None


def _spawn(options: list[str]) -> tuple[int, int, int, int]:
    """Start a server; its stdin, stdout and stderr, and its process id."""
    # `-P`: a file of the current directory must not stand in for a module of ours.
    argv = [sys.executable, "-P", "-m", "daytona_rpc", "--stdio", *options]
    _keep_to_ourselves()
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((in_read, out_write, err_write))]
    try:
        # A process session of its own: Ctrl-C on our terminal is not meant for it.
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setsid=True)
    except OSError as error:
        raise ServerGone(f"the server cannot be started: {error.strerror}") from error
    finally:
        for fd in (in_read, out_write, err_write):
            os.close(fd)
    for fd in (in_write, out_read, err_read):
        os.set_blocking(fd, False)
    _widen(out_read)
    return in_write, out_read, err_read, pid


def _keep_to_ourselves() -> None:
    """Hand on no descriptor that our caller left open: hosts live long, and a lock would live with them."""
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            if int(name) > 2:
                with suppress(OSError):  # the one that listed them
                    os.set_inheritable(int(name), False)


def _widen(pipe: int) -> None:
    """Let more fit into a pipe, so that long logs need fewer turns."""
    import fcntl

    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

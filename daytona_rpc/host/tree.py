"""Finding and ending every process of a command, also those that left its process group.

A process belongs to a command when it is in its process session, descends from one that is, or carries
the command's marks in its environment, which children inherit even when they double-fork. What takes
off the marks, leaves the session and loses its parent is out of reach of an ordinary user's process.
"""

from __future__ import annotations

import os
import signal
from typing import Callable

from .loop import Loop, Timer

SESSION_MARK = "DAYTONA_RPC_SESSION_DIR"
COMMAND_MARK = "DAYTONA_RPC_COMMAND_ID"

_PR_SET_CHILD_SUBREAPER = 36
_AGAIN_FIRST_S, _AGAIN_SLOWEST_S = 0.05, 0.5  # for what was started meanwhile, or cannot be watched
_AFTER_KILL_S = 2.0  # a killed process that is not gone by then hangs in the kernel


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that those that end are reaped.

    Where the first process of a container reaps nothing they would stay in the process table for ever.
    """
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # not Linux


def marks(directory: str, command_id: str | None = None) -> list[bytes]:
    """The environment entries all processes of a session, or of one command in it, carry."""
    found = [f"{SESSION_MARK}={directory}".encode("utf-8", "surrogateescape")]
    if command_id is not None:
        found.append(f"{COMMAND_MARK}={command_id}".encode())
    return found


def members(leader: int | None, wanted: list[bytes]) -> list[int]:
    """The live processes (no zombies) of the session led by `leader`, its descendants, and the marked.

    Where there is no /proc, only the leader itself is known.
    """
    table: dict[int, tuple[int, int]] = {}  # pid -> parent, session
    try:
        names = os.listdir("/proc")
    except OSError:
        return [leader] if leader is not None and _alive(leader) else []
    for name in names:
        if name.isdigit():
            fields = _stat(name)
            if fields is not None:
                table[int(name)] = fields
    own = os.getpid()
    found = {pid for pid, (_, session) in table.items() if leader is not None and session == leader}
    found.update(pid for pid in table if pid not in found and pid != own and _marked(pid, wanted))
    grew = True
    while grew:
        children = {pid for pid, (parent, _) in table.items() if parent in found} - found
        found |= children
        grew = bool(children)
    found.discard(own)
    return sorted(found)


def _stat(pid: str) -> tuple[int, int] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(1024).rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else (int(fields[1]), int(fields[3]))


def _marked(pid: int, wanted: list[bytes]) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            entries = file.readall()
    except OSError:
        return False
    return all(mark in entries for mark in wanted) and set(wanted) <= set(entries.split(b"\0"))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def send(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def _program(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:
            return file.read(64)
    except OSError:
        return b""


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


class Ending:
    """Ends a set of processes, gently first, and says when they are gone.

    TERM goes once to each process that `find` gives; what is still there after the grace is killed.
    `find` is asked again until it gives nothing, so that processes started meanwhile are ended too.
    `group` is a process group among them: it gets its TERM as one, which no fork can slip through.

    A process that runs another program than when it got its TERM gets it again: what a shell has just
    forked swallows signals up to its exec, with the handlers of the shell.
    """

    def __init__(
        self,
        loop: Loop,
        find: Callable[[], list[int]],
        grace_s: float,
        done: Callable[[], None],
        group: int | None = None,
    ) -> None:
        self._loop = loop
        self._find = find
        self._done = done
        self._told: dict[int, bytes] = {}  # pid -> the program it ran when it got its TERM
        self._watched: dict[int, int] = {}  # pid -> pidfd, or -1
        self._killing = False
        self._finished = False
        self._again_s = _AGAIN_FIRST_S
        self._again: Timer | None = None
        self._timer = loop.call_later(grace_s, self.kill)
        found = find()
        if group is not None:
            self._told = {pid: _program(pid) for pid in found if _group_of(pid) == group}
            for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process would not see the TERM
                try:
                    os.killpg(group, number)
                except (ProcessLookupError, PermissionError):
                    pass
        self._reach(found)

    def kill(self) -> None:
        """Stop being gentle."""
        if self._finished:
            return
        if not self._killing:
            self._killing = True
            self._timer.cancel()
            self._timer = self._loop.call_later(_AFTER_KILL_S, self._finish)
        self._round()

    def _round(self) -> None:
        if not self._finished:
            self._reach(self._find())

    def _reach(self, found: list[int]) -> None:
        """Tell each of them to end, or see that there are none left."""
        if not found:
            self._finish()
            return
        if self._killing:
            send(found, signal.SIGKILL)
        else:
            running = {pid: _program(pid) for pid in found}
            fresh = [pid for pid, program in running.items() if self._told.get(pid) != program]
            self._told.update(running)
            send(fresh, signal.SIGTERM)
            send(fresh, signal.SIGCONT)
        for pid in found:
            if pid not in self._watched:
                self._watch(pid)
        if self._again is not None:
            self._again.cancel()
        self._again = self._loop.call_later(self._again_s, self._round)
        self._again_s = min(_AGAIN_SLOWEST_S, self._again_s * 2)

    def _watch(self, pid: int) -> None:
        try:
            fd = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self._watched[pid] = -1
            return
        self._watched[pid] = fd
        self._loop.add_reader(fd, lambda: self._gone(pid))

    def _gone(self, pid: int) -> None:
        self._unwatch(pid)
        if not self._watched:
            self._round()

    def _unwatch(self, pid: int) -> None:
        fd = self._watched.pop(pid)
        if fd >= 0:
            self._loop.remove_reader(fd)
            os.close(fd)

    def _finish(self) -> None:
        if self._finished:
            return
        self._finished = True
        self._timer.cancel()
        if self._again is not None:
            self._again.cancel()
        for pid in list(self._watched):
            self._unwatch(pid)
        self._done()

"""An examination of the state directory: its sessions and their hosts, and what was left half done.

Nothing is changed, and no server is needed. The layout is that of `host/paths.py`.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Iterator
from contextlib import suppress

from daytona_rpc import launcher
from daytona_rpc.cli.finding import Finding, ok, problem, warning
from daytona_rpc.host import paths, records

_AT_WORK_S = 60.0  # what is younger may be the work of somebody who has not finished
_HELLO_WITHIN_S = 2.0


def examine(state: str) -> Iterator[Finding]:
    """Look at all sessions and claims."""
    folder = paths.sessions_dir(state)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    yield from _sessions([os.path.join(folder, name) for name in names if paths.is_id(name)])
    yield from _drafts([os.path.join(folder, name) for name in names if not paths.is_id(name)])
    yield from _claims(state)


def _sessions(directories: list[str]) -> Iterator[Finding]:
    alive = 0
    for directory in directories:
        session_id = os.path.basename(directory)
        subject = f"session {session_id}"
        if records.read_session(directory) is None:
            yield warning(
                subject,
                "its record session.json is missing or damaged, so nobody can use it",
                "Nothing needs to be done: a server that starts, as doctor does too, removes it.",
            )
            continue
        yield from _damaged(subject, directory)
        if host_answers(directory):
            alive += 1
            continue
        active = records.active_ids(directory)
        if _is_locked(directory):
            pids = ", ".join(map(str, _processes(directory))) or "not found"
            yield problem(
                subject,
                f"its host lives but does not answer (process {pids})",
                "Wait a little; if it stays so, end that process: its commands are then marked lost.",
            )
        elif active:
            yield warning(
                subject,
                f"{_count(len(active), 'command')} recorded as running, but the host that ran them is gone",
                "The next server marks them lost: run daytona-rpc ps.",
                *active,
            )
        elif os.path.exists(os.path.join(directory, "sock")):
            yield warning(
                subject,
                "a socket without a host: its host was killed",
                "Nothing needs to be done: the next command in the session starts a new host.",
            )
    idle = len(directories) - alive
    yield ok("sessions", f"{alive} with a running host, {idle} without")


def host_answers(directory: str) -> bool:
    """Whether a host greets who connects to the session's socket."""
    connection = launcher.connect(directory)
    if connection is None:
        return False
    with connection:
        try:
            return bool(select.select([connection], [], [], _HELLO_WITHIN_S)[0] and connection.recv(1))
        except OSError:
            return False


def _is_locked(directory: str) -> bool:
    """Whether somebody holds the session's lock, as its host does while it lives."""
    try:
        fd = os.open(os.path.join(directory, "lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _processes(directory: str) -> list[int]:
    """The processes with the directory in their arguments: its host."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            with suppress(OSError):
                words = paths.read_file(f"/proc/{name}/cmdline").split(b"\0")
                if os.fsencode(directory) in words and int(name) != os.getpid():
                    found.append(int(name))
    return found


def _damaged(subject: str, directory: str) -> Iterator[Finding]:
    """Records that cannot be read."""
    known = set(records.active_ids(directory)) | set(records.final_ids(directory))
    damaged = [
        command_id
        for command_id in sorted(known)
        if records.read_command(directory, command_id) is None
        and _is_old(paths.command_dir(directory, command_id))
    ]
    if damaged:
        yield warning(
            subject,
            f"{_count(len(damaged), 'command')} without a readable record",
            "Their logs are in the session's directory under commands/; daytona-rpc rm removes the session.",
            *damaged,
        )


def _drafts(found: list[str]) -> Iterator[Finding]:
    old = [path for path in found if _is_old(path)]
    if old:
        yield warning(
            "leftovers",
            f"{_count(len(old), 'session')} half made or half removed",
            "A server that starts removes them when they are an hour old; you may remove them now.",
            *old,
        )


def _claims(state: str) -> Iterator[Finding]:
    """Claims on the ids of commands that are not there."""
    folder = os.path.join(state, "commands")
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    gone, strange = [], []
    for name in names:
        path = os.path.join(folder, name)
        if not paths.is_id(name) or not os.path.islink(path):
            strange.append(path)
            continue
        owner = _owner(state, name)
        if owner is None or (not _has_record(state, owner, name) and _is_old(path)):
            gone.append(path)
    if gone:
        yield warning(
            "leftovers",
            f"{_count(len(gone), 'claim')} on ids of commands that are not there",
            "They do no harm; you may remove them.",
            *gone,
        )
    if strange:
        yield warning(
            "leftovers",
            f"{_count(len(strange), 'file')} that are not ours among the claims",
            f"Move them out of {folder}.",
            *strange,
        )


def _owner(state: str, command_id: str) -> str | None:
    try:
        owner = paths.owner_of(state, command_id)
    except IndexError:  # a link to somewhere else
        return None
    return owner if owner is not None and paths.is_id(owner) else None


def _has_record(state: str, session_id: str, command_id: str) -> bool:
    return records.read_command(paths.session_dir(state, session_id), command_id) is not None


def _is_old(path: str) -> bool:
    try:
        return time.time() - os.lstat(path).st_mtime > _AT_WORK_S
    except OSError:
        return True


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

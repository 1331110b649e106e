"""What a dead host left behind, and what has grown old: on disk only, with the session's lock held."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time

from . import paths, records, tree
from .records import Record

RETENTION_S = 7 * 24 * 3600.0
LOST = "the session host ended unexpectedly"
NEVER_STARTED = "the session host ended before the command started"
_KILLED_WITHIN_S = 2.0


def setting(name: str, default: float) -> float:
    """A number from the environment; what is no positive number counts as not set."""
    try:
        value = float(os.environ[name])
    except (KeyError, ValueError):
        return default
    return value if value > 0 else default


def retention_s() -> float:
    """How long finished commands are kept."""
    return setting("DAYTONA_RPC_RETENTION_S", RETENTION_S)


def lock(directory: str) -> int | None:
    """Take the session's lock, which its host holds while it lives; None while somebody has it.

    The kernel releases it when the holder dies, however it dies, so it cannot be stale. Close the
    descriptor to release it.
    """
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return fd


def mark_lost(directory: str) -> list[Record]:
    """Give the commands a dead host was running an honest end; returns their final records."""
    found = []
    for command_id in records.active_ids(directory):
        record = records.read_command(directory, command_id)
        if record is None:
            paths.unlink(records.active_path(directory, command_id))
            continue
        if record["status"] not in records.FINAL:
            started = record["status"] == "running"
            record["status"] = "lost" if started else "failed"
            record["reason"] = LOST if started else NEVER_STARTED
            record["ready"] = None
            base, size = log_bounds(directory, command_id)
            record["truncatedBefore"], record["logSize"] = base, size
        records.write_final(directory, record)
        found.append(record)
    return found


def log_bounds(directory: str, command_id: str) -> tuple[int, int]:
    """The offsets of the oldest byte of a command's log and after its newest."""
    from .logreader import LogReader

    return LogReader(paths.command_dir(directory, command_id)).bounds()


def expire(directory: str, retention_s: float, now: float) -> int:
    """Remove the finished commands that ended longer ago than the retention; how many are left."""
    left = 0
    for command_id in records.final_ids(directory):
        ended = records.ended(directory, command_id)
        if ended is not None and now - ended > retention_s:
            paths.unlink(paths.claim_path(paths.state_dir_of(directory), command_id))
            paths.remove_tree(paths.command_dir(directory, command_id))
        else:
            left += 1
    return left


def is_over(session: Record, retention_s: float, now: float) -> bool:
    """Whether a session without commands may go: one made for a command, older than the retention."""
    return bool(session["auto"]) and now - records.seconds(session["createdAt"]) > retention_s


def end_leftovers(directory: str) -> None:
    """Kill the processes of a session without a host, and wait until they are gone."""
    marks = tree.marks(directory)
    give_up = time.monotonic() + _KILLED_WITHIN_S
    found = tree.members(None, marks)
    while found and time.monotonic() < give_up:
        tree.send(found, signal.SIGKILL)
        time.sleep(0.01)
        found = tree.members(None, marks)


def remove(directory: str) -> None:
    """Remove a session: the claims on its commands' ids, then all its files."""
    state_dir = paths.state_dir_of(directory)
    for command_id in set(records.final_ids(directory)) | set(records.active_ids(directory)):
        if paths.owner_of(state_dir, command_id) == os.path.basename(directory):
            paths.unlink(paths.claim_path(state_dir, command_id))
    # Out of the way first: the id is free at once, and a removal cut short leaves nothing half there.
    trash = os.path.join(os.path.dirname(directory), ".removed-" + os.urandom(8).hex())
    os.rename(directory, trash)
    paths.remove_tree(trash)

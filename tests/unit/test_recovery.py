"""What a dead host left behind gets an honest end, and what is old goes; nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc.host import paths, records, recovery, tree
from daytona_rpc.host.log import LogWriter

DAY_S = 24 * 3600.0
NOW = time.time()


@pytest.fixture
def session(tmp_path: Path) -> str:
    """The directory of a session in a state directory of its own."""
    state = str(tmp_path / "state")
    paths.make_state_dir(state)
    directory = paths.session_dir(state, "s")
    for name in ("", "active", "commands"):
        os.mkdir(os.path.join(directory, name))
    records.write_session(directory, records.new_session("s", "/", "/bin/sh", auto=False))
    return directory


def record(command_id: str, status: str, **fields: Any) -> dict[str, Any]:
    return {
        "commandId": command_id,
        "status": status,
        "reason": None,
        "exitCode": None,
        "createdAt": records.timestamp(NOW),
        "startedAt": None if status == "queued" else records.timestamp(NOW),
        "endedAt": records.timestamp(NOW) if status in records.FINAL else None,
        "logSize": 0,
        "truncatedBefore": 0,
        "ready": "waiting",
        **fields,
    }


def add_final(session: str, command_id: str, age_s: float, **fields: Any) -> None:
    """A finished command with a log and a claim on its id."""
    stamp = records.timestamp(NOW - age_s)
    paths.claim(paths.state_dir_of(session), command_id, "s")
    log = LogWriter(paths.command_dir(session, command_id))
    log.append(0, b"abc", 0)
    log.close()
    times = {"createdAt": stamp, "startedAt": stamp, "endedAt": stamp}
    records.write_final(session, record(command_id, "completed", **{**times, **fields}))
    ended = NOW - age_s
    os.utime(os.path.join(paths.command_dir(session, command_id), "record.json"), (ended, ended))


def owner(session: str, command_id: str) -> str | None:
    return paths.owner_of(paths.state_dir_of(session), command_id)


# The lock


def test_the_lock_is_free_again_once_its_holder_died_however_it_died(session: str) -> None:
    text = (
        "import sys; from daytona_rpc.host import recovery; fd = recovery.lock(sys.argv[1]); "
        "print(fd is not None, flush=True); sys.stdin.read()"
    )
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": Path(__file__).parents[2]}
    with subprocess.Popen([sys.executable, "-c", text, session], **pipes) as holder:
        assert holder.stdout is not None
        assert b"True\n" == holder.stdout.readline()
        assert recovery.lock(session) is None
        holder.kill()
        holder.wait()
        held = recovery.lock(session)
        assert held is not None
        assert recovery.lock(session) is None
        os.close(held)
    free = recovery.lock(session)
    assert free is not None
    os.close(free)


def test_a_session_that_is_gone_cannot_be_locked(session: str) -> None:
    with pytest.raises(FileNotFoundError):
        recovery.lock(session + "-gone")


# The end of what was running


def test_what_was_running_is_lost_with_the_log_it_has(session: str) -> None:
    records.write_active(session, record("c", "running"))
    log = LogWriter(paths.command_dir(session, "c"))
    log.append(0, b"abc", 0)
    log.close()
    (lost,) = recovery.mark_lost(session)
    expected = record("c", "lost", endedAt=None, reason=recovery.LOST, ready=None, logSize=3)
    assert expected == lost
    assert expected == records.read_command(session, "c")
    assert ([], ["c"]) == (records.active_ids(session), records.final_ids(session))
    assert [] == recovery.mark_lost(session)


def test_what_was_queued_has_never_started(session: str) -> None:
    records.write_active(session, record("c", "queued"))
    (failed,) = recovery.mark_lost(session)
    expected = record("c", "failed", startedAt=None, endedAt=None, reason=recovery.NEVER_STARTED, ready=None)
    assert expected == failed


def test_what_had_ended_is_left_as_it_was(session: str) -> None:
    final = record("c", "completed", exitCode=3)
    records.write_active(session, record("c", "running"))
    path = Path(records.active_path(session, "c"))
    active = path.read_bytes()
    records.write_final(session, final)
    path.write_bytes(active)  # the host died before it removed this
    assert [final] == recovery.mark_lost(session)
    assert final == records.read_command(session, "c")
    assert [] == records.active_ids(session)


def test_a_torn_record_hinders_no_other(session: str) -> None:
    Path(records.active_path(session, "torn")).write_bytes(b'{"commandId')
    records.write_active(session, record("whole", "running"))
    assert ["whole"] == [lost["commandId"] for lost in recovery.mark_lost(session)]
    assert [] == records.active_ids(session)


# Growing old


def test_what_ended_before_the_retention_goes_with_its_log_and_its_claim(session: str) -> None:
    add_final(session, "old", 8 * DAY_S)
    add_final(session, "young", 6 * DAY_S)
    assert 1 == recovery.expire(session, 7 * DAY_S, NOW)
    assert ["young"] == records.final_ids(session)
    assert (None, "s") == (owner(session, "old"), owner(session, "young"))
    assert ["young"] == os.listdir(os.path.join(paths.state_dir_of(session), "commands"))


def test_what_began_long_ago_is_young_when_it_ended_lately(session: str) -> None:
    began = records.timestamp(NOW - 30 * DAY_S)
    add_final(session, "c", DAY_S, createdAt=began, startedAt=began)
    assert 1 == recovery.expire(session, 7 * DAY_S, NOW)


def test_what_ran_for_long_before_it_was_lost_is_kept_for_the_retention(session: str) -> None:
    began = records.timestamp(NOW - 30 * DAY_S)
    records.write_active(session, record("c", "running", createdAt=began, startedAt=began))
    recovery.mark_lost(session)
    assert 1 == recovery.expire(session, 7 * DAY_S, NOW)
    assert 0 == recovery.expire(session, 7 * DAY_S, NOW + 8 * DAY_S)
    assert [] == records.final_ids(session)


def test_what_runs_is_never_too_old(session: str) -> None:
    began = records.timestamp(NOW - 30 * DAY_S)
    records.write_active(session, record("c", "running", createdAt=began, startedAt=began))
    os.mkdir(paths.command_dir(session, "c"))
    assert 1 == recovery.expire(session, 7 * DAY_S, NOW)
    assert "running" == (records.read_command(session, "c") or {})["status"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 100, b'{"status": "lost", "endedAt": "?"}'])
def test_a_record_that_says_nothing_stops_no_sweep_and_goes_in_time(session: str, content: bytes) -> None:
    add_final(session, "old", 8 * DAY_S)
    add_final(session, "broken", 0)
    Path(paths.command_dir(session, "broken"), "record.json").write_bytes(content)
    assert 1 == recovery.expire(session, 7 * DAY_S, NOW)
    assert ["broken"] == records.final_ids(session)
    assert 0 == recovery.expire(session, 7 * DAY_S, NOW + 8 * DAY_S)


# Removing


def test_a_removed_session_leaves_no_file_and_no_claim_but_those_of_others(session: str) -> None:
    state = paths.state_dir_of(session)
    other = paths.session_dir(state, "other")
    os.makedirs(os.path.join(other, "commands"))
    paths.claim(state, "foreign", "other")
    add_final(session, "own", 0)
    add_final(session, "foreign", 0)
    paths.claim(state, "running", "s")
    records.write_active(session, record("running", "running"))
    recovery.remove(session)
    assert ["other"] == os.listdir(paths.sessions_dir(state))
    assert ["foreign"] == os.listdir(os.path.join(state, "commands"))


def test_the_id_of_a_removed_session_is_free_at_once(session: str) -> None:
    recovery.remove(session)
    os.mkdir(session)
    add_final(session, "again", 0)
    recovery.remove(session)
    assert [] == os.listdir(os.path.dirname(session))


def test_a_removal_cut_short_hinders_no_second_one(session: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "remove_tree", lambda path: None)
        recovery.remove(session)
    os.mkdir(session)
    recovery.remove(session)
    assert not os.path.exists(session)


# What still runs


@pytest.fixture
def leftover(session: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the session that outlived its host."""
    env = {**os.environ, tree.SESSION_MARK: session, tree.COMMAND_MARK: "c"}
    process = subprocess.Popen(["sleep", "600"], env=env, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_leftover_processes_are_killed(session: str, leftover: subprocess.Popen[bytes]) -> None:
    recovery.end_leftovers(session)
    assert -9 == leftover.wait(5)


def test_processes_of_another_session_are_not(session: str, leftover: subprocess.Popen[bytes]) -> None:
    recovery.end_leftovers(session + "-2")
    recovery.end_leftovers(session[:-1])
    assert leftover.poll() is None

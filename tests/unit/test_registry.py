"""Registries on one state directory: each hears of what the others do, and nothing half-made is met."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daytona_rpc import errors, protocol
from daytona_rpc.handle import Handle
from daytona_rpc.host import paths, records, recovery, tree
from tests.unit.watching import Watched, Watching, spec

CREATED, DELETED = protocol.ChangeKind.CREATED, protocol.ChangeKind.DELETED
OLD_S = 8 * 24 * 3600.0


@pytest.fixture
async def first(watching: Watching) -> Watched:
    return await watching.open()


@pytest.fixture
async def second(first: Watched) -> Watched:
    return await first.another()


async def run(handle: Handle, text: str) -> str:
    asked = spec(text)
    paths.claim(paths.state_dir_of(handle.directory), asked["commandId"], handle.id)
    await handle.request("execute", spec=asked, follow=False)
    return str(asked["commandId"])


def sessions(watched: Watched) -> list[str]:
    return [handle.id for handle in watched.registry.handles()]


# Two of them


async def test_sessions_that_another_makes_and_deletes_are_told(first: Watched, second: Watched) -> None:
    await first.create("s", prepare=False)
    await second.until(lambda: (CREATED, "s") in second.changes)
    assert ["s"] == sessions(second)
    await second.registry.delete("s")
    await first.until(lambda: (DELETED, "s") in first.changes)
    for watched in (first, second):
        assert [(CREATED, "s"), (DELETED, "s")] == watched.changes
        assert [] == sessions(watched)
        with pytest.raises(errors.NotFound):
            watched.registry.get("s")


async def test_commands_that_another_starts_are_told_and_their_status_is_the_same(
    first: Watched, second: Watched
) -> None:
    handle = await first.create("s")
    await second.until(lambda: [handle for handle in second.registry.handles() if handle.linked])
    command_id = await run(handle, "exit 3")
    await second.until(lambda: command_id in second.ended())
    await first.until(lambda: command_id in first.ended())
    assert first.registry.status(command_id) == second.registry.status(command_id)
    assert 3 == second.registry.status(command_id).exit_code
    assert second.registry.owner(command_id) is second.registry.get("s")


async def test_what_was_there_before_is_found_at_the_start(first: Watched) -> None:
    handle = await first.create("s")
    over, running = await run(handle, "exit 3"), await run(handle, "sleep 600")
    await first.until(lambda: over in first.ended())
    late = await first.another()
    assert ["s"] == sessions(late)
    assert {over: 3, running: None} == {
        status.command_id: status.exit_code for status in await late.registry.commands(late.registry.get("s"))
    }
    assert [running] == list(late.registry.get("s").active)


async def test_of_two_that_make_the_same_session_one_has_a_conflict(first: Watched, second: Watched) -> None:
    made = await asyncio.gather(
        *(watched.create("s", prepare=False) for watched in (first, second)), return_exceptions=True
    )
    assert {Handle, errors.Conflict} == {type(result) for result in made}
    assert ["s"] == os.listdir(paths.sessions_dir(first.registry.state_dir))


async def test_of_two_that_delete_a_session_both_come_through(first: Watched, second: Watched) -> None:
    handle = await first.create("s")
    await run(handle, "sleep 600")
    await second.until(lambda: sessions(second))
    stopped = await asyncio.gather(first.registry.delete("s"), second.registry.delete("s"))
    assert 1 <= sum(stopped) <= 2
    assert [] == os.listdir(paths.sessions_dir(first.registry.state_dir))
    assert [] == os.listdir(os.path.join(first.registry.state_dir, "commands"))


async def test_a_deleted_id_can_be_made_again(first: Watched) -> None:
    await first.create("s")
    await first.registry.delete("s")
    handle = await first.create("s")
    assert not handle.deleted
    assert first.registry.get("s") is handle
    assert [CREATED, DELETED, CREATED] == [kind for kind, _ in first.changes]


async def test_an_id_that_another_deletes_and_makes_again_is_told_as_new(
    first: Watched, second: Watched
) -> None:
    await first.create("s")
    await second.until(lambda: second.changes and second.registry.get("s").linked)
    await first.registry.delete("s")
    handle = await first.create("s")
    await second.until(lambda: [CREATED, DELETED, CREATED] == [kind for kind, _ in second.changes])
    await second.until(lambda: second.registry.get("s").linked)
    command_id = await run(handle, "true")
    await second.until(lambda: command_id in second.ended())


async def test_a_session_that_is_asked_for_before_it_was_noticed_is_told_too(
    first: Watched, second: Watched
) -> None:
    await first.create("s")
    assert "s" == second.registry.get("s").id
    await second.until(lambda: (CREATED, "s") in second.changes)


async def test_a_look_that_fails_is_not_the_last(
    first: Watched, second: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def refuse(path: str) -> list[str]:
        looked.append(path)
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refuse)
        (Path(first.registry.state_dir) / "sessions" / ".new-x").mkdir()  # something to notice
        await second.until(lambda: looked)
    (Path(first.registry.state_dir) / "sessions" / ".new-x").rmdir()
    await first.create("s", prepare=False)
    await second.until(lambda: (CREATED, "s") in second.changes)


# Hosts that died


async def test_commands_of_a_host_that_was_killed_are_lost_for_all(
    watching: Watching, first: Watched, second: Watched
) -> None:
    handle = await first.create("s")
    command_id = await run(handle, "sleep 600")
    await second.until(lambda: second.statuses(command_id))
    watching.kill()
    for watched in (first, second):
        await watched.until(lambda watched=watched: command_id in watched.ended())  # type: ignore[misc]
        assert protocol.Status.LOST == watched.registry.status(command_id).status


async def test_a_session_without_a_host_is_deleted_with_what_its_commands_left(
    watching: Watching, first: Watched
) -> None:
    handle = await first.create("s")
    await run(handle, "sleep 600")
    await first.until(lambda: handle.active)
    left = tree.members(None, tree.marks(handle.directory))
    assert left
    watching.kill()
    await first.until(lambda: not watching.hosts())
    await first.registry.delete("s")
    assert [] == tree.members(None, tree.marks(handle.directory))
    assert not os.path.exists(handle.directory)


# Making a session


async def test_a_session_is_never_met_half_made(first: Watched, second: Watched) -> None:
    for number in range(20):
        await first.create(f"s{number}", prepare=False)
        second.registry._compare(os.listdir(paths.sessions_dir(first.registry.state_dir)))
    assert [f"s{number}" for number in range(20)] == sorted(sessions(second), key=lambda name: int(name[1:]))


async def test_a_session_that_cannot_be_made_leaves_nothing(
    first: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.CommandExecutionError):
        await first.registry.create("s", "/no/such/directory", {}, auto=False)

    def full(path: str, record: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(records, "write_session", full)
        with pytest.raises(errors.HostUnavailable, match="No space left"):
            await first.registry.create("s", "/", {}, auto=False)
    assert [] == os.listdir(paths.sessions_dir(first.registry.state_dir))
    assert [] == first.changes
    await first.create("s", prepare=False)


async def test_the_environment_of_a_session_is_ours_with_what_is_added_and_removed(
    first: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("KEPT", "REMOVED", tree.SESSION_MARK, tree.COMMAND_MARK):
        monkeypatch.setenv(name, "ours")
    handle = await first.registry.create(
        "s", str(tmp_path), {"ADDED": "1", "REMOVED": None, "NONE": None}, auto=False
    )
    command_id = await run(handle, "env; pwd")
    await first.until(lambda: command_id in first.ended())
    log = Path(handle.log_directory(command_id))
    lines = b"".join(path.read_bytes() for path in sorted(log.glob("*.log"))).decode().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert ("ours", "1") == (found["KEPT"], found["ADDED"])
    assert {"REMOVED", "NONE"}.isdisjoint(found)
    assert (handle.directory, command_id) == (found[tree.SESSION_MARK], found[tree.COMMAND_MARK])
    assert str(tmp_path) == lines[-1]


# Sweeping


def age(path: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def lay_down(state: str, session_id: str, *, auto: bool, ended_ago_s: float) -> None:
    """A session on disk that was made as long ago as its one command ended."""
    directory = paths.session_dir(state, session_id)
    for folder in ("active", f"commands/c-{session_id}"):
        os.makedirs(os.path.join(directory, folder))
    stamp = records.timestamp(time.time() - ended_ago_s)
    session = {**records.new_session(session_id, "/", "/bin/sh", auto), "createdAt": stamp}
    records.write_session(directory, session)
    command = {"commandId": f"c-{session_id}", "status": "completed", "createdAt": stamp, "endedAt": stamp}
    records.write_final(directory, command)
    age(os.path.join(paths.command_dir(directory, f"c-{session_id}"), "record.json"), ended_ago_s)
    paths.claim(state, f"c-{session_id}", session_id)


async def test_what_is_too_old_is_swept_at_the_start_and_nothing_else(watching: Watching) -> None:
    paths.make_state_dir(watching.state)
    lay_down(watching.state, "old-auto", auto=True, ended_ago_s=OLD_S)
    lay_down(watching.state, "old-own", auto=False, ended_ago_s=OLD_S)
    lay_down(watching.state, "young-auto", auto=True, ended_ago_s=10)
    folder = Path(paths.sessions_dir(watching.state))
    for name in (".new-1-abcd", ".removed-abcd"):
        for when in ("", "-young"):
            (folder / (name + when) / "state").mkdir(parents=True)
        age(str(folder / name), 7200)
    watched = await watching.open()
    assert {"old-own", "young-auto"} == set(sessions(watched))
    assert {"old-own", "young-auto", ".new-1-abcd-young", ".removed-abcd-young"} == set(os.listdir(folder))
    assert ["c-young-auto"] == os.listdir(os.path.join(watching.state, "commands"))
    for name in (".new-1-abcd-young", ".removed-abcd-young"):
        paths.remove_tree(str(folder / name))


def test_servers_that_sweep_at_the_same_time_all_come_through(watching: Watching) -> None:
    paths.make_state_dir(watching.state)
    for race in range(20):
        for number in range(10):
            lay_down(watching.state, f"s{race}-{number}", auto=True, ended_ago_s=OLD_S)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: Watched(watching).registry.open(), range(3)))
        assert [] == os.listdir(paths.sessions_dir(watching.state))


async def test_what_is_no_session_stops_no_sweep_and_no_retention_is_the_usual_one(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYTONA_RPC_RETENTION_S", "7d")
    paths.make_state_dir(watching.state)
    lay_down(watching.state, "old", auto=True, ended_ago_s=OLD_S)
    lay_down(watching.state, "young", auto=True, ended_ago_s=OLD_S - 2 * 24 * 3600)
    alien = Path(paths.sessions_dir(watching.state), "a-file")
    alien.touch()
    watched = await watching.open()
    assert ["young"] == sessions(watched)
    alien.unlink()


async def test_the_id_of_a_session_whose_record_is_torn_can_be_used_again(watching: Watching) -> None:
    paths.make_state_dir(watching.state)
    lay_down(watching.state, "torn", auto=False, ended_ago_s=1)
    Path(paths.session_dir(watching.state, "torn"), "session.json").write_bytes(b"")
    watched = await watching.open()
    await watched.create("torn", prepare=False)
    assert ["torn"] == sessions(watched)


async def test_a_session_whose_host_lives_is_left_to_it(first: Watched) -> None:
    handle = await first.create("s", auto=True)
    session = {**handle.record, "createdAt": records.timestamp(time.time() - OLD_S)}
    records.write_session(handle.directory, session)
    await first.another()
    assert os.path.isdir(handle.directory)


async def test_a_session_that_somebody_holds_is_deleted_once_it_is_free(first: Watched) -> None:
    handle = await first.create("s", prepare=False)
    await first.until(lambda: not first.registry._preparing)
    for pid in first._watching.hosts():
        os.kill(pid, signal.SIGKILL)
    await first.until(lambda: not first._watching.hosts())
    held = recovery.lock(handle.directory)
    assert held is not None
    deleting = asyncio.create_task(first.registry._remove(handle))
    await asyncio.sleep(0.03)
    assert not deleting.done()
    os.close(held)
    await deleting
    assert not os.path.exists(handle.directory)

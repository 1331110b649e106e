"""A handle on a real session host: what it knows is true, whatever becomes of the host."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc import errors, launcher, protocol
from daytona_rpc.handle import Handle
from daytona_rpc.host import paths
from tests.unit.watching import Watched, Watching, spec

Status = protocol.Status


@pytest.fixture
async def watched(watching: Watching) -> Watched:
    return await watching.open()


@pytest.fixture
async def handle(watched: Watched) -> Handle:
    return await watched.create("s")


async def host_of(handle: Handle) -> int:
    """The pid of the session's host, as the host says it."""
    link, hello = await _greeting(handle)
    link.close()
    return int(hello["pid"])


async def _greeting(handle: Handle) -> Any:
    from daytona_rpc.link import Link

    connection = launcher.connect(handle.directory)
    assert connection is not None
    return await Link.open(connection, lambda event: None, lambda orderly: None)


async def run(handle: Handle, text: str, **fields: Any) -> str:
    """Start a command; its id."""
    asked = spec(text, **fields)
    await handle.request("execute", spec=asked, follow=True)
    return str(asked["commandId"])


async def test_a_command_is_told_from_its_start_to_its_end_and_kept(watched: Watched, handle: Handle) -> None:
    command_id = await run(handle, "echo out")
    await watched.until(lambda: command_id in watched.ended())
    assert [Status.RUNNING, Status.COMPLETED] == watched.statuses(command_id)
    assert 4 == watched.sizes[command_id]
    assert {} == handle.active
    status = handle.command(command_id)
    assert status is not None
    assert (Status.COMPLETED, 0, 4) == (status.status, status.exit_code, status.log_size)
    assert {command_id} == handle.command_ids()


async def test_a_refusal_names_session_and_command(handle: Handle) -> None:
    with pytest.raises(errors.NotFound) as caught:
        await handle.request("signal", commandId="none", number=2)
    assert ("s", "none") == (caught.value.session_id, caught.value.command_id)


async def test_requests_reach_the_host_in_the_order_they_were_made(watched: Watched, handle: Handle) -> None:
    command_id = await run(handle, "cat", stdin="open")
    parts = [f"{number}\n" for number in range(50)]
    await asyncio.gather(*(handle.request("input", commandId=command_id, data=part) for part in parts))
    await handle.request("input", commandId=command_id, eof=True)
    await watched.until(lambda: command_id in watched.ended())
    log = Path(handle.log_directory(command_id))
    assert "".join(parts) == "".join(path.read_text() for path in sorted(log.glob("*.log")))


async def test_many_requests_at_once_start_one_host(watching: Watching, watched: Watched) -> None:
    handle = await watched.create("s", prepare=False)
    refused = await asyncio.gather(
        *(handle.request("signal", commandId="none", number=2) for _ in range(10)), return_exceptions=True
    )
    assert {errors.NotFound} == {type(error) for error in refused}
    assert 1 == len(watching.hosts())


async def test_a_host_that_is_killed_leaves_its_commands_lost_and_the_session_works_on(
    watched: Watched, handle: Handle
) -> None:
    running = await run(handle, "echo before; sleep 600")
    await watched.until(lambda: watched.sizes.get(running))
    first = await host_of(handle)
    os.kill(first, signal.SIGKILL)
    await watched.until(lambda: running in watched.ended())
    assert [Status.RUNNING, Status.LOST] == watched.statuses(running)
    status = handle.command(running)
    assert status is not None
    assert (None, 7) == (status.exit_code, status.log_size)
    again = await run(handle, "exit 3")
    await watched.until(lambda: again in watched.ended())
    assert first != await host_of(handle)
    answer = await handle.request("stop", commandId=running, graceMs=1000)
    assert "lost" == answer["status"]


async def test_a_request_to_a_host_that_dies_has_an_answer(watched: Watched, handle: Handle) -> None:
    command_id = await run(handle, "trap '' TERM; echo ready; while :; do sleep 1; done")
    await watched.until(lambda: watched.sizes.get(command_id))
    host = await host_of(handle)
    os.kill(host, signal.SIGSTOP)
    stopping = asyncio.create_task(handle.request("stop", commandId=command_id, graceMs=60_000))
    await asyncio.sleep(0)
    os.kill(host, signal.SIGKILL)
    with pytest.raises(errors.HostUnavailable):
        await asyncio.wait_for(stopping, 20)


async def test_a_host_that_ended_in_order_is_started_again_when_there_is_something_to_do(
    watching: Watching, watched: Watched, handle: Handle
) -> None:
    await run(handle, "true")
    await watched.until(lambda: not handle.active and handle.linked)
    first = await host_of(handle)
    os.kill(first, signal.SIGTERM)
    await watched.until(lambda: not handle.linked and not watching.hosts())
    assert not await handle.join()
    command_id = await run(handle, "exit 4")
    await watched.until(lambda: command_id in watched.ended())
    status = handle.command(command_id)
    assert status is not None
    assert 4 == status.exit_code


async def test_a_request_for_a_session_that_was_deleted_is_not_found(
    watched: Watched, handle: Handle
) -> None:
    other = await watched.another()
    assert 0 == await other.registry.delete("s")
    await watched.until(lambda: handle.deleted)
    with pytest.raises(errors.NotFound):
        await handle.request("execute", spec=spec("true"), follow=False)
    assert not os.path.exists(handle.directory)


async def test_the_end_of_a_command_in_a_deleted_session_is_told(watched: Watched, handle: Handle) -> None:
    command_id = await run(handle, "sleep 600")
    other = await watched.another()
    assert 1 == await other.registry.delete("s")
    await watched.until(lambda: handle.deleted)
    assert [Status.RUNNING, Status.STOPPED] == watched.statuses(command_id)
    assert protocol.ChangeKind.DELETED == watched.changes[-1][0]


async def test_what_ended_while_nobody_was_linked_is_told_on_joining(
    watched: Watched, handle: Handle
) -> None:
    other = await watched.another()
    there = other.registry.get("s")
    link = handle._link
    assert link is not None
    link._on_event = lambda event: None  # deaf from here on
    command_id = await run(there, "exit 5")
    await other.until(lambda: command_id in other.ended())
    link.close()
    handle._link = None
    assert await handle.join()
    assert [Status.COMPLETED] == watched.statuses(command_id)


async def test_a_closed_handle_lets_the_command_run_on(watching: Watching, watched: Watched) -> None:
    handle = await watched.create("s")
    command_id = await run(handle, "sleep 600")
    handle.close()
    handle.tell("unfollow", commandId=command_id)
    assert not await handle.join()
    other = await watched.another()
    assert [command_id] == list(other.registry.get("s").active)


async def test_a_host_that_cannot_be_started_is_unavailable(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await watched.create("s", prepare=False)
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(launcher, "_HOST", "/no/such/host")
    with pytest.raises(errors.HostUnavailable) as caught:
        await handle.request("execute", spec=spec("true"), follow=False)
    assert "s" == caught.value.session_id
    assert before == len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(errors.HostUnavailable):
        await handle.request("execute", spec=spec("true"), follow=False)


def test_no_path_of_a_session_can_leave_the_state_directory() -> None:
    with pytest.raises(ValueError, match="not a"):
        paths.session_dir("/state", "../x")

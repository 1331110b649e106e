"""A log keeps the newest bytes up to the cap, and says from where on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.harness import Client, assemble
from tests.machine import Machine
from tests.scripts import flood

FLOOD = str(Path(__file__).parents[1] / "scripts" / "flood.py")
MIB = 1 << 20


def expected(start: int, stop: int) -> bytes:
    first = start - start % flood.PIECE
    return b"".join(flood.piece(at) for at in range(first, stop, flood.PIECE))[start - first : stop - first]


def disk_bytes(machine: Machine) -> int:
    return sum(os.lstat(path).st_blocks * 512 for path in machine.state.rglob("*"))


def run_flood(client: Client, size: int, timeout_s: float) -> str:
    session = client.request("sessions/create")["sessionId"]
    status = client.run(session, [sys.executable, FLOOD, str(size)], timeout_s=timeout_s, stream=False)
    assert ("completed", 0, size) == (status["status"], status["exitCode"], status["logSize"])
    assert expected(size - MIB, size).decode() == status["output"]
    return str(client.wait_finished(status["commandId"])["commandId"])


def check_kept(client: Client, command_id: str, size: int, cap: int) -> None:
    """Assert that the kept part is whole, right, and as much as the cap allows."""
    page = client.request("command/logs", {"commandId": command_id, "limit": 4 * MIB})
    start = page["truncatedBefore"]
    assert start == client.status(command_id)["truncatedBefore"]
    assert size - cap <= start <= size - cap // 2
    assert (start, start) == (page["chunks"][0]["offset"], page["chunks"][0]["truncatedBefore"])
    assert all("truncatedBefore" not in chunk for chunk in page["chunks"][1:])
    at = start
    while True:
        data = assemble(page["chunks"], at)
        assert expected(at, at + len(data)) == data
        at += len(data)
        assert at == page["nextOffset"]
        if at == size:
            break
        page = client.request("command/logs", {"commandId": command_id, "offset": at, "limit": 4 * MIB})


@pytest.mark.requirement("RET-2")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_LOG_CAP": str(4 * MIB)}], indirect=True)
def test_a_small_cap_is_kept(machine: Machine) -> None:
    cap, size = 4 * MIB, 30_000_000
    client = machine.client()
    command_id = run_flood(client, size, 30)
    check_kept(client, command_id, size, cap)
    assert disk_bytes(machine) < 1.5 * cap


@pytest.mark.requirement("LOG-12")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_LOG_CAP": str(2 * MIB)}], indirect=True)
def test_an_attachment_to_what_was_dropped_begins_at_what_is_kept(machine: Machine) -> None:
    size = 10_000_000
    client = machine.client()
    command_id = run_flood(client, size, 30)
    since = len(client.received)
    client.request("command/attach", {"commandId": command_id, "offset": 5})
    status = client.wait_notification("command/statusChanged", since=since, commandId=command_id)
    assert client.status(command_id) == status
    start = status["truncatedBefore"]
    first = client.notifications("command/output", commandId=command_id)[0]
    assert (start, start) == (first["offset"], first["truncatedBefore"])
    assert expected(start, size) == client.output(command_id)


@pytest.mark.requirement("RET-2")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_gibibyte_under_the_cap_of_256_mebibytes(machine: Machine) -> None:
    client = machine.client()
    command_id = run_flood(client, 1024 * MIB, 120)
    assert disk_bytes(machine) < 1.25 * 256 * MIB
    check_kept(client, command_id, 1024 * MIB, 256 * MIB)

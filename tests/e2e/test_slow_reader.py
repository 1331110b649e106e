"""A client that stops reading costs bounded memory, delays nobody and loses nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.harness import Client, decode
from tests.machine import Machine
from tests.scripts import flood

FLOOD = str(Path(__file__).parents[1] / "scripts" / "flood.py")
STALL_S = 6
MEMORY_MIB = 48
SIZE = 200_000_000


def rss_mib(client: Client) -> float:
    return float(psutil.Process(client.process.pid).memory_info().rss / (1 << 20))


def expected(size: int) -> bytes:
    return b"".join(flood.piece(offset) for offset in range(0, size, flood.PIECE))[:size]


@pytest.mark.requirement("FLOW-1", "FLOW-2", "FLOW-3", "FLOW-5")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stalled_client_hurts_nobody_and_gets_every_byte(
    machine: Machine, record_property: Callable[[str, object], None]
) -> None:
    stalled, other = machine.client(), machine.client()
    session = stalled.request("sessions/create")["sessionId"]
    stalled.run(session, "true")
    other.request("sessions/get", {"sessionId": session})
    before = rss_mib(stalled)
    command_id = stalled.start(session, [sys.executable, FLOOD, str(SIZE)])
    stalled.pause()
    delays_s, peak, done_s, start = [], before, None, time.monotonic()
    while done_s is None or time.monotonic() - start < STALL_S:
        asked = time.monotonic()
        status = other.status(command_id)
        other.request("command/logs", {"commandId": command_id, "limit": 100})
        delays_s.append((time.monotonic() - asked) / 2)
        peak = max(peak, rss_mib(stalled))
        if done_s is None and status["status"] == "completed":
            done_s = time.monotonic() - start
        assert time.monotonic() - start < 60, "the command does not end while its client does not read"
    delays_s.sort()
    median_ms, worst_ms = delays_s[len(delays_s) // 2] * 1e3, delays_s[-1] * 1e3
    report = f"{SIZE / 1e6:.0f} MB in {done_s:.1f} s, server +{peak - before:.1f} MiB, "
    report += f"requests of another client: median {median_ms:.1f} ms, worst {worst_ms:.1f} ms"
    record_property("stalled client", report)
    print(f"\n{report}")  # noqa: T201  shown with -rP
    assert peak - before < MEMORY_MIB
    assert delays_s[int(len(delays_s) * 0.95)] < 0.5
    asked_at = len(stalled.received)
    question = stalled.send_request("command/status", {"commandId": command_id})
    stalled.resume()
    answer = stalled.answer(question, timeout_s=10)
    overtaken = stalled.received[asked_at : stalled.received.index(answer)]
    assert sum(len(m["params"]["data"]) for m in overtaken if m["method"] == "command/output") < 32 << 20
    assert SIZE == stalled.wait_finished(command_id, timeout_s=120)["logSize"]
    assert expected(SIZE) == stalled.output(command_id)
    assert rss_mib(stalled) - before < 2 * MEMORY_MIB


@pytest.mark.requirement("FLOW-1", "FLOW-4")
@pytest.mark.slow
def test_news_of_many_commands_for_a_stalled_client_are_bounded_and_end_right(machine: Machine) -> None:
    client, other = machine.client(), machine.client()
    session = client.request("sessions/create")["sessionId"]
    before = rss_mib(client)
    client.pause()
    ids = [other.start(session, f"seq 20000; exit {n % 200}") for n in range(200)]
    for command_id in ids:
        other.wait_finished(command_id, timeout_s=60)
    assert rss_mib(client) - before < MEMORY_MIB
    client.resume()
    assert [n % 200 for n in range(200)] == [client.wait_finished(c)["exitCode"] for c in ids]


@pytest.mark.requirement("LOG-13")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_LOG_CAP": str(1 << 20)}], indirect=True)
def test_a_client_that_is_overtaken_by_the_cap_is_told_where_bytes_are_missing(machine: Machine) -> None:
    size = 50_000_000
    stalled, other = machine.client(), machine.client()
    session = stalled.request("sessions/create")["sessionId"]
    command_id = stalled.start(session, "while [ ! -e open ]; do sleep 0.02; done; echo; cat flood")
    (machine.work / "flood").write_bytes(expected(size)[1:])
    stalled.pause()
    (machine.work / "open").touch()
    assert size == other.request("command/wait", {"commandId": command_id})["logSize"]
    stalled.resume()
    final = stalled.wait_finished(command_id, timeout_s=60)
    assert size - (1 << 20) <= final["truncatedBefore"] < size
    whole, at, jumps = b"\n" + expected(size)[1:], 0, 0
    for chunk in stalled.notifications("command/output", commandId=command_id):
        data = decode(chunk)
        if chunk["offset"] != at:
            jumps += 1
            assert at < chunk["offset"] == chunk["truncatedBefore"]
        assert whole[chunk["offset"] : chunk["offset"] + len(data)] == data
        at = chunk["offset"] + len(data)
    assert (size, True) == (at, jumps > 0)


@pytest.mark.requirement("FLOW-6")
def test_a_client_that_leaves_its_answers_unread_is_not_heard_until_it_reads(machine: Machine) -> None:
    client = machine.client()
    before = rss_mib(client)
    client.pause()
    ids: list[int] = []
    asking = threading.Thread(
        target=lambda: ids.extend(client.send_request("sandbox/list") for _ in range(60_000))
    )
    asking.start()
    asking.join(5)
    assert asking.is_alive(), "all its requests were taken"
    assert rss_mib(client) - before < MEMORY_MIB
    client.resume()
    asking.join(50)
    assert {"local"} == {client.result(i)["sandboxes"][0]["sandboxId"] for i in ids}
    assert 60_000 == len(ids)

"""A full disk loses no command: it runs on, the newest output is kept, and it is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Client, eventually
from tests.machine import Machine

FLOOD = str(Path(__file__).parents[1] / "scripts" / "flood.py")
DISK_MIB = 8


@pytest.fixture
def small_disk(machine: Machine) -> Iterator[Machine]:
    """A machine whose state directory is a file system of its own, of 8 MiB."""
    machine.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "tmpfs", str(machine.state)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.strip()}")
    yield machine
    try:
        machine.sweep()
    finally:
        subprocess.run(["umount", "--lazy", str(machine.state)], check=True)


def create(client: Client) -> str:
    return str(client.request("sessions/create")["sessionId"])


def filled(machine: Machine) -> Path:
    """Leave no space for anything; the file that took it."""
    path = machine.state / "filler.log"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk did not fill")


@pytest.mark.requirement("RET-3")
def test_a_command_that_fills_the_disk_runs_on_and_its_newest_output_is_kept(small_disk: Machine) -> None:
    client = small_disk.client()
    session = create(client)
    text = f"{sys.executable} {FLOOD} 40000000; echo the end; exit 5"
    status = client.run(session, text, timeout_s=40, stream=False)
    assert ("completed", 5, 40_000_008) == (status["status"], status["exitCode"], status["logSize"])
    assert status["truncatedBefore"] > 0
    assert "disk" in status["reason"] or "space" in status["reason"]
    assert client.log(status["commandId"], status["truncatedBefore"]).endswith(b"the end\n")


def test_other_commands_go_on_while_the_disk_is_full(small_disk: Machine) -> None:
    client = small_disk.client()
    session, other = create(client), create(client)
    command_id = client.start(session, "while [ ! -e open ]; do sleep 0.02; done; seq 100000; exit 6")
    filler = filled(small_disk)
    client.run(other, "touch open")
    assert 6 == client.wait_finished(command_id)["exitCode"]
    filler.unlink()
    assert "again\n" == client.run(session, "echo again")["output"]
    assert 6 == client.status(command_id)["exitCode"]


@pytest.mark.parametrize("method", ["sessions/create", "command/execute"])
def test_each_request_is_answered_on_a_full_disk(small_disk: Machine, method: str) -> None:
    client = small_disk.client()
    session = create(client)
    client.run(session, "export COLOUR=blue")
    filler = filled(small_disk)
    params = {"sessionId": session, "command": "exit 3"} if method == "command/execute" else {}
    answer = client.answer(client.send_request(method, params))
    if "error" in answer:
        assert answer["error"]["data"]["kind"] in ("commandExecutionError", "hostUnavailable")
    else:
        assert 3 == answer["result"].get("exitCode", 3)
    filler.unlink()
    eventually(lambda: "blue\n" == client.run(session, "echo $COLOUR")["output"])


def test_an_exit_code_is_known_to_the_next_server_after_a_full_disk(small_disk: Machine) -> None:
    client = small_disk.client()
    command_id = client.start(create(client), "while [ ! -e open ]; do sleep 0.02; done; echo end; exit 7")
    filler = filled(small_disk)
    (small_disk.work / "open").touch()
    assert 7 == client.wait_finished(command_id)["exitCode"]
    client.kill()
    filler.unlink()
    client = small_disk.client()
    eventually(
        lambda: (7, "completed") == tuple(client.status(command_id)[k] for k in ("exitCode", "status"))
    )

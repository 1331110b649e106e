"""Session hosts: killed, bombarded, raced for, and idle."""

from __future__ import annotations

import os
import random
import signal
import socket
import stat
from pathlib import Path

import psutil
import pytest

from tests.harness import Client, eventually
from tests.machine import Machine


def create(client: Client, session_id: str = "the-session") -> str:
    return str(client.request("sessions/create", {"sessionId": session_id})["sessionId"])


def host_of(machine: Machine, session_id: str) -> int:
    """The one host of a session; for a moment a command that is being started looks like one too."""

    def mine() -> list[int]:
        found = machine.processes().items()
        return [pid for pid, argv in found if any(Path(word).name == session_id for word in argv)]

    eventually(lambda: 1 == len(mine()), what=f"one host, not {mine()}")
    return mine()[0]


def sockets(machine: Machine) -> list[Path]:
    return [path for path in machine.state.rglob("*") if path.is_socket()]


@pytest.mark.requirement("LIVE-4", "LIVE-5", "STOP-7")
@pytest.mark.parametrize("watched", [True, False], ids=["by this server", "found by the next"])
def test_when_a_host_is_killed_its_commands_are_lost_and_its_session_lives(
    machine: Machine, watched: bool
) -> None:
    client = machine.client()
    session = create(client)
    client.run(session, "cd /; colour=blue")
    command_id = client.start(session, "echo before; sleep 600")
    client.wait_output(command_id, b"before\n")
    done = client.run(session, "exit 4")["commandId"]
    os.kill(host_of(machine, session), signal.SIGKILL)
    if watched:
        lost = client.wait_finished(command_id, timeout_s=10)
    else:
        client.kill()
        client = machine.client()
        lost = client.status(command_id)
    assert ("lost", None, None) == (lost["status"], lost["exitCode"], lost["signal"])
    assert lost["reason"]
    assert b"before\n" == client.log(command_id)
    assert lost == client.request("command/wait", {"commandId": command_id}) == client.status(command_id)
    assert 4 == client.status(done)["exitCode"]
    assert "/ blue\n" == client.run(session, "echo $PWD $colour")["output"]
    left = [pid for pid, argv in machine.processes().items() if argv == ["sleep", "600"]]
    stopped = client.request("command/stop", {"commandId": command_id})
    assert ("lost", command_id) == (stopped["status"], stopped["commandId"])
    assert left
    eventually(
        lambda: not any(psutil.pid_exists(pid) for pid in left), what="what was left of a lost command"
    )


@pytest.mark.requirement("LIVE-4", "REQ-1")
def test_waiting_requests_are_answered_when_a_host_is_killed(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    texts = {"a": "sleep 600", "b": "echo never"}
    pending = [
        client.send_request("command/execute", {"sessionId": session, "command": text, "commandId": name})
        for name, text in texts.items()
    ]
    client.wait_notification("command/statusChanged", commandId="b", status="queued")
    pending.append(client.send_request("command/wait", {"commandId": "a"}))
    os.kill(host_of(machine, session), signal.SIGKILL)
    answers = [client.answer(request_id, timeout_s=10) for request_id in pending]
    assert all("result" in answer or answer["error"]["code"] > 0 for answer in answers), answers
    assert ["lost", "failed"] == [client.status(name)["status"] for name in texts]
    assert "alive\n" == client.run(session, "echo alive")["output"]


def test_a_host_is_not_disturbed_by_garbage_on_its_socket(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    command_id = client.start(session, "cat")
    (path,) = sockets(machine)
    assert 0 == stat.S_IMODE(machine.state.stat().st_mode) & 0o077
    chance = random.Random(5)
    for payload in (
        b"",
        b"\0" * 100_000,
        b"{" * 100_000,
        b"[]\n{}\nnull\n1\n\n",
        b'{"op":"stop"}\n{"id":1,"method":"stop","params":null}\n',
        b"\xff" * 4 + b"x" * 1000,
        b"9" * 5_000_000,
        *(chance.randbytes(chance.randint(1, 5000)) for _ in range(50)),
    ):
        with socket.socket(socket.AF_UNIX) as abuser:
            abuser.settimeout(5)
            abuser.connect(str(path))
            try:
                abuser.sendall(payload)
                if payload and payload[0] % 2:
                    abuser.shutdown(socket.SHUT_WR)
                    abuser.recv(1000)
            except OSError:
                pass  # the host hangs up on garbage, or waits for its end
    silent = [socket.socket(socket.AF_UNIX) for _ in range(200)]
    try:
        for idle in silent:
            idle.connect(str(path))
        assert "running" == client.status(command_id)["status"]
        assert "hi\n" == client.run(session, "echo hi")["output"]
    finally:
        for idle in silent:
            idle.close()
    client.request("command/input", {"commandId": command_id, "data": "still here", "eof": True})
    assert 0 == client.wait_finished(command_id)["exitCode"]
    assert b"still here" == client.output(command_id)


def test_two_servers_at_once_in_a_new_session_share_one_host(machine: Machine) -> None:
    clients = [machine.client() for _ in range(2)]
    for n in range(10):
        session = f"race-{n}"
        made = [c.send_request("sessions/create", {"sessionId": session}) for c in clients]
        answers = [c.answer(request_id) for c, request_id in zip(clients, made, strict=True)]
        assert 1 == sum("result" in answer for answer in answers)
        assert ["conflict"] == [a["error"]["data"]["kind"] for a in answers if "error" in a]
        params = {"sessionId": session, "command": "cat", "runAsync": True}
        started = [c.send_request("command/execute", params) for c in clients]
        ids = {c.result(request_id)["commandId"] for c, request_id in zip(clients, started, strict=True)}
        assert 2 == len(ids)
        host_of(machine, session)
        for c in clients:
            listed = c.request("command/list", {"sessionId": session})["commands"]
            assert ids == {command["commandId"] for command in listed}


def test_two_servers_at_once_start_a_command_once(machine: Machine) -> None:
    clients = [machine.client() for _ in range(2)]
    session = create(clients[0])
    for n in range(10):
        params = {
            "sessionId": session,
            "command": f"echo x >> starts{n}; cat",
            "commandId": f"c{n}",
            "runAsync": True,
        }
        pending = [c.send_request("command/execute", params) for c in clients]
        one, two = (c.result(request_id) for c, request_id in zip(clients, pending, strict=True))
        assert one["createdAt"] == two["createdAt"]
        clients[1].request("command/input", {"commandId": f"c{n}", "eof": True})
        for c in clients:
            assert 0 == c.wait_finished(f"c{n}")["exitCode"]
        assert "x\n" == (machine.work / f"starts{n}").read_text()


@pytest.mark.requirement("LIVE-3")
@pytest.mark.parametrize("machine", [{"DAYTONA_RPC_HOST_IDLE_S": "0.5"}], indirect=True)
def test_an_idle_host_ends_and_its_session_works_on(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    command_id = client.run(session, "cd /; colour=blue; echo one")["commandId"]
    running = client.start(create(client, "busy"), "sleep 600")
    eventually(lambda: 1 == len(machine.hosts()), what="one host left")
    assert b"one\n" == client.log(command_id)
    assert "/ blue\n" == client.run(session, "echo $PWD $colour")["output"]
    assert "running" == client.status(running)["status"]
    host_of(machine, "busy")


def test_a_host_stays_small_and_has_no_descriptor_of_its_server(machine: Machine) -> None:
    client = machine.client()
    session = create(client)
    client.start(session, "cat")
    host = psutil.Process(host_of(machine, session))
    assert host.memory_info().rss < 40 << 20
    assert host.pid == os.getsid(host.pid)
    servers, hosts = (
        {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
        for pid in (client.process.pid, host.pid)
    )
    assert set() == {name for name in servers & hosts if name.startswith(("pipe:", "socket:"))}


@pytest.mark.requirement("CMD-1", "CMD-3")
def test_a_command_whose_host_cannot_start_leaves_its_id_free(machine: Machine) -> None:
    client = machine.client()
    broken, whole = create(client, "broken"), create(client, "whole")
    eventually(lambda: 2 == len(sockets(machine)))
    os.kill(host_of(machine, broken), signal.SIGKILL)
    (path,) = (path for path in sockets(machine) if path.parent.name == broken)
    eventually(lambda: not path.exists())  # the server has noticed
    path.mkdir()
    error = client.refused("command/execute", sessionId=broken, command="true", commandId="wanted")
    assert ("hostUnavailable", True) == (error.data["kind"], error.data["retryable"])
    assert 0 == client.run(whole, "exit 0", commandId="wanted")["exitCode"]
    path.rmdir()
    assert "back\n" == client.run(broken, "echo back")["output"]


def test_a_host_that_hangs_holds_up_its_own_session_alone(machine: Machine) -> None:
    client = machine.client()
    hung, whole = create(client, "hung"), create(client, "whole")
    client.start(hung, "sleep 600")
    pid = host_of(machine, hung)
    os.kill(pid, signal.SIGSTOP)
    try:
        client = machine.client()
        assert "whole\n" == client.run(whole, "echo whole", timeout_s=5)["output"]
        error = client.refused("command/execute", sessionId=hung, command="true")
        assert "hostUnavailable" == error.data["kind"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "back\n" == client.run(hung, "echo back")["output"]

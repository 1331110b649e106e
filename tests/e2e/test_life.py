"""When the server ends, what stays, and what it never does."""

from __future__ import annotations

import contextlib
import signal
import socket
import stat
import subprocess
import sys

import psutil
import pytest

from tests.harness import Client, eventually
from tests.machine import Machine

END_S = 10
"""Twice what is promised for the end of a server whose client is gone."""


def running(client: Client) -> str:
    """A command that waits for the file `open`, then exits with 3."""
    session = client.request("sessions/create")["sessionId"]
    return client.start(session, "while [ ! -e open ]; do sleep 0.02; done; echo end; exit 3")


def assert_went_on(machine: Machine, command_id: str) -> None:
    (machine.work / "open").touch()
    client = machine.client()
    assert 3 == client.request("command/wait", {"commandId": command_id})["exitCode"]
    assert b"end\n" == client.log(command_id)


@pytest.mark.requirement("LIFE-7", "LIFE-9")
def test_the_server_ends_when_its_input_does_and_commands_go_on(machine: Machine) -> None:
    client = machine.client()
    command_id = running(client)
    client.end_input()
    client.process.wait(END_S)
    client.dispose()
    assert_went_on(machine, command_id)


@pytest.mark.requirement("LIFE-5", "LIFE-6", "LIFE-9")
@pytest.mark.parametrize(("shut_down", "exit_code"), [(True, 0), (False, 1)])
def test_the_server_ends_on_exit_and_commands_go_on(
    machine: Machine, shut_down: bool, exit_code: int
) -> None:
    client = machine.client()
    command_id = running(client)
    if shut_down:
        assert client.request("shutdown") is None
        assert -32600 == client.refused("sessions/list").code
    client.notify("exit")
    assert exit_code == client.process.wait(END_S)
    client.dispose()
    assert_went_on(machine, command_id)


@pytest.mark.requirement("LIFE-8", "LIFE-9")
@pytest.mark.parametrize("way", ["processId", "--clientProcessId"])
def test_the_server_ends_when_the_editor_s_process_is_gone(machine: Machine, way: str) -> None:
    editor = subprocess.Popen(["sleep", "600"])
    try:
        if way == "processId":
            client = machine.client(initialize=False)
            client.initialize(processId=editor.pid)
        else:
            client = machine.client(f"--clientProcessId={editor.pid}")
        command_id = running(client)
    finally:
        editor.kill()
        editor.wait()
    client.process.wait(END_S)
    client.dispose()
    assert_went_on(machine, command_id)


def test_a_stalled_server_ends_when_its_input_does(machine: Machine) -> None:
    client = machine.client()
    session = client.request("sessions/create")["sessionId"]
    client.pause()
    client.send_request("command/execute", {"sessionId": session, "command": "yes | head -c 50000000"})
    other = machine.client()
    eventually(lambda: other.request("command/list")["commands"])
    client.end_input()
    client.process.wait(END_S)


@pytest.mark.requirement("LIFE-9")
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_server_leaves_commands_alone(machine: Machine, signal_number: int) -> None:
    client = machine.client()
    command_id = running(client)
    client.process.send_signal(signal_number)
    client.process.wait(END_S)
    client.dispose()
    assert_went_on(machine, command_id)


@pytest.mark.requirement("SAFE-1", "SAFE-2")
def test_nothing_listens_on_tcp_and_the_state_is_private(machine: Machine) -> None:
    client = machine.client()
    command_id = running(client)
    for pid in machine.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # the gate's own `sleep` comes and goes
            assert [] == [c for c in psutil.Process(pid).net_connections("inet") if c.status == "LISTEN"]
    modes = {stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in [machine.state] if path.exists()}
    assert {0} == modes
    assert_went_on(machine, command_id)


@pytest.mark.requirement("SAFE-4")
def test_environment_input_and_keys_are_in_no_argument_list_and_no_log(machine: Machine) -> None:
    machine.env["DAYTONA_API_KEY"] = secret = "s3cr3t-value"
    client = machine.client("--log-level=debug")
    client.notify("$/setTrace", {"value": "verbose"})
    session = client.request("sessions/create", {"env": {"A": secret}})["sessionId"]
    command_id = client.start(session, "cat >/dev/null", env={"B": secret})
    client.request("command/input", {"commandId": command_id, "data": secret})
    for pid, argv in machine.processes().items():
        assert secret not in " ".join(argv), pid
    client.request("command/input", {"commandId": command_id, "eof": True})
    client.wait_finished(command_id)
    assert secret not in str([message for message in client.received if "method" in message])
    client.close()
    logs = [path for path in machine.root.rglob("*.log*") if path.is_file()]
    assert [] == [str(path) for path in logs if secret.encode() in path.read_bytes()]


def test_a_long_state_directory_works(machine: Machine) -> None:
    machine.state = machine.root / ("long" * 20) / ("directory" * 10) / "state"
    machine.env["DAYTONA_RPC_STATE_DIR"] = str(machine.state)
    client = machine.client()
    session = client.request("sessions/create", {"sessionId": "a" * 128})["sessionId"]
    assert "hi\n" == client.run(session, "echo hi")["output"]


def test_a_state_directory_that_cannot_be_written_is_said_and_not_fatal(machine: Machine) -> None:
    machine.state.parent.mkdir(exist_ok=True)
    machine.env["DAYTONA_RPC_STATE_DIR"] = "/proc/no/such"
    client = machine.client()
    error = client.refused("sessions/create")
    assert error.data["kind"] in ("hostUnavailable", "commandExecutionError")
    client.close()


@pytest.mark.requirement("SAFE-2")
def test_the_default_state_directory_follows_XDG(machine: Machine) -> None:
    del machine.env["DAYTONA_RPC_STATE_DIR"]
    machine.env["XDG_STATE_HOME"] = str(machine.home / "xdg")
    machine.state = machine.home / "xdg" / "daytona-rpc"
    client = machine.client()
    client.request("sessions/create")
    assert 0o700 == stat.S_IMODE(machine.state.stat().st_mode)


def test_the_server_can_be_served_on_a_pipe(machine: Machine) -> None:
    path = machine.root / "pipe"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)
        argv = [sys.executable, "-m", "daytona_rpc", f"--pipe={path}"]
        server = subprocess.Popen(argv, env=machine.env, cwd=machine.work)
        try:
            editor, _ = listener.accept()
            with editor:
                body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'
                editor.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                assert b"daytona-rpc" in editor.recv(1 << 16)
            assert server.wait(END_S) is not None
        finally:
            server.kill()
            server.wait()

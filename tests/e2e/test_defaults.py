"""What holds when nothing is said: directory, shell, sandbox, account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Client
from tests.machine import Machine

GOLDEN = Path(__file__).parents[1] / "wire" / "golden"


def session_of(machine: Machine, options: dict[str, Any], **params: Any) -> Any:
    client = machine.client(initialize=False)
    client.initialize(**options)
    return client.request("sessions/create", params)


def pwd(machine: Machine, options: dict[str, Any], **params: Any) -> str:
    session = session_of(machine, options, **params)
    output = machine.clients[-1].run(session["sessionId"], "pwd")["output"].rstrip("\n")
    assert session["cwd"] == output
    return str(output)


@pytest.mark.requirement("SES-3", "SES-4")
def test_the_default_directory_is_that_of_the_workspace(machine: Machine) -> None:
    first, second, third = (machine.root.resolve() / name for name in ("first é", "second", "third"))
    for directory in (first, second, third, first / "inner"):
        directory.mkdir()
    folders = {"workspaceFolders": [{"uri": first.as_uri(), "name": "f"}, {"uri": second.as_uri()}]}
    root_uri, root_path = {"rootUri": second.as_uri()}, {"rootPath": str(third)}
    assert str(first) == pwd(machine, {**folders, **root_uri, **root_path})
    assert str(second) == pwd(machine, {**root_uri, **root_path, "workspaceFolders": None})
    assert str(third) == pwd(machine, {**root_path, "workspaceFolders": []})
    assert str(machine.work.resolve()) == pwd(machine, {})
    assert str(first / "inner") == pwd(machine, folders, cwd="inner")


@pytest.mark.requirement("SES-4")
def test_a_tilde_is_the_home_directory(machine: Machine) -> None:
    (machine.home / "code").mkdir()
    home = str(machine.home.resolve())
    assert [home, f"{home}/code"] == [pwd(machine, {}, cwd=cwd) for cwd in ("~", "~/code")]


@pytest.mark.requirement("STATE-1", "STATE-2")
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/usr/bin/zsh"])
def test_state_is_carried_over_in_every_shell(machine: Machine, shell: str) -> None:
    if not Path(shell).exists():
        pytest.skip(f"no {shell} here")
    machine.env["SHELL"] = shell
    client = machine.client()
    session = client.request("sessions/create")
    assert shell == session["shell"]
    steps = {
        "cd /; export COLOUR='dark  blue'; plain=yes; alias hi='echo hello'; set -o noglob; umask 027": "",
        'echo "$PWD $COLOUR $plain"; umask; echo *': "/ dark  blue yes\n{umask}\n*\n",
        "hi": "hello\n",
        "greet() { echo hey; }": "",
        "exit 3": "",
    }
    if shell != "/bin/sh":
        steps["greet"] = "hey\n"
    for text, expected in steps.items():
        output = client.run(session["sessionId"], text)["output"]
        assert output in (expected.format(umask="0027"), expected.format(umask="027")), text


@pytest.mark.parametrize("shell", ["/no/such/shell", ""])
def test_without_a_usable_shell_in_the_environment_another_is_found(machine: Machine, shell: str) -> None:
    machine.env["SHELL"] = shell
    client = machine.client()
    session = client.request("sessions/create")
    assert session["shell"] != shell
    assert "hi\n" == client.run(session["sessionId"], "echo hi")["output"]


@pytest.mark.requirement("SBX-1", "SBX-5", "SAFE-5")
def test_a_key_in_a_file_of_the_workspace_is_not_used(machine: Machine) -> None:
    for name in (".env", ".env.local", ".envrc"):
        text = "DAYTONA_API_KEY=dtn_planted\nDAYTONA_API_URL=http://127.0.0.1:1/api\n"
        (machine.work / name).write_text(text)
    client = machine.client(initialize=False)
    client.initialize(workspaceFolders=[{"uri": machine.work.as_uri(), "name": "w"}])
    assert ["local"] == [s["sandboxId"] for s in client.request("sandbox/list")["sandboxes"]]
    for method in ("sandbox/create", "sandbox/get"):
        assert "authentication" == client.refused(method, sandboxId="elsewhere").data["kind"]


@pytest.mark.requirement("SBX-6", "SES-13")
def test_the_sandbox_of_the_connection_is_that_of_new_sessions(machine: Machine) -> None:
    assert "local" == session_of(machine, {})["sandboxId"]
    assert "local" == session_of(machine, {"initializationOptions": {"sandboxId": "local"}})["sandboxId"]
    client = machine.client(initialize=False)
    client.initialize(initializationOptions={"sandboxId": "elsewhere"})
    assert "authentication" == client.refused("sessions/create").data["kind"]
    session = client.request("sessions/create", {"sandboxId": "local"})["sessionId"]
    assert "hi\n" == client.run(session, "echo hi")["output"]
    error = client.refused("command/execute", sessionId=session, sandboxId="elsewhere", command="true")
    assert (-32602, "sandboxId") == (error.code, error.data["path"])


@pytest.mark.requirement("VER-1", "VER-3")
def test_the_server_says_what_it_is_and_takes(machine: Machine) -> None:
    client: Client = machine.client(initialize=False)
    result = client.initialize()
    assert {"name", "version"} == result["serverInfo"].keys()
    ours = result["capabilities"]["experimental"]["daytonaRpc"]
    assert {"protocolVersion", "methods", "notifications", "shells", "localShell"} == ours.keys()
    assert (1, "/bin/bash") == (ours["protocolVersion"], ours["localShell"])
    assert ours["localShell"] in ours["shells"]
    for method in ours["methods"]:
        if not method.startswith("$/") and method not in ("initialize", "initialized", "shutdown", "exit"):
            answer = client.answer(client.send_request(method, {"commandId": "no", "sessionId": "no"}))
            assert -32601 != answer.get("error", {}).get("code"), method
    example = json.loads((GOLDEN / "InitializeResult" / "walkthrough.json").read_text("utf-8"))
    described = example["capabilities"]["experimental"]["daytonaRpc"]
    assert (described["methods"], described["notifications"]) == (ours["methods"], ours["notifications"])

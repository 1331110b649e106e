"""What is installed: a wheel with all that the server needs, and nothing of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from daytona_rpc import __version__
from tests.machine import Machine

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout; its build tool comes from PyPI."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [*PIP, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution found for hatchling" in done.stderr:
        pytest.skip("hatchling cannot be fetched")
    assert 0 == done.returncode, done.stderr
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel alone; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder)
    python = str(folder / "bin" / "python")
    subprocess.run([*PIP, "--python", python, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return folder / "bin"


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "daytona_rpc"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert set(tracked) <= names
    assert {"daytona_rpc"} == {name.split("/")[0] for name in names}
    assert not [name for name in names if name.endswith(".pyc")]
    assert "daytona_rpc/py.typed" in names
    shells = {
        f"daytona_rpc/host/shells/{part}.{kind}"
        for part in ("prelude", "epilogue")
        for kind in ("bash", "sh", "zsh")
    }
    assert shells <= names


def test_the_wheel_says_its_version_its_licence_and_what_it_needs(wheel: Path) -> None:
    folder = f"daytona_rpc-{__version__}.dist-info"
    with ZipFile(wheel) as file:
        metadata = Parser().parsestr(file.read(f"{folder}/METADATA").decode())
        assert f"{folder}/licenses/LICENSE" in file.namelist()
    assert ("daytona-rpc", __version__) == (metadata["Name"], metadata["Version"])
    needed = {
        line.split(";")[0] for line in metadata.get_all("Requires-Dist") or () if "extra ==" not in line
    }
    names = {line.split(">")[0].split("<")[0].strip() for line in needed}
    assert {"attrs", "cattrs", "httpx", "lsprotocol", "orjson", "platformdirs", "pygls"} == names


def test_the_installed_command_says_its_version(installed: Path) -> None:
    done = subprocess.run(
        [installed / "daytona-rpc", "--version"], capture_output=True, text=True, check=True
    )
    assert f"daytona-rpc {__version__}\n" == done.stdout


def test_the_installed_server_runs_a_command(installed: Path, tmp_path: Path) -> None:
    server = (str(installed / "daytona-rpc"), "--stdio")
    machine = Machine(tmp_path, server, PYTHONPATH=sysconfig.get_path("purelib"))
    client = machine.client()
    session_id = client.request("sessions/create")["sessionId"]
    client.run(session_id, "colour=blue")
    assert "blue\n" == client.run(session_id, "echo $colour")["output"]
    (host,) = machine.hosts()
    arguments = Path(f"/proc/{host}/cmdline").read_bytes().decode().split("\0")
    assert [argument for argument in arguments if argument.startswith(str(installed.parent) + os.sep)]
    machine.sweep()

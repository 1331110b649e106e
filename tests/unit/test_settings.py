"""Where the server keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daytona_rpc import settings


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_STATE_HOME", settings.STATE_DIR_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_an_option_comes_before_the_environment_and_that_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{tmp_path}/.local/state/daytona-rpc" == settings.state_dir()
    monkeypatch.setenv("XDG_STATE_HOME", "/xdg")
    assert "/xdg/daytona-rpc" == settings.state_dir()
    monkeypatch.setenv(settings.STATE_DIR_VARIABLE, "/variable")
    assert "/variable" == settings.state_dir()
    assert "/option" == settings.state_dir("/option")


@pytest.mark.parametrize(("given", "expected"), [("~/x", "{}/x"), ("x/../y", "{}/y"), ("/a//b/", "/a/b")])
def test_paths_are_absolute(
    tmp_path: Path, given: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expected.format(tmp_path) == settings.state_dir(given)
    assert expected.format(tmp_path) == settings.log_file(given, "/state")
    monkeypatch.setenv(settings.STATE_DIR_VARIABLE, given)
    assert expected.format(tmp_path) == settings.state_dir()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    default = settings.state_dir()
    monkeypatch.setenv(settings.STATE_DIR_VARIABLE, "")
    assert default == settings.state_dir("")


def test_the_log_file_is_in_the_state_directory() -> None:
    assert os.path.join("/state", "server.log") == settings.log_file(None, "/state")

"""The server's log file: private, rotated, and never a traceback on stderr."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daytona_rpc import journal


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    names = (None, "daytona_rpc", "pygls")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = {name: list(logging.getLogger(name).handlers) for name in names}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    umask = os.umask(0o022)
    yield
    os.umask(umask)
    for handler in set(root.handlers) - set(handlers[None]):
        handler.close()
    for name in names:
        logging.getLogger(name).handlers[:] = handlers[name]
        logging.getLogger(name).setLevel(levels[name])


def flush() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "server.log"


def test_what_we_say_is_there_from_its_level_on(path: Path) -> None:
    journal.start(str(path), "info")
    log = logging.getLogger("daytona_rpc.somewhere")
    log.debug("a detail")
    log.info("news of %s", "us")
    logging.getLogger("another.library").info("news of others")
    logging.getLogger("another.library").warning("a warning of others")
    flush()
    lines = path.read_text().splitlines()
    assert ["daytona_rpc.somewhere: news of us", "another.library: a warning of others"] == [
        line.split(" ", 4)[4] for line in lines
    ]
    assert all(line.split()[2] == str(os.getpid()) for line in lines)


def test_pygls_says_nothing_for_it_quotes_params(path: Path) -> None:
    journal.start(str(path), "debug")
    logging.getLogger("pygls.protocol.json_rpc").error("%s", {"env": {"TOKEN": "secret"}})
    flush()
    assert "" == path.read_text()


def test_the_file_is_private_before_and_after_it_was_rotated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_FILE_BYTES", 2000)
    journal.start(str(path), "info")
    for number in range(200):
        logging.getLogger("daytona_rpc").info("line %d", number)
    flush()
    files = sorted(path.parent.iterdir())
    assert ["server.log", "server.log.1", "server.log.2"] == [file.name for file in files]
    assert [0o600] * 3 == [file.stat().st_mode & 0o777 for file in files]
    assert 0o700 == path.parent.stat().st_mode & 0o777
    assert sum(file.stat().st_size for file in files) <= 3 * 2000
    assert "line 199" in path.read_text()


def test_an_exception_that_ends_the_server_is_in_the_file_and_not_on_stderr(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.start(str(path), "error")
    try:
        raise ValueError("a bug")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    flush()
    assert "ValueError" in path.read_text()
    assert "" == capsys.readouterr().err


def test_a_full_disk_is_not_told_on_stderr(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    text = (
        "import logging, sys; from daytona_rpc import journal; journal.start(sys.argv[1], 'info'); "
        "logging.getLogger('daytona_rpc').info('lost')"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, str(path)],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert b"" == done.stdout + done.stderr


def test_a_file_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        journal.start(str(tmp_path / "file" / "server.log"), "info")


def test_the_client_is_told_of_warnings_and_errors_of_ours_alone() -> None:
    told: list[tuple[bool, str]] = []
    journal.tell(lambda error, text: told.append((error, text)))
    logging.getLogger("daytona_rpc.a").info("news")
    logging.getLogger("daytona_rpc.a").warning("a %s", "warning")
    logging.getLogger("daytona_rpc.b").error("an error")
    logging.getLogger("another").error("of others")
    assert [(False, "a warning"), (True, "an error")] == told


def test_a_warning_about_the_telling_is_not_told() -> None:
    told: list[str] = []

    def send(error: bool, text: str) -> None:
        told.append(text)
        logging.getLogger("daytona_rpc").warning("while telling")

    journal.tell(send)
    logging.getLogger("daytona_rpc").warning("first")
    logging.getLogger("daytona_rpc").warning("second")
    assert ["first", "second"] == told

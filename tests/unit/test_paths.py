"""The state directory: which ids may be paths, who has a command's id, how files are replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daytona_rpc.host import paths
from daytona_rpc.protocol import CommandParams
from daytona_rpc.protocol.fields import ConstraintError

RACES = 200

PIPES: Any = {
    "stdin": subprocess.PIPE,
    "stdout": subprocess.PIPE,
    "bufsize": 0,
    "cwd": Path(__file__).parents[2],
}
CLAIM = """
import sys
from daytona_rpc.host import paths
for line in sys.stdin:
    print(paths.claim(sys.argv[1], line.strip(), sys.argv[2]), flush=True)
"""


@pytest.fixture
def state(tmp_path: Path) -> str:
    directory = str(tmp_path / "state")
    paths.make_state_dir(directory)
    return directory


def make_session(state: str, session_id: str) -> str:
    directory = paths.session_dir(state, session_id)
    os.makedirs(os.path.join(directory, "commands"))
    return directory


# Ids


@pytest.mark.parametrize("text", ["a", "0", "A.b_c-9", "x" * 128, "run-5d0f77c2", "a..b", "CON"])
def test_the_agreed_form_is_an_id(text: str) -> None:
    assert paths.is_id(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", ".a", "-a", "_a", "a/b", "a\0", "a b", "a\n", "ä", "٣", "x" * 129, "a%2f", "a\\b"]
)
def test_anything_else_is_no_id_and_never_becomes_a_path(text: str) -> None:
    assert not paths.is_id(text)
    for make in (paths.session_dir, paths.command_dir, paths.claim_path):
        with pytest.raises(ValueError, match="not a"):
            make("/state", text)


@given(st.text(max_size=130))
def test_the_wire_and_the_disk_agree_on_what_an_id_is(text: str) -> None:
    try:
        CommandParams(command_id=text)
        allowed = True
    except ConstraintError:
        allowed = False
    assert allowed == paths.is_id(text)


def test_a_session_directory_tells_its_state_directory() -> None:
    assert "/a/b" == paths.state_dir_of(paths.session_dir("/a/b", "s"))


# Claims


def test_a_claim_is_kept_by_who_made_it(state: str) -> None:
    make_session(state, "first")
    make_session(state, "second")
    assert paths.owner_of(state, "c") is None
    assert "first" == paths.claim(state, "c", "first")
    assert "first" == paths.claim(state, "c", "second")
    assert "first" == paths.claim(state, "c", "first")
    assert "first" == paths.owner_of(state, "c")


def test_a_claim_leads_to_the_directory_of_the_command(state: str) -> None:
    directory = make_session(state, "s")
    paths.claim(state, "c", "s")
    os.mkdir(paths.command_dir(directory, "c"))
    assert os.path.samefile(paths.claim_path(state, "c"), paths.command_dir(directory, "c"))


def test_a_claim_of_a_session_that_is_gone_is_nobodys_and_is_taken_over(state: str) -> None:
    paths.claim(state, "c", "gone")
    assert paths.owner_of(state, "c") is None
    make_session(state, "s")
    assert "s" == paths.claim(state, "c", "s")
    assert "s" == paths.owner_of(state, "c")


@pytest.mark.parametrize("stale", [False, True], ids=["free", "stale"])
def test_of_two_processes_that_claim_an_id_exactly_one_gets_it(state: str, stale: bool) -> None:
    sessions = ("s0", "s1")
    for session_id in sessions:
        make_session(state, session_id)
    for number in range(RACES if stale else 0):
        paths.claim(state, f"c{number}", "gone")
    claims = [subprocess.Popen([sys.executable, "-c", CLAIM, state, s], **PIPES) for s in sessions]
    try:
        for number in range(RACES):
            owners = []
            for process in claims:  # told first and asked later, so that both are at it together
                process.stdin.write(b"c%d\n" % number)
            for process in claims:
                owners.append(process.stdout.readline().decode().strip())
            assert {paths.owner_of(state, f"c{number}")} == set(owners)
    finally:
        for process in claims:
            process.communicate(timeout=10)


def test_of_many_claims_of_a_stale_id_at_the_same_time_exactly_one_wins(state: str) -> None:
    for number in range(4):
        make_session(state, f"s{number}")
    for race in range(RACES):
        command_id = f"c{race}"
        paths.claim(state, command_id, "gone")
        with ThreadPoolExecutor(4) as pool:
            owners = set(pool.map(partial(paths.claim, state, command_id), [f"s{n}" for n in range(4)]))
        assert {paths.owner_of(state, command_id)} == owners


# The state directory itself


def test_the_state_directory_is_private_also_where_it_was_not(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "state"
    directory.mkdir(parents=True, mode=0o755)
    directory.chmod(0o755)
    paths.make_state_dir(str(directory))
    paths.make_state_dir(str(directory))
    assert {"sessions", "commands"} == set(os.listdir(directory))
    assert [0o700] * 3 == [
        path.stat().st_mode & 0o777 for path in (directory, directory / "sessions", directory / "commands")
    ]


def test_a_state_directory_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match="another user"):
        paths.make_state_dir(str(tmp_path))


# Files


def test_a_file_is_replaced_as_a_whole_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    paths.write_file(str(path), b"old")
    reader = path.open("rb")
    paths.write_file(str(path), b"new" * 100_000)
    assert b"old" == reader.read()
    reader.close()
    assert b"new" * 100_000 == paths.read_file(str(path))
    assert 0o600 == path.stat().st_mode & 0o777
    assert ["file"] == os.listdir(tmp_path)


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        paths.write_file(str(tmp_path / "file"), b"new")
    assert ["file"] == os.listdir(tmp_path)


def test_the_longest_ids_fit_into_names_and_paths(tmp_path: Path) -> None:
    state = str(tmp_path.joinpath(*["d" * 100] * 5))
    paths.make_state_dir(state)
    longest = "x" * paths.ID_MAX_CHARS
    directory = make_session(state, longest)
    assert longest == paths.claim(state, longest, longest)
    os.mkdir(paths.command_dir(directory, longest))
    path = os.path.join(paths.command_dir(directory, longest), "record.json")
    paths.write_file(path, b"{}")
    assert b"{}" == paths.read_file(path)
    paths.remove_tree(directory)
    assert paths.owner_of(state, longest) is None


def test_a_tree_is_removed_but_nothing_that_a_link_in_it_leads_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "a" / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("nowhere")
    paths.remove_tree(str(tree))
    paths.remove_tree(str(tree))
    assert ["outside"] == os.listdir(tmp_path)
    assert ["kept"] == os.listdir(outside)


def test_two_that_remove_the_same_tree_both_come_through(tmp_path: Path) -> None:
    for _ in range(20):
        tree = tmp_path / "tree"
        for name in range(30):
            (tree / str(name)).mkdir(parents=True)
            (tree / str(name) / "file").touch()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(paths.remove_tree, [str(tree)] * 2))
        assert not tree.exists()

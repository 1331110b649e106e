"""Finding and ending all processes of a command: those that hide too, and no others."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc.host import tree
from daytona_rpc.host.tree import Ending, members
from tests.harness import eventually
from tests.unit.driven import DrivenLoop

SCRIPTS = Path(__file__).parents[1] / "scripts"
DIRECTORY = "/state/sessions/tree-test"
MARKS = tree.marks(DIRECTORY, "c")
SLEEP = "import time; time.sleep(600)"

# Starts a child that takes off the marks and leaves the process session; its parent lives on.
CLEARED = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], env={{}}, start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""
# Has a child that has ended and that nobody waits for.
ZOMBIE = """
import os, sys, time
child = os.fork()
if not child:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
time.sleep(600)
"""
# Ignores TERM.
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(0, flush=True)
time.sleep(600)
"""


class Leader:
    """A process as a command's first one: marked, leading a process session; and what it printed."""

    def __init__(self, *argv: str, directory: str = DIRECTORY, command_id: str = "c") -> None:
        env = {**os.environ, tree.SESSION_MARK: directory, tree.COMMAND_MARK: command_id}
        self.process = subprocess.Popen(
            [sys.executable, *argv], env=env, start_new_session=True, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.pid = self.process.pid
        self.printed = [int(word) for word in self.process.stdout.readline().split()]


Begin = Callable[..., Leader]


@pytest.fixture
def begin() -> Iterator[Begin]:
    leaders: list[Leader] = []

    def start(*argv: str, **options: Any) -> Leader:
        leaders.append(Leader(*argv, **options))
        return leaders[-1]

    yield start
    for leader in leaders:
        for pid in {leader.pid, *leader.printed} - {0}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        leader.process.communicate()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# Finding


def test_children_sessions_of_their_own_and_double_forks_are_found(begin: Begin) -> None:
    family = begin(str(SCRIPTS / "family.py"))
    assert sorted([family.pid, *family.printed]) == members(family.pid, MARKS)


def test_what_is_left_is_found_by_its_marks_once_the_leader_has_ended(begin: Begin) -> None:
    family = begin(str(SCRIPTS / "family.py"), "--leave")
    family.process.wait()
    assert sorted(family.printed) == members(None, MARKS)
    assert sorted(family.printed) == members(None, tree.marks(DIRECTORY))


def test_a_child_without_marks_in_a_session_of_its_own_is_found_through_its_parent(begin: Begin) -> None:
    leader = begin("-c", CLEARED)
    eventually(lambda: os.getsid(leader.printed[0]) == leader.printed[0])
    assert sorted([leader.pid, *leader.printed]) == members(leader.pid, MARKS)


def test_zombies_are_not_counted(begin: Begin) -> None:
    leader = begin("-c", ZOMBIE)
    assert [leader.pid] == members(leader.pid, MARKS)
    os.kill(leader.pid, signal.SIGKILL)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert [] == members(leader.pid, MARKS)


@pytest.mark.parametrize(
    ("directory", "command_id"),
    [(DIRECTORY, "c2"), (DIRECTORY, "d"), (DIRECTORY + "2", "c"), ("/x" + DIRECTORY, "c")],
)
def test_marks_of_others_are_told_apart_though_they_begin_alike(
    begin: Begin, directory: str, command_id: str
) -> None:
    begin("-c", f"print(0, flush=True); {SLEEP}", directory=directory, command_id=command_id)
    assert [] == members(None, MARKS)


def test_the_host_itself_is_never_one_of_them(monkeypatch: pytest.MonkeyPatch, begin: Begin) -> None:
    leader = begin("-c", f"print(0, flush=True); {SLEEP}")
    monkeypatch.setattr(os, "getpid", lambda: leader.pid)
    assert [] == members(leader.pid, MARKS)


def test_a_name_with_parentheses_and_spaces_is_read_over(begin: Begin, tmp_path: Path) -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b') R 1 1 (', 0, 0, 0)"
    leader = begin("-c", f"{rename}; print(0, flush=True); {SLEEP}")
    assert [leader.pid] == members(leader.pid, [b"NONE=1"])


def test_without_proc_the_leader_alone_is_known(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = begin("-c", f"print(0, flush=True); {SLEEP}")

    def no_proc(path: str) -> list[str]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "listdir", no_proc)
    assert [leader.pid] == members(leader.pid, MARKS)
    leader.process.kill()
    leader.process.wait()
    assert [] == members(leader.pid, MARKS)
    assert [] == members(None, MARKS)


# Ending


class Ended:
    """What an ending calls when it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def end(loop: DrivenLoop, leader: Leader, grace_s: float) -> tuple[Ending, Ended]:
    ended = Ended()
    return Ending(loop, lambda: members(leader.pid, MARKS), grace_s, ended, leader.pid), ended


def test_the_whole_family_ends_at_the_first_asking(loop: DrivenLoop, begin: Begin) -> None:
    family = begin(str(SCRIPTS / "family.py"))
    loop.watch_child(family.pid, lambda status: None)
    before = len(os.listdir("/proc/self/fd"))
    began = time.monotonic()
    _, ended = end(loop, family, 30)
    loop.until(lambda: ended.times)
    assert time.monotonic() - began < 10
    assert [] == [pid for pid in (family.pid, *family.printed) if alive(pid)]
    assert before == len(os.listdir("/proc/self/fd"))


def test_what_ignores_the_asking_is_killed_after_the_grace(loop: DrivenLoop, begin: Begin) -> None:
    leader = begin("-c", STUBBORN)
    _, ended = end(loop, leader, 0.1)
    loop.until(lambda: ended.times)
    assert not alive(leader.pid)
    assert 1 == ended.times


def test_what_is_stopped_is_woken_to_hear_it(loop: DrivenLoop, begin: Begin) -> None:
    leader = begin("-c", f"print(0, flush=True); {SLEEP}")
    os.kill(leader.pid, signal.SIGSTOP)
    statuses: list[int] = []
    loop.watch_child(leader.pid, statuses.append)
    _, ended = end(loop, leader, 30)
    loop.until(lambda: ended.times and statuses)
    assert signal.SIGTERM == os.WTERMSIG(statuses[0])


def test_the_grace_can_be_cut_short(loop: DrivenLoop, begin: Begin) -> None:
    leader = begin("-c", STUBBORN)
    ending, ended = end(loop, leader, 600)
    ending.kill()
    ending.kill()
    loop.until(lambda: ended.times)
    ending.kill()
    assert 1 == ended.times
    assert not alive(leader.pid)


def test_what_cleans_up_within_the_grace_is_left_to_it(loop: DrivenLoop, begin: Begin) -> None:
    text = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (print('clean'), sys.exit(7))); "
        "print(0, flush=True); signal.pause()"
    )
    leader = begin("-c", text)
    statuses: list[int] = []
    loop.watch_child(leader.pid, statuses.append)
    _, ended = end(loop, leader, 30)
    loop.until(lambda: ended.times and statuses)
    assert 7 == os.WEXITSTATUS(statuses[0])


def test_what_is_started_meanwhile_is_ended_too(loop: DrivenLoop, begin: Begin) -> None:
    text = f"""
import signal, subprocess, sys
def again(*_):
    subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, again)
print(0, flush=True)
signal.pause()
"""
    leader = begin("-c", text)
    _, ended = end(loop, leader, 30)
    loop.until(lambda: ended.times)
    assert [] == members(leader.pid, MARKS)


def test_where_there_is_nothing_it_is_done_at_once(loop: DrivenLoop) -> None:
    ended = Ended()
    Ending(loop, list, 600, ended)
    assert 1 == ended.times


def test_where_processes_cannot_be_watched_they_are_looked_for_again(
    loop: DrivenLoop, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(pid: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", none)
    leader = begin("-c", STUBBORN)
    _, ended = end(loop, leader, 0.1)
    loop.until(lambda: ended.times)
    assert not alive(leader.pid)


def test_what_cannot_be_killed_holds_it_up_for_a_bounded_time(
    loop: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "_AFTER_KILL_S", 0.1)
    monkeypatch.setattr(tree, "send", lambda pids, number: None)
    ended = Ended()
    Ending(loop, lambda: [os.getpid()], 0.1, ended)
    loop.until(lambda: ended.times)
    assert 1 == ended.times


def test_orphans_are_adopted_so_that_they_can_be_reaped() -> None:
    text = (
        "import os, sys; from daytona_rpc.host import tree; tree.adopt_orphans()\n"
        "read, write = os.pipe()\n"
        "if not os.fork():\n"
        "    if not os.fork():\n"
        "        os.read(read, 1); os._exit(9)\n"
        "    os._exit(0)\n"
        "os.wait(); os.write(write, b'x'); print(os.waitstatus_to_exitcode(os.wait()[1]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd=SCRIPTS.parents[1], check=True
    )
    assert "9\n" == found.stdout

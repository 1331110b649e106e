"""The loop of a host: nothing that happens in a callback ends it, no child and no timer is missed."""

from __future__ import annotations

import errno
import os
import signal
import time

from tests.unit.driven import DrivenLoop


def spawn(text: str) -> int:
    return os.posix_spawn("/bin/sh", ["sh", "-c", text], dict(os.environ))


class Pipe:
    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


# Timers


def test_timers_come_in_the_order_they_are_due(loop: DrivenLoop) -> None:
    came: list[int] = []
    for number, delay in enumerate((0.02, 0.0, 0.01, 0.0)):
        loop.call_later(delay, lambda number=number: came.append(number))
    loop.until(lambda: len(came) == 4)
    assert [1, 3, 2, 0] == came


def test_a_cancelled_timer_never_comes_not_even_when_cancelled_by_one_due_with_it(loop: DrivenLoop) -> None:
    came: list[str] = []
    later = loop.call_later(0, lambda: came.append("cancelled"))
    loop.call_later(-1, later.cancel)
    loop.call_later(0.01, lambda: came.append("last"))
    loop.until(lambda: came)
    assert ["last"] == came


def test_timers_due_at_once_and_again_starve_no_descriptor(loop: DrivenLoop) -> None:
    pipe = Pipe()
    came: list[bytes] = []

    def again() -> None:
        loop.call_later(0, again)

    again()
    loop.add_reader(pipe.read, lambda: came.append(os.read(pipe.read, 9)))
    os.write(pipe.write, b"x")
    loop.until(lambda: came)
    pipe.close()


# Descriptors


def test_a_descriptor_is_watched_for_both_directions_until_each_is_removed(loop: DrivenLoop) -> None:
    pipe = Pipe()
    came: list[str] = []
    loop.add_writer(pipe.write, lambda: came.append("writable"))
    loop.until(lambda: came)
    loop.remove_writer(pipe.write)
    loop.add_reader(pipe.read, lambda: came.append("readable") or os.read(pipe.read, 1))  # type: ignore[func-returns-value]
    came.clear()
    os.write(pipe.write, b"x")
    loop.until(lambda: came)
    loop.remove_reader(pipe.read)
    os.write(pipe.write, b"x")
    loop.until(lambda: True)
    assert ["readable"] == came
    loop.remove_reader(pipe.read)
    pipe.close()


def test_a_callback_removed_by_another_of_the_same_turn_does_not_come(loop: DrivenLoop) -> None:
    first, second = Pipe(), Pipe()
    came: list[str] = []

    def on_first() -> None:
        came.append("first")
        loop.remove_reader(first.read)
        loop.remove_reader(second.read)

    def on_second() -> None:
        came.append("second")
        loop.remove_reader(first.read)
        loop.remove_reader(second.read)

    loop.add_reader(first.read, on_first)
    loop.add_reader(second.read, on_second)
    os.write(first.write, b"x")
    os.write(second.write, b"x")
    loop.until(lambda: came)
    assert 1 == len(came)
    first.close()
    second.close()


def test_a_number_used_again_in_the_same_turn_is_not_taken_for_the_old_descriptor(loop: DrivenLoop) -> None:
    pipes = Pipe(), Pipe()
    opened: list[int] = []
    came: list[str] = []

    def swap(other: Pipe) -> None:
        """Close the other's descriptor and put another under its number."""
        came.append("old")
        for pipe in pipes:
            loop.remove_reader(pipe.read)
        read, write = os.pipe()
        os.dup2(read, other.read)
        os.close(read)
        loop.add_reader(other.read, lambda: came.append("new"))
        loop.call_later(0.02, lambda: came.append("later"))
        opened.append(write)

    loop.add_reader(pipes[0].read, lambda: swap(pipes[1]))
    loop.add_reader(pipes[1].read, lambda: swap(pipes[0]))
    for pipe in pipes:
        os.write(pipe.write, b"x")
    loop.until(lambda: "later" in came)
    assert ["old", "later"] == came
    for pipe in pipes:
        loop.remove_reader(pipe.read)
        pipe.close()
    os.close(opened[0])


# Children


def test_each_child_is_told_once_with_its_status(loop: DrivenLoop) -> None:
    ended: dict[int, list[int]] = {}
    for code in range(20):
        pid = spawn(f"exit {code}")
        loop.watch_child(pid, lambda status, code=code: ended.setdefault(code, []).append(status))
    loop.until(lambda: len(ended) == 20)
    assert {code: [code << 8] for code in range(20)} == ended


def test_a_child_started_by_the_end_of_another_is_told_too(loop: DrivenLoop) -> None:
    ended: list[int] = []

    def first(status: int) -> None:
        loop.watch_child(spawn("exit 2"), ended.append)

    loop.watch_child(spawn("exit 1"), first)
    loop.until(lambda: ended)
    assert [2 << 8] == ended


def test_children_nobody_watches_are_reaped(loop: DrivenLoop) -> None:
    orphan = spawn("exit 0")
    loop.until(lambda: not os.path.exists(f"/proc/{orphan}"))


def test_an_exception_about_one_child_hides_no_other(loop: DrivenLoop) -> None:
    ended: list[int] = []

    def fail(status: int) -> None:
        raise ValueError("of a child")

    for _ in range(5):
        loop.watch_child(spawn("exit 0"), fail)
        loop.watch_child(spawn("exit 0"), ended.append)
    loop.until(lambda: len(ended) == 5 and len(loop.errors) == 5)
    loop.errors.clear()


# What goes wrong


def test_an_exception_in_any_callback_is_told_and_the_loop_goes_on(loop: DrivenLoop) -> None:
    pipe = Pipe()
    turns: list[None] = []

    def fail() -> None:
        loop.remove_reader(pipe.read)
        raise ValueError("of a reader")

    def fail_after() -> None:
        turns.append(None)
        if len(turns) == 1:
            raise ValueError("of a turn")

    def fail_later() -> None:
        raise ValueError("of a timer")

    loop.add_reader(pipe.read, fail)
    loop.after_each_turn(fail_after)
    loop.call_later(0, fail_later)
    os.write(pipe.write, b"x")
    loop.until(lambda: len(loop.errors) == 3 and len(turns) > 2)
    assert {"of a reader", "of a turn", "of a timer"} == set(map(str, loop.errors))
    loop.errors.clear()
    pipe.close()


def test_an_exception_in_telling_of_one_does_not_end_the_loop_either(loop: DrivenLoop) -> None:
    came: list[str] = []

    def fail() -> None:
        raise ValueError

    def full_disk() -> None:
        came.append("told")
        raise OSError(errno.ENOSPC, "no space left for the log of errors")

    loop.on_error = full_disk
    loop.call_later(0, fail)
    loop.call_later(0.01, lambda: came.append("later"))
    loop.until(lambda: "later" in came)
    assert ["told", "later"] == came


def test_it_sleeps_while_nothing_happens(loop: DrivenLoop) -> None:
    turns: list[float] = []
    loop.after_each_turn(lambda: turns.append(time.process_time()))
    loop.call_later(0.1, loop.stop)
    loop.run()
    assert 1 == len(turns)


def test_a_signal_wakes_it_once(loop: DrivenLoop) -> None:
    turns: list[None] = []
    loop.after_each_turn(lambda: turns.append(None))
    loop.call_later(0.1, loop.stop)
    os.kill(os.getpid(), signal.SIGCHLD)
    loop.run()
    assert 2 == len(turns)

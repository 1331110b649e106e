"""The log on disk: every byte from `base` to `size` once, in order, with its channel, whatever happens."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daytona_rpc.host import log
from daytona_rpc.host.log import LogWriter, held_back
from daytona_rpc.host.logreader import LogReader, Piece

QUICK = settings(deadline=None, max_examples=25)
START_MS = 1_700_000_000_000

channels = st.integers(0, 2)
appends = st.tuples(
    channels,
    st.one_of(st.integers(1, 50), st.integers(1, 100_000)),  # bytes
    st.sampled_from([0, 0, 1, 50, 1000]),  # milliseconds since the one before
)
caps = st.sampled_from([0, 128 << 10, 300 << 10, 256 << 20])


class Model:
    """What was appended, beside the writer that got it."""

    def __init__(self, cap: int = log.CAP_BYTES) -> None:
        self.directory = tempfile.mkdtemp()
        self.writer = LogWriter(self.directory, cap)
        self.whole = bytearray()
        self.channels = bytearray()
        self.now = START_MS
        self._random = Random(1)

    def append(self, channel: int, size: int, later_ms: int = 0) -> None:
        data = self._random.randbytes(size)
        self.now += later_ms
        self.whole += data
        self.channels += bytes([channel]) * size
        self.writer.append(channel, data, self.now)
        assert len(self.whole) == self.writer.size

    def check(self, pieces: list[Piece]) -> None:
        """Each piece is what was appended there; they lie side by side."""
        for piece, after in itertools.pairwise(pieces):
            assert piece.offset + len(piece.data) == after.offset
        for offset, channel, at_ms, data in pieces:
            end = offset + len(data)
            assert data
            assert self.whole[offset:end] == data
            assert self.channels[offset:end] == bytes([channel]) * len(data)
            assert START_MS <= at_ms <= self.now

    def check_whole(self) -> None:
        """All that the writer says is there can be read, and nothing else."""
        base, size = self.writer.base, self.writer.size
        reader = LogReader(self.directory)
        assert (base, size) == reader.bounds()
        pieces = reader.read(0, size, 1 << 40)
        self.check(pieces)
        assert self.whole[base:size] == b"".join(piece.data for piece in pieces)
        assert base == (pieces[0].offset if pieces else size)
        reader.close()

    def close(self) -> None:
        self.writer.close()
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        os.rmdir(self.directory)


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    yield model
    model.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# Reading what was written


@QUICK
@given(st.lists(appends, max_size=12), caps, st.data())
def test_a_read_gives_exactly_the_bytes_of_its_range(
    steps: list[tuple[int, int, int]], cap: int, data: st.DataObject
) -> None:
    model = Model(cap)
    try:
        for step in steps:
            model.append(*step)
        if steps:
            model.check_whole()
        base, size = model.writer.base, model.writer.size
        reader = LogReader(model.directory)
        for _ in range(5):
            offset = data.draw(st.integers(0, size))
            end = data.draw(st.integers(offset, size))
            limit = data.draw(st.integers(0, size + 1))
            pieces = reader.read(offset, end, limit)
            model.check(pieces)
            first = max(offset, base)
            expected = bytes(model.whole[first : max(first, min(end, first + limit))])
            assert expected == b"".join(piece.data for piece in pieces)
            assert not pieces or first == pieces[0].offset
        reader.close()
    finally:
        model.close()


@QUICK
@given(st.lists(st.one_of(appends, st.tuples(st.just("read"), st.integers(1, 150_000))), max_size=25), caps)
def test_a_reader_that_follows_misses_only_what_was_dropped(steps: list[Any], cap: int) -> None:
    model = Model(cap)
    reader = LogReader(model.directory)
    at = 0
    try:
        for step in steps:
            if step[0] != "read":
                model.append(*step)
                continue
            pieces = reader.read(at, model.writer.size, step[1])
            model.check(pieces)
            assert bool(pieces) == (at < model.writer.size)
            for piece in pieces:
                assert piece.offset == at or at < piece.offset == model.writer.base
                at = piece.offset + len(piece.data)
    finally:
        reader.close()
        model.close()


def test_a_segment_that_a_reader_has_open_is_read_to_its_end_after_it_was_dropped() -> None:
    model = Model(128 << 10)
    model.append(0, 70_000)
    reader = LogReader(model.directory)
    pieces = reader.read(0, model.writer.size, 1000)
    while not model.writer.base:
        model.append(1, 70_000)
    pieces += reader.read(1000, model.writer.size, 69_000)
    model.check(pieces)
    assert sum(len(piece.data) for piece in pieces) == 70_000
    following = reader.read(70_000, model.writer.size, 10)
    assert model.writer.base == following[0].offset
    reader.close()
    model.close()


def test_dropped_bytes_are_passed_over_however_often_they_are_asked_for() -> None:
    model = Model(128 << 10)
    model.append(0, 120_000)
    model.append(0, 120_000)
    model.append(0, 1)
    reader = LogReader(model.directory)
    assert 0 < model.writer.base
    for _ in range(3):
        assert [model.writer.base] == [piece.offset for piece in reader.read(0, model.writer.size, 1)]
    reader.close()
    model.close()


def test_a_pause_begins_a_piece_with_a_time_of_its_own(model: Model) -> None:
    model.append(0, 10)
    model.append(0, 10, 50)
    model.append(0, 10, 5000)
    pieces = LogReader(model.directory).read(0, 30, 30)
    assert [(piece.offset, piece.at_ms) for piece in pieces] == [(0, START_MS), (20, START_MS + 5050)]


def test_a_log_of_which_nothing_was_written_is_empty(tmp_path: Path) -> None:
    reader = LogReader(str(tmp_path / "none"))
    assert reader.bounds() == (0, 0)
    assert reader.read(0, 100, 100) == []


def test_a_log_keeps_about_its_cap_on_disk() -> None:
    model = Model(256 << 10)
    for _ in range(400):
        model.append(0, 1, 1)  # an index entry for each byte
        model.append(1, 5000, 0)
        on_disk = sum(entry.stat().st_size for entry in os.scandir(model.directory))
        assert on_disk <= (256 << 10) + 6000
    model.check_whole()
    model.close()


def test_files_are_private_and_descriptors_are_closed() -> None:
    before = descriptors()
    model = Model(128 << 10)
    for _ in range(10):
        model.append(0, 70_000)
    reader = LogReader(model.directory)
    reader.read(0, model.writer.size, 1 << 20)
    modes = {entry.stat().st_mode & 0o777 for entry in os.scandir(model.directory)}
    assert {0o600} == modes
    reader.close()
    model.close()
    assert before == descriptors()


# A full disk


class Disk:
    """Stands for the module `os`: a disk with so much room; `fails` says which calls fail all the same."""

    def __init__(self, room: int, fails: Callable[[str], bool] = lambda what: False) -> None:
        self.room = room
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, fd: int, data: Any) -> int:
        if self.room <= 0 or self._fails("write"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(fd, data[: self.room])
        self.room -= written
        return written

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        if self._fails("open"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.open(path, flags, mode)

    def ftruncate(self, fd: int, size: int) -> None:
        self.room += os.fstat(fd).st_size - size
        os.ftruncate(fd, size)

    def unlink(self, path: str) -> None:
        self.room += os.stat(path).st_size if os.path.exists(path) else 0
        os.unlink(path)


@QUICK
@given(st.lists(appends, min_size=1, max_size=15), st.integers(0, 200_000))
def test_a_full_disk_leaves_neither_hole_nor_duplicate(steps: list[tuple[int, int, int]], room: int) -> None:
    model = Model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "os", Disk(room))
        for step in steps:
            model.append(*step)
            model.check_whole()
    needed = model.writer.size + log.ENTRY.size * len(steps)
    if model.writer.base:
        assert model.writer.problem == os.strerror(errno.ENOSPC)
    elif room >= needed:
        assert model.writer.problem is None
    model.close()


@QUICK
@given(st.lists(appends, min_size=1, max_size=12), st.sets(st.integers(0, 30)), st.sampled_from([1, 4, 17]))
def test_any_call_may_fail(steps: list[tuple[int, int, int]], failing: set[int], room: int) -> None:
    calls = iter(range(10**9))
    model = Model(128 << 10)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(1 << 30, lambda what: next(calls) in failing)
        patch.setattr(log, "os", disk)
        for step in steps:
            if next(calls) in failing:
                disk.room = room  # for the next write: it is cut short, within an index entry too
            model.append(*step)
            disk.room = 1 << 30
    # The last word is with the disk as it is then.
    model.append(1, 3, 1000)
    model.check_whole()
    model.close()


def test_what_an_emptied_disk_takes_again_is_kept() -> None:
    model = Model()
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(1000)
        patch.setattr(log, "os", disk)
        model.append(0, 500)
        model.append(0, 2000)
        model.check_whole()
        assert model.writer.base >= 500
        disk.room = 1 << 30
        model.append(2, 100)
        model.append(0, 100)
    model.check_whole()
    assert model.writer.base <= 2500
    assert "space" in (model.writer.problem or "")
    model.close()


def test_a_reader_beside_a_full_disk_sees_the_bounds_that_the_writer_tells() -> None:
    model = Model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "os", Disk(0))
        model.append(0, 500)
        assert (model.writer.base, model.writer.size) == (500, 500)
        assert LogReader(model.directory).bounds() == (500, 500)
    model.close()


def test_a_disk_that_takes_no_file_loses_bytes_and_no_more(tmp_path: Path) -> None:
    before = descriptors()
    writer = LogWriter(str(tmp_path / "log"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "os", Disk(1 << 30, lambda what: what == "open"))
        writer.append(0, b"abc", START_MS)
    assert (writer.base, writer.size) == (3, 3)
    writer.append(0, b"def", START_MS)
    assert [(piece.offset, piece.data) for piece in LogReader(str(tmp_path / "log")).read(0, 6, 9)] == [
        (3, b"def")
    ]
    writer.close()
    assert before + 2 >= descriptors()  # those of the reader go with it


# Characters


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(channels, st.one_of(st.binary(max_size=6), st.text(max_size=4).map(str.encode)))))
def test_holding_back_loses_nothing_however_bytes_are_split(parts: list[tuple[int, bytes]]) -> None:
    held = {0: b"", 1: b"", 2: b""}
    passed = {0: b"", 1: b"", 2: b""}
    for channel, part in parts:
        data = held[channel] + part
        back = held_back(data)
        assert 0 <= back <= min(3, len(data))
        passed[channel] += data[: len(data) - back]
        held[channel] = data[len(data) - back :]
    for channel in held:
        expected = b"".join(part for own, part in parts if own == channel)
        assert expected == passed[channel] + held[channel]


@given(st.text(min_size=1), st.data())
@settings(deadline=None)
def test_what_is_passed_on_of_text_is_whole_characters(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    passed = cut[: len(cut) - held_back(cut)]
    assert text.startswith(passed.decode())
    assert held_back(whole) == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"a", 0),
        (b"\xc3", 1),
        (b"a\xe2\x82", 2),
        (b"\xf0\x9f\x98", 3),
        (b"\xf0\x9f\x98\x80", 0),
        (b"\x80\x80\x80\x80", 0),
        (b"\xff", 0),
        (b"\xc3a", 0),
    ],
)
def test_only_the_beginning_of_a_character_is_held_back(data: bytes, expected: int) -> None:
    assert expected == held_back(data)

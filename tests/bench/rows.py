"""The rows of the table: what each number is, what it is held against, and the runs behind it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench import measurements
from tests.bench.measurements import Result, Scale
from tests.bench.subjects import FLOOR, NODE, OURS, STOCK, Bench, Subject

_RUN_WITHIN_S = 90

Measure = Callable[[Bench, Subject, Scale], Result]


@dataclass(frozen=True)
class Measurement:
    """Something to run; `rounds` of None are those of the scale."""

    measure: Measure
    subjects: tuple[Subject, ...]
    rounds: int | None = None

    @property
    def name(self) -> str:
        return self.measure.__name__


SERVERS = (OURS, STOCK, NODE)
ALL = (*SERVERS, FLOOR)

INITIALIZE = Measurement(measurements.initialize, ALL)
FIRST_OUTPUT = Measurement(measurements.first_output, ALL)
STATUS = Measurement(measurements.status, ALL)
FLOOD = Measurement(measurements.flood, ALL)
LINES = Measurement(measurements.lines, ALL)
PUSHED_LINES = Measurement(measurements.pushed_lines, (OURS, STOCK))
SINGLE_LINES = Measurement(measurements.single_lines, ALL)
LATENCY = Measurement(measurements.latency, ALL)
STATUS_IN_FLOOD = Measurement(measurements.status_in_flood, SERVERS)
IDLE_HOST = Measurement(measurements.idle_host, (OURS,), rounds=2)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    title: str
    unit: str
    measurement: Measurement
    key: str
    bar: float | None = None
    """What is to be reached, or None for a row that only informs."""
    at_least: bool = False
    """Whether more is better."""
    absolute: bool = False
    """Whether the bar is in the row's unit; else it is a ratio to stock."""
    against: tuple[Measurement, str] | None = None
    """Whose number of stock the ratio is taken to, where not this row's."""
    aim: str = ""

    @property
    def reference(self) -> tuple[Measurement, str]:
        return self.against or (self.measurement, self.key)


ROWS = (
    Row("spawn to initialize answered", "ms", INITIALIZE, "ms", 0.35),
    Row("spawn to first output", "ms", FIRST_OUTPUT, "ms", 1.2, against=(INITIALIZE, "ms")),
    Row("command/status, p50", "µs", STATUS, "p50", 0.35),
    Row("command/status, p99", "µs", STATUS, "p99"),
    Row("64 KiB writes", "MB/s", FLOOD, "MB/s", 2.5, at_least=True),
    Row("100-byte lines, 40 a write", "lines/s", LINES, "lines/s", 4, at_least=True),
    Row("the same, stock reading by line", "lines/s", PUSHED_LINES, "lines/s", 4, at_least=True),
    Row("100-byte lines, one a write", "lines/s", SINGLE_LINES, "lines/s", 4, at_least=True),
    Row("a line to the client, p50", "µs", LATENCY, "p50", 0.8),
    Row("a line to the client, p99", "µs", LATENCY, "p99"),
    Row("command/status in a flood, p50", "ms", STATUS_IN_FLOOD, "p50"),
    Row("command/status in a flood, p99", "ms", STATUS_IN_FLOOD, "p99", 4, absolute=True),
    Row("server after a flood, RSS", "MB", FLOOD, "rss", 60, absolute=True),
    Row("server after a flood, PSS", "MB", FLOOD, "pss"),
    Row("idle session host, RSS", "MB", IDLE_HOST, "rss", 14, absolute=True, aim="12"),
    Row("idle session host, PSS", "MB", IDLE_HOST, "pss"),
)


@dataclass
class Runs:
    """What came out: results by measurement and subject, in the order of the rounds."""

    results: dict[tuple[str, str], list[Result]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def values(self, measurement: Measurement, subject: Subject, key: str) -> list[float]:
        return [
            result[key] for result in self.results.get((measurement.name, subject.name), []) if key in result
        ]


@dataclass(frozen=True)
class Verdict:
    """A row with its numbers: medians of the rounds, and the ratio of the medians with its spread."""

    row: Row
    medians: dict[str, float]
    values: dict[str, list[float]]
    ratio: float | None
    spread: tuple[float, float] | None
    """The least and the greatest ratio of a single round."""
    reached: bool | None
    beyond_floor: bool
    """Whether the floor misses the bar too: no server can reach it then."""


def measured(rows: Sequence[Row]) -> list[Measurement]:
    """What has to be run for these rows, each once."""
    found: list[Measurement] = []
    for row in rows:
        for measurement in (row.reference[0], row.measurement):
            if measurement not in found:
                found.append(measurement)
    return found


def run(
    bench: Bench,
    wanted: Sequence[Measurement],
    subjects: Sequence[Subject],
    scale: Scale,
    say: Callable[[str], Any],
) -> Runs:
    """Run each measurement round by round, the subjects in turn, so that a busy moment meets them all."""
    runs = Runs()
    for measurement in wanted:
        there = [subject for subject in measurement.subjects if subject in subjects]
        for turn in range(measurement.rounds or scale.rounds):
            say(f"{measurement.name} {turn + 1}")
            first = turn % len(there)
            for subject in there[first:] + there[:first]:
                try:
                    with _limited():
                        result = measurement.measure(bench, subject, scale)
                except Exception as error:  # the others are worth measuring all the same
                    runs.failures.append(
                        f"{measurement.name} of {subject.name}: {type(error).__name__}: {error}"
                    )
                else:
                    runs.results.setdefault((measurement.name, subject.name), []).append(result)
    return runs


def judge(row: Row, runs: Runs) -> Verdict:
    values = {subject.name: runs.values(row.measurement, subject, row.key) for subject in ALL}
    values = {name: found for name, found in values.items() if found}
    medians = {name: median(found) for name, found in values.items()}
    reference = runs.values(row.reference[0], STOCK, row.reference[1])
    ours = values.get(OURS.name, [])
    ratio = spread = None
    if ours and reference:
        ratio = median(ours) / median(reference)
        each = [mine / theirs for mine, theirs in zip(ours, reference, strict=False)]
        spread = min(each), max(each)
    got = medians.get(OURS.name) if row.absolute else ratio
    floor = medians.get(FLOOR.name)
    if floor is not None and not row.absolute:
        floor = floor / median(reference) if reference else None
    reached = _holds(row, got)
    return Verdict(row, medians, values, ratio, spread, reached, not reached and _holds(row, floor) is False)


def _holds(row: Row, got: float | None) -> bool | None:
    """Whether a number reaches the row's bar; None where there is no bar or no number."""
    if row.bar is None or got is None:
        return None
    return got >= row.bar if row.at_least else got <= row.bar


@contextmanager
def _limited() -> Iterator[None]:
    """A run that hangs fails; the clients block, so a signal has to tell them."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"not within {_RUN_WITHIN_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_RUN_WITHIN_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

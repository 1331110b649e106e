"""`python -m tests.bench`: our server beside stock pygls, node's vscode-jsonrpc and a bare pipe, in one run.

The exit code is 1 where something failed to run; a missed bar is news, not a failure.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import report, rows
from tests.bench.measurements import FULL, QUICK
from tests.bench.subjects import SUBJECTS, Bench, Missing, Subject, check


def main() -> int:
    names = sorted({row.measurement.name for row in rows.ROWS})
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for a first look")
    parser.add_argument("--row", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything measured to FILE")
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    if options.rounds:
        scale = dataclasses.replace(scale, rounds=options.rounds)
    chosen = [row for row in rows.ROWS if not options.row or row.measurement.name in options.row]

    began = time.monotonic()
    machine = report.machine()
    print(report.heading(machine))
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="daytona-rpc-bench-") as directory:
        bench = Bench(Path(directory))
        subjects: list[Subject] = []
        for subject in SUBJECTS:
            try:
                check(bench, subject)
                subjects.append(subject)
            except Missing as missing:
                print(f"left out: {subject.name}: {missing}")
        runs = rows.run(bench, rows.measured(chosen), subjects, scale, _say)
        _say("")
    verdicts = [rows.judge(row, runs) for row in chosen]
    print(report.table(verdicts))
    print(f"Medians of {scale.rounds} rounds; ratio: ours to stock's, and the least and greatest of a round.")
    print("Floor: a bare blocking loop in Python, or the command's own pipe read directly.")
    print(f"Took {time.monotonic() - began:.0f} s; load at the end {os.getloadavg()[0]:.2f}.")
    failures += runs.failures
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    if options.json is not None:
        found = report.as_json(machine, verdicts, failures)
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if failures else 0


def _say(what: str) -> None:
    """What is being done, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{what:<40}", end="" if what else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

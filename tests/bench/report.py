"""The table, and the same as JSON."""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from tests.bench.rows import Row, Verdict

COLUMNS = ("ours", "stock", "node", "floor")
_NODE_VERSION_S = 10.0


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    node = None
    if shutil.which("node"):
        node = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, timeout=_NODE_VERSION_S
        ).stdout.strip()
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "pygls": version("pygls"),
        "node": node,
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def heading(found: dict[str, Any]) -> str:
    load = " ".join(f"{value:.2f}" for value in found["load"])
    return (
        f"{found['system']}, {found['cores']} cores, Python {found['python']}, pygls {found['pygls']}, "
        f"node {found['node'] or 'not there'}, load {load}"
    )


def table(verdicts: Sequence[Verdict]) -> str:
    """The rows in columns, medians of the rounds; the ratio is ours to stock's."""
    lines: list[tuple[str, ...]] = [("", *COLUMNS, "unit", "ratio", "rounds", "bar", "")]
    lines += [_cells(verdict) for verdict in verdicts]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = (0, 5, 9)  # words; numbers are set to the right
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(found: dict[str, Any], verdicts: Sequence[Verdict], failures: Sequence[str]) -> dict[str, Any]:
    """Everything: the machine, and for each row its medians, the value of each round, ratio and verdict."""
    return {
        "machine": found,
        "failures": list(failures),
        "rows": [
            {
                "name": verdict.row.measurement.name,
                "title": verdict.row.title,
                "unit": verdict.row.unit,
                "medians": {name: _finite(value) for name, value in verdict.medians.items()},
                "rounds": {
                    name: [_finite(value) for value in found] for name, found in verdict.values.items()
                },
                "ratio": verdict.ratio,
                "spread": verdict.spread,
                "bar": verdict.row.bar,
                "barIsRatio": not verdict.row.absolute,
                "reached": verdict.reached,
            }
            for verdict in verdicts
        ],
    }


def _cells(verdict: Verdict) -> tuple[str, ...]:
    row = verdict.row
    ratio = "" if verdict.ratio is None else f"{verdict.ratio:.2f}"
    spread = "" if verdict.spread is None else "{:.2f}-{:.2f}".format(*verdict.spread)
    reached = {None: "", True: "reached", False: "MISSED"}[verdict.reached]
    if verdict.beyond_floor:
        reached += ", as by the floor"
    numbers = (_number(verdict.medians.get(name)) for name in COLUMNS)
    return (row.title, *numbers, row.unit, ratio, spread, _bar(row), reached)


def _bar(row: Row) -> str:
    if row.bar is None:
        return ""
    text = f"{'>=' if row.at_least else '<='} {row.bar:g}"
    if row.absolute:
        text += f" {row.unit}"
    return text + (f" (aim {row.aim})" if row.aim else "")


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if math.isinf(value):
        return "no answer"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

"""The golden files: a message as JSON per file, `golden/<Type>/<case>.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daytona_rpc.protocol import Method

GOLDEN = Path(__file__).parent / "golden"


def load() -> dict[tuple[str, str], Any]:
    """Every golden file, by type and case."""
    return {
        (path.parent.name, path.stem): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(GOLDEN.glob("*/*.json"))
    }


def case_of(method: Method) -> str:
    """The case that a method's card in protocol.md shows: `command-execute` for `command/execute`."""
    return method.name.removeprefix("$/").replace("/", "-")

"""How much memory a process uses."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Bytes."""

    rss: int
    """All that is resident, what is shared with other processes included."""
    pss: int
    """The same, with what is shared divided by those who share it."""


def of(pid: int) -> Memory:
    """Raises OSError where the system does not tell it in the manner of Linux."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, *_ = line.split()
        fields[name] = int(size) * 1024
    return Memory(fields["Rss:"], fields["Pss:"])

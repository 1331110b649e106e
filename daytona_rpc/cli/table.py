"""Rows in columns, as wide as the terminal and no wider."""

from __future__ import annotations

from collections.abc import Sequence

from daytona_rpc.cli import style, terminal
from daytona_rpc.cli.output import STDOUT

_GAP = "  "
_LEAST_COLUMNS = 8  # of the last column, however narrow the terminal


def render(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows under their titles. On a terminal the last column is cut to what is left of the line."""
    table = [titles, *rows]
    widths = [max(style.width(row[number]) for row in table) for number in range(len(titles) - 1)]
    room = None
    if terminal.is_terminal(STDOUT):
        room = max(terminal.size()[0] - sum(widths) - len(_GAP) * len(widths), _LEAST_COLUMNS)
    lines = []
    for row in table:
        cells = [text + " " * (wide - style.width(text)) for text, wide in zip(row, widths, strict=False)]
        cells.append(row[-1] if room is None else style.fit(row[-1], room))
        lines.append(_GAP.join(cells).rstrip())
    lines[0] = style.paint(lines[0], style.BOLD, STDOUT)
    return "".join(line + "\n" for line in lines)

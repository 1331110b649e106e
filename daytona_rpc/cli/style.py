"""Text on a terminal: colour where it is wanted, and no more of it than fits."""

from __future__ import annotations

import os
import unicodedata

from daytona_rpc.cli.terminal import is_terminal

DIM, RED, GREEN, YELLOW, BOLD = "2", "31", "32", "33", "1"


def paint(text: str, colour: str, fd: int) -> str:
    """The text in a colour, if it goes to a terminal and nobody minds (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal(fd):
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def one_line(text: str) -> str:
    """The text on one line and without what a terminal would obey."""
    words = " ".join(text.split())
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)


def width(text: str) -> int:
    """The columns that the text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def fit(text: str, columns: int) -> str:
    """As much of the text as fits into so many columns."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + "\N{HORIZONTAL ELLIPSIS}" if columns > 0 else ""


def short_path(path: str) -> str:
    """A path with the home directory as `~`."""
    home = os.path.expanduser("~")
    if path == home or path.startswith(home.rstrip("/") + "/"):
        return "~" + path[len(home.rstrip("/")) :]
    return path

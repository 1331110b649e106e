"""Each promise of protocol.md has a test, and each `requirement` mark names a promise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "protocol.md"

PROMISE = re.compile(r"^- \[([A-Z]+-\d+)\] (.+)$", re.MULTILINE)
UNTESTED = re.compile(r"\(not tested: .+\)$")

PENDING = """
REQ-12 SBX-8 ORD-7 LIM-3 LIM-4
"""
"""Promises whose tests are still to be written."""


def promises() -> list[tuple[str, str]]:
    return PROMISE.findall(DOCUMENT.read_text(encoding="utf-8"))


def claimed() -> set[str]:
    """The ids that the marks of all tests name."""
    return {name for path in TESTS.rglob("test_*.py") for name in marks(path.read_text(encoding="utf-8"))}


def marks(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "requirement"
        ):
            for argument in node.args:
                assert isinstance(argument, ast.Constant), "a requirement is named by a plain string"
                yield str(argument.value)


def test_every_promise_has_its_own_id() -> None:
    names = [name for name, _ in promises()]
    assert names
    assert [name for name in names if names.count(name) > 1] == []


def test_the_ids_of_a_chapter_count_up_from_one() -> None:
    numbers: dict[str, list[int]] = {}
    for name, _ in promises():
        chapter, number = name.split("-")
        numbers.setdefault(chapter, []).append(int(number))
    assert {chapter: list(range(1, len(found) + 1)) for chapter, found in numbers.items()} == numbers


def test_every_mark_names_a_promise() -> None:
    assert set() == claimed() - {name for name, _ in promises()}


def test_every_promise_is_tested_or_says_why_not() -> None:
    """Fails too when a promise that is listed as pending has got its test."""
    expected = {name for name, sentence in promises() if not UNTESTED.search(sentence)}
    assert set(PENDING.split()) == expected - claimed()


def test_a_promise_that_is_tested_does_not_say_it_is_not() -> None:
    assert set() == claimed() & {name for name, sentence in promises() if UNTESTED.search(sentence)}


def test_marks_are_found_where_they_are_set() -> None:
    source = (
        "import pytest\n"
        'pytestmark = pytest.mark.requirement("A-1")\n'
        '@pytest.mark.requirement("A-2", "A-3")\n'
        "def test_a(): ...\n"
        'CASES = [pytest.param(1, marks=pytest.mark.requirement("A-4"))]\n'
    )
    assert sorted(marks(source)) == ["A-1", "A-2", "A-3", "A-4"]

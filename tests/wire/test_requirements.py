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
TRN-1 TRN-2 TRN-3 TRN-4 TRN-5 TRN-6 TRN-7 TRN-8 LIFE-1 LIFE-2 LIFE-3 LIFE-4 LIFE-5 LIFE-6 LIFE-7
LIFE-8 LIFE-9 LIFE-10 REQ-1 REQ-2 REQ-3 REQ-4 REQ-5 REQ-6 REQ-11 CAN-1 CAN-2 CAN-3 CAN-4 ERR-5 ERR-6
SBX-1 SBX-2 SBX-3 SBX-4 SBX-5 SBX-6 SBX-7 SBX-8 SES-1 SES-2 SES-3 SES-4 SES-5 SES-6 SES-7 SES-8
SES-9 SES-10 SES-11 SES-12 SES-13 STATE-1 STATE-2 STATE-3 STATE-4 STATE-5 STATE-6 STATE-7 STATE-8
STATE-9 PAR-1 PAR-2 PAR-3 PAR-4 PAR-5 TXT-1 TXT-2 TXT-3 TXT-4 TXT-5 TXT-6 CMD-1 CMD-2 CMD-3 CMD-5
CMD-6 CMD-7 CMD-8 CMD-9 CMD-10 CMD-11 CMD-12 CMD-13 CMD-14 CMD-15 INP-1 INP-2 INP-3 INP-4 INP-5
INP-6 INP-7 INP-8 STOP-1 STOP-2 STOP-3 STOP-4 STOP-5 STOP-6 STOP-7 STOP-8 STOP-9 LOG-1 LOG-2 LOG-3
LOG-4 LOG-5 LOG-6 LOG-7 LOG-8 LOG-9 LOG-10 LOG-11 LOG-12 LOG-13 ATT-1 ATT-2 ATT-3 ATT-4 ATT-5 ATT-6
ATT-7 FLOW-1 FLOW-2 FLOW-3 FLOW-4 FLOW-5 FLOW-6 ORD-1 ORD-2 ORD-3 ORD-4 ORD-5 ORD-6 LIVE-1 LIVE-2
LIVE-3 LIVE-4 LIVE-5 RDY-1 RDY-2 RDY-3 RDY-4 RDY-5 RDY-6 RDY-7 LIM-1 LIM-2 LIM-3 LIM-4 RET-1 RET-2
RET-3 RET-4 SAFE-1 SAFE-2 SAFE-4 SAFE-5 VER-3
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
    expected = {name for name, sentence in promises() if not UNTESTED.search(sentence)}
    assert set() == expected - claimed() - set(PENDING.split())


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

"""`make demo` goes well, soon, and leaves nothing; when something goes wrong, it says so."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def _run(tmp_path: Path, *argv: str) -> subprocess.CompletedProcess[bytes]:
    result = subprocess.run(
        [sys.executable, *argv],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert [] == list(tmp_path.iterdir())
    return result


def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    result = _run(tmp_path, "tests/demo.py")
    text = result.stdout.decode()
    assert (0, b"") == (result.returncode, result.stderr), text
    assert time.monotonic() - began < 10
    for part in (
        "-> initialize",
        "Hello from shop",
        "step 4 of 4",
        '"exitCode":3',
        "The shop is open",
        "part five",
    ):
        assert part in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 110


@pytest.mark.parametrize("chapter", ["keep_state", "run_beside", "preview", "survive"])
def test_a_demo_that_goes_wrong_says_so_and_leaves_nothing(tmp_path: Path, chapter: str) -> None:
    program = f"""
import sys
from tests import demo
real = demo.Demo.{chapter}
def broken(self):
    real(self)
    self.start("left", demo.RED, command="exec sleep 600")
    demo.expect("this", "that")
demo.Demo.{chapter} = broken
sys.exit(demo.main())
"""
    result = _run(tmp_path, "-c", program)
    assert (1, b"") == (result.returncode, result.stderr)
    assert "This did not go as it should: expected 'that', got 'this'" in result.stdout.decode()

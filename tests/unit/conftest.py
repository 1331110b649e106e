"""What the tests of a host's parts share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.driven import DrivenLoop
from tests.unit.watching import Watching


@pytest.fixture
def loop() -> Iterator[DrivenLoop]:
    """A host's loop; an exception in one of its callbacks fails the test that did not take it."""
    loop = DrivenLoop()
    yield loop
    loop.dispose()
    assert [] == loop.errors


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    """A state directory for real session hosts."""
    watching = Watching(str(tmp_path / "state"))
    yield watching
    await watching.dispose()

"""What the tests of a host's parts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.driven import DrivenLoop


@pytest.fixture
def loop() -> Iterator[DrivenLoop]:
    """A host's loop; an exception in one of its callbacks fails the test that did not take it."""
    loop = DrivenLoop()
    yield loop
    loop.dispose()
    assert [] == loop.errors

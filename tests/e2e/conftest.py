"""Each test has a machine of its own, which is clean afterwards or fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine; parametrised indirectly, its environment has these variables too."""
    machine = Machine(tmp_path, **getattr(request, "param", {}))
    yield machine
    machine.sweep()

from __future__ import annotations

import pytest


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write what is generated."""
    return bool(request.config.getoption("--update"))

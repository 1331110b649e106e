"""What is generated from the protocol is as the protocol says; `pytest tests/wire --update` writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wire import examples, render, stubs

ROOT = Path(__file__).parents[2]


def document() -> str:
    return render.document((ROOT / "protocol.md").read_text(encoding="utf-8"), examples.load())


OWNED: dict[str, Callable[[], str]] = {
    "protocol.md": document,
    "editors/vscode/src/protocol.ts": stubs.typescript,
    "editors/nvim/lua/daytona/protocol.lua": stubs.lua,
}
"""The files with generated text."""


@pytest.mark.parametrize("name", OWNED)
def test_a_generated_file_is_up_to_date(name: str, update: bool) -> None:
    path = ROOT / name
    text = OWNED[name]()
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = path.read_text(encoding="utf-8") if path.exists() else None
    assert text == found, f"{name} differs from daytona_rpc/protocol: run `make generate`"


def test_every_link_inside_the_document_leads_somewhere() -> None:
    text = (ROOT / "protocol.md").read_text(encoding="utf-8")
    headings = [render.anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")]
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", text)) - set(headings)
    assert [anchor for anchor in headings if headings.count(anchor) > 1] == []

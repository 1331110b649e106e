"""While the protocol's version stands, only additions are made to it.

`protocol-v<version>.json` is what was promised. `--update` adds to it; what clients rely on stays in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daytona_rpc.protocol import METHODS, PROTOCOL_VERSION
from tests.wire import model, stubs

FROZEN = Path(__file__).parent / f"protocol-v{PROTOCOL_VERSION}.json"

Dump = dict[str, dict[str, Any]]


def dump() -> Dump:
    methods = {
        name: {
            "direction": method.direction,
            "kind": method.kind,
            "params": method.params and method.params.__name__,
            "result": method.result and method.result.__name__,
            "errors": sorted(method.errors),
        }
        for name, method in METHODS.items()
    }
    messages = {
        message.name: {
            field.name: stubs.ts(field.type) + (", optional" if field.optional else "")
            for field in message.fields
        }
        for message in model.messages()
    }
    enums = {
        words.name: {"open": words.open, "words": [w.value for w in words.words]} for words in model.enums()
    }
    return {"methods": methods, "messages": messages, "enums": enums}


def from_client() -> set[str]:
    """The messages that clients send, whole or in parts."""
    roots = [m.params for m in METHODS.values() if m.direction == "clientToServer"]
    roots += [m.result for m in METHODS.values() if m.direction == "serverToClient"]
    return {cls.__name__ for root in roots for cls in model.reachable(root)}


def broken(old: Dump, new: Dump, sent_by_client: set[str]) -> list[str]:
    """What a client written for `old` would notice."""
    found = []
    for section, entries in old.items():
        found += [f"{name} is gone" for name in entries if name not in new[section]]
    now: dict[str, Any]
    for name, method in old["methods"].items():
        now = new["methods"].get(name, method)
        found += [f"{name}: {key} changed" for key in method if key != "errors" and method[key] != now[key]]
        found += [f"{name}: error {kind} is gone" for kind in method["errors"] if kind not in now["errors"]]
    for name, fields in old["messages"].items():
        now = new["messages"].get(name, fields)
        found += [f"{name}.{field} changed" for field, kind in fields.items() if now.get(field) != kind]
        added = {field: kind for field, kind in now.items() if field not in fields}
        if name in sent_by_client:
            found += [
                f"{name}.{field} must be optional" for field, kind in added.items() if "optional" not in kind
            ]
    for name, enum in old["enums"].items():
        now = new["enums"].get(name, enum)
        found += [f"{name}.{word} is gone" for word in enum["words"] if word not in now["words"]]
        if enum["open"] != now["open"] or (not enum["open"] and enum["words"] != now["words"]):
            found.append(f"{name} is closed and changed")
    return found


@pytest.mark.requirement("VER-1", "VER-2")
def test_the_protocol_has_only_grown(update: bool) -> None:
    now = dump()
    if FROZEN.exists():
        old = json.loads(FROZEN.read_text(encoding="utf-8"))
        assert broken(old, now, from_client()) == [], (
            "this breaks clients: raise PROTOCOL_VERSION, or undo it"
        )
    if update:
        FROZEN.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    assert json.loads(FROZEN.read_text(encoding="utf-8")) == now, "run `make generate`"


def test_a_change_that_breaks_clients_is_noticed() -> None:
    old: Dump = {
        "methods": {"a": {"kind": "request", "errors": ["notFound"]}, "b": {"kind": "request", "errors": []}},
        "messages": {"P": {"x": "string"}, "R": {"y": "number"}},
        "enums": {"C": {"open": False, "words": ["one"]}, "O": {"open": True, "words": ["one"]}},
    }
    new: Dump = {
        "methods": {"a": {"kind": "notification", "errors": []}},
        "messages": {"P": {"x": "number", "z": "string", "o": "string, optional"}, "R": {"z": "string"}},
        "enums": {"C": {"open": False, "words": ["one", "two"]}, "O": {"open": True, "words": ["two"]}},
    }
    assert broken(old, new, {"P"}) == [
        "b is gone",
        "a: kind changed",
        "a: error notFound is gone",
        "P.x changed",
        "P.z must be optional",
        "R.y changed",
        "C is closed and changed",
        "O.one is gone",
    ]
    assert broken(old, old, {"P"}) == []

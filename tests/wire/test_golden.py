"""The golden files are messages of the protocol as they go over the wire, and there is one for every type."""

from __future__ import annotations

import json

import pytest

from daytona_rpc import codec, errors, protocol
from daytona_rpc.cli.serve import NOT_SENT
from tests.wire import examples, model

GOLDEN = examples.load()
TYPES = {message.name: message.cls for message in model.messages()}


@pytest.mark.parametrize(("name", "case"), GOLDEN, ids="/".join)
def test_a_golden_file_survives_the_round_trip(name: str, case: str) -> None:
    value = GOLDEN[name, case]
    message = codec.structure(value, TYPES[name])
    assert value == codec.unstructure(message)
    assert value == json.loads(codec.dumps(message))


def test_every_type_has_a_golden_file_and_every_file_a_type() -> None:
    assert set(TYPES) == {name for name, _ in GOLDEN}


def test_every_field_is_in_a_golden_file() -> None:
    declared = {(name, field.name) for name, cls in TYPES.items() for field in model.message(cls).fields}
    assert set() == declared - {(name, key) for (name, _), value in GOLDEN.items() for key in value}


def test_every_method_has_an_example_for_its_card() -> None:
    wanted = {
        (cls.__name__, examples.case_of(method))
        for method in protocol.METHODS.values()
        for cls in (method.params, method.result)
        if cls is not None
    }
    assert set() == wanted - set(GOLDEN)


def test_the_example_of_initialize_lists_the_methods_that_there_are() -> None:
    capabilities = GOLDEN["DaytonaRpcCapabilities", "example"]
    sent = [m for m in protocol.METHODS.values() if m.direction == "serverToClient"]
    assert [m.name for m in protocol.METHODS.values() if m not in sent] == capabilities["methods"]
    news = [m.name for m in sent if m.kind == "notification" and m.name not in NOT_SENT]
    assert news == capabilities["notifications"]


@pytest.mark.parametrize(("name", "case"), GOLDEN, ids="/".join)
def test_unknown_fields_are_ignored(name: str, case: str) -> None:
    value = GOLDEN[name, case]
    assert value == codec.unstructure(codec.structure({**value, "unknown": [1]}, TYPES[name]))


@pytest.mark.parametrize("name", TYPES)
def test_a_field_that_is_not_optional_is_missed(name: str) -> None:
    value = next(value for (of, _), value in GOLDEN.items() if of == name)
    for field in model.message(TYPES[name]).fields:
        if not field.optional:
            with pytest.raises(errors.InvalidParams, match=f"^{field.name}: is missing") as caught:
                codec.structure({k: v for k, v in value.items() if k != field.name}, TYPES[name])
            assert field.name == caught.value.path

"""The declarations of the protocol are whole: nothing undocumented, unreachable or of the wrong kind."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import attrs
import pytest

from daytona_rpc import errors, protocol
from daytona_rpc.protocol import METHODS, PROTOCOL_VERSION, Method, fields
from tests.wire import model

MESSAGES = model.messages()
ENUMS = model.enums()


def test_every_type_is_reachable_from_a_method_or_an_error() -> None:
    roots: list[Any] = [protocol.ErrorData, protocol.InvalidParamsData]
    roots += [root for method in METHODS.values() for root in (method.params, method.result)]
    found = {cls for root in roots for cls in model.reachable(root)}
    assert set() == set(model.declared()) - found


def test_every_kind_of_error_is_in_the_list_of_a_method() -> None:
    listed = {kind for method in METHODS.values() for kind in method.errors}
    assert {cls.kind for cls in errors.application_errors()} == listed


def test_every_enum_says_whether_it_is_open_or_closed() -> None:
    for words in ENUMS:
        kinds = (fields.OpenEnum, fields.ClosedEnum, fields.ClosedIntEnum)
        assert sum(issubclass(words.cls, kind) for kind in kinds) == 1, words.name


def test_an_open_enum_says_what_an_unknown_word_counts_as() -> None:
    for words in ENUMS:
        assert words.open == ("unknown word counts as" in words.doc), words.name


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_a_message_is_frozen_and_every_field_has_its_sentence(message: model.Message) -> None:
    assert message.doc.endswith(".")
    assert "__setattr__" in vars(message.cls)
    for field in message.fields:
        assert field.doc.endswith("."), field.name
        assert field.doc[0] not in " a"


@pytest.mark.parametrize("words", ENUMS, ids=lambda words: words.name)
def test_every_word_has_its_sentence(words: model.Words) -> None:
    assert words.doc.endswith(".")
    for word in words.words:
        assert word.doc.endswith("."), word.value


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_method_is_declared_whole(method: Method) -> None:
    assert method is METHODS[method.name]
    assert method.kind in ("request", "notification")
    assert method.direction in ("clientToServer", "serverToClient")
    assert method.doc.endswith(".")
    assert 1 <= method.since <= PROTOCOL_VERSION
    assert len(method.errors) == len(set(method.errors))
    if method.kind == "notification":
        assert (method.result, method.errors) == (None, ())
    for cls in (method.params, method.result):
        assert cls is None or attrs.has(cls)


def test_the_package_offers_every_type() -> None:
    for cls in model.declared():
        assert cls is getattr(protocol, cls.__name__)
    with pytest.raises(AttributeError, match="NoSuchType"):
        protocol.NoSuchType  # noqa: B018
    with pytest.raises(AttributeError, match="_private"):
        protocol._private  # noqa: B018


def test_final_statuses_are_those_that_do_not_change() -> None:
    final = {status for status in protocol.Status if status.final}
    assert set(protocol.Status) - {protocol.Status.QUEUED, protocol.Status.RUNNING} == final


@pytest.mark.parametrize(
    ("name", "wire"),
    [("cwd", "cwd"), ("session_id", "sessionId"), ("expires_in_seconds", "expiresInSeconds")],
)
def test_wire_names_are_camel_case(name: str, wire: str) -> None:
    assert wire == fields.wire_name(name)


def test_the_table_of_methods_is_cheap_to_import() -> None:
    """`initialize` is answered from it before the heavy imports."""
    source = (
        "import sys, daytona_rpc.protocol as p; len(p.METHODS);"
        "print(sorted({'attr', 'attrs', 'cattrs', 'inspect', 'asyncio'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-S", "-c", source], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"


def test_types_are_made_without_the_converter() -> None:
    source = "import sys, daytona_rpc.protocol as p; p.CommandStatus; print('cattrs' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "False"

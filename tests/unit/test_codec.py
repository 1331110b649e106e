"""JSON values to messages and back: strict, with wire paths, and without repeating secrets."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daytona_rpc import protocol
from daytona_rpc.codec import dumps, structure, unstructure
from daytona_rpc.errors import InvalidParams

ID_PROBLEM = "must be 1 to 128 letters, digits, '.', '_' or '-', and start with a letter or a digit"


def problem(cls: type[Any], value: object) -> tuple[str, str]:
    """The path and the text with which the value is refused."""
    with pytest.raises(InvalidParams) as caught:
        structure(value, cls)
    assert {"path": caught.value.path} == caught.value.data
    return caught.value.path, caught.value.message.removeprefix(f"{caught.value.path}: ")


def execute(**fields: Any) -> tuple[str, str]:
    return problem(protocol.ExecuteParams, {"command": "true", **fields})


@pytest.mark.requirement("REQ-7", "REQ-8")
@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"command": 1}, "command", "must be a string"),
        ({"command": ["a"]}, "command", "must be a string"),
        ({"runAsync": 1}, "runAsync", "must be true or false"),
        ({"runAsync": "true"}, "runAsync", "must be true or false"),
        ({"timeoutMs": True}, "timeoutMs", "must be an integer"),
        ({"timeoutMs": 1.0}, "timeoutMs", "must be an integer"),
        ({"timeoutMs": "1"}, "timeoutMs", "must be an integer"),
        ({"timeoutMs": 0}, "timeoutMs", "must be between 1 and 2147483647"),
        ({"timeoutMs": -1}, "timeoutMs", "must be between 1 and 2147483647"),
        ({"timeoutMs": 2**31}, "timeoutMs", "must be between 1 and 2147483647"),
        ({"env": []}, "env", "must be an object"),
        ({"env": {"A": 1}}, "env.A", "must be a string"),
        ({"env": {"": "x"}}, "env.", "must not be empty"),
        ({"env": {"A=B": "x"}}, "env.A=B", "must not have '=' in its name"),
        ({"tty": True}, "tty", "must be an object"),
        ({"tty": {"rows": 24}}, "tty.cols", "is missing"),
        ({"tty": {"cols": 0, "rows": 24}}, "tty.cols", "must be between 1 and 1000"),
        ({"tty": {"cols": 80, "rows": 1001}}, "tty.rows", "must be between 1 and 1000"),
        ({"ready": {}}, "ready", "must have port, url or pattern"),
        ({"ready": {"timeoutMs": 5}}, "ready", "must have port, url or pattern"),
        ({"ready": {"port": 0}}, "ready.port", "must be between 1 and 65535"),
        ({"ready": {"port": 65536}}, "ready.port", "must be between 1 and 65535"),
        ({"ready": {"url": "file:///etc/passwd"}}, "ready.url", "must be an http or https URL"),
        ({"ready": {"url": "http://"}}, "ready.url", "must be an http or https URL"),
        ({"stdin": "shut"}, "stdin", "must be one of: open, closed"),
        ({"stdin": 1}, "stdin", "must be one of: open, closed"),
        ({"cwd": ""}, "cwd", "must not be empty"),
        ({"sessionId": 7}, "sessionId", "must be a string"),
    ],
)
def test_a_wrong_field_is_named_by_its_wire_path(fields: dict[str, Any], path: str, text: str) -> None:
    assert (path, text) == execute(**fields)


@pytest.mark.requirement("CMD-4")
@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({}, "command", "is missing: give either command or argv"),
        ({"command": None, "argv": None}, "command", "is missing: give either command or argv"),
        ({"command": "a", "argv": ["a"]}, "argv", "must not be given together with command"),
        ({"argv": []}, "argv", "must not be empty"),
        ({"argv": "ls"}, "argv", "must be an array"),
        ({"argv": ["ls", None]}, "argv[1]", "must be a string"),
        ({"argv": ["", "a"]}, "argv[0]", "must not be empty"),
    ],
)
def test_exactly_one_of_command_and_argv_is_given(fields: dict[str, Any], path: str, text: str) -> None:
    assert (path, text) == problem(protocol.ExecuteParams, fields)


@pytest.mark.requirement("SAFE-6")
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"command": "a\0b"}, "command"),
        ({"cwd": "/\0"}, "cwd"),
        ({"env": {"A": "\0"}}, "env.A"),
        ({"env": {"\0": None}}, "env.\0"),
        ({"command": None, "argv": ["a", "\0"]}, "argv[1]"),
    ],
)
def test_a_nul_character_is_refused(fields: dict[str, Any], path: str) -> None:
    assert (path, "must not contain a NUL character") == execute(**fields)


@pytest.mark.requirement("SAFE-3")
@pytest.mark.parametrize(
    "name", ["", ".", "..", ".a", "-a", "_a", "a/b", "a\\b", "a b", "a\n", "\n", "a\0", "é", "a" * 129, "٣"]
)
@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (protocol.ExecuteParams, "sessionId"),
        (protocol.ExecuteParams, "commandId"),
        (protocol.ExecuteParams, "sandboxId"),
        (protocol.SessionParams, "sessionId"),
        (protocol.CommandParams, "commandId"),
        (protocol.SandboxParams, "sandboxId"),
        (protocol.InitializationOptions, "sandboxId"),
    ],
)
def test_an_id_that_does_not_fit_is_refused(cls: type[Any], field: str, name: str) -> None:
    assert (field, ID_PROBLEM) == problem(cls, {"command": "true", field: name})


@pytest.mark.parametrize("name", ["a", "0", "A.b_c-d", "a" * 128, "a..", "9-"])
def test_an_id_that_fits_is_taken(name: str) -> None:
    assert name == structure({"sessionId": name}, protocol.SessionParams).session_id


@pytest.mark.parametrize("value", [None, [], "x", 1, True, [{"commandId": "a"}]])
def test_what_is_no_object_has_the_empty_path(value: object) -> None:
    assert problem(protocol.CommandParams, value) == ("", "must be an object")


def test_paths_go_through_lists_and_objects() -> None:
    page = {"chunks": [{}], "nextOffset": 0, "size": 0, "truncatedBefore": 0, "finished": True}
    assert problem(protocol.LogPage, page) == ("chunks[0].sessionId", "is missing")
    folders = {"workspaceFolders": [{"uri": "file:///"}, {"uri": None}]}
    assert problem(protocol.InitializeParams, folders) == ("workspaceFolders[1].uri", "must be a string")


def test_the_first_of_several_wrong_fields_is_named() -> None:
    assert problem(protocol.LogsParams, {"offset": -1, "limit": "x"}) == ("commandId", "is missing")


@pytest.mark.parametrize("pattern", ["(", "*", "[", "(?P<a>x)(?P<a>y)", "a{99999999999}", "(?<=a+)b"])
def test_a_pattern_that_is_no_regular_expression_is_refused(pattern: str) -> None:
    path, text = execute(ready={"pattern": pattern})
    assert path == "ready.pattern"
    assert text.startswith("must be a regular expression: ")


def test_a_pattern_that_python_only_warns_about_is_taken() -> None:
    value = {"command": "a", "ready": {"pattern": "[[a]"}}
    assert structure(value, protocol.ExecuteParams).ready == protocol.ReadyCheck(pattern="[[a]")


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({}, "data", "is missing: give data, eof or both"),
        ({"eof": False}, "data", "is missing: give data, eof or both"),
        ({"data": "!", "encoding": "base64"}, "data", "must be base64"),
        ({"data": "YQ", "encoding": "base64"}, "data", "must be base64"),
        ({"data": "YQ==YQ==", "encoding": "base64"}, "data", "must be base64"),
        ({"data": "é", "encoding": "base64"}, "data", "must be base64"),
        ({"data": "a", "encoding": "latin1"}, "encoding", "must be one of: utf8, base64"),
    ],
)
def test_input_that_makes_no_sense_is_refused(fields: dict[str, Any], path: str, text: str) -> None:
    assert (path, text) == problem(protocol.InputParams, {"commandId": "a", **fields})


@pytest.mark.parametrize(
    ("cls", "fields", "path"),
    [
        (protocol.LogsParams, {"offset": -1}, "offset"),
        (protocol.LogsParams, {"offset": 2**53}, "offset"),
        (protocol.LogsParams, {"limit": 0}, "limit"),
        (protocol.LogsParams, {"limit": 4 * 1024 * 1024 + 1}, "limit"),
        (protocol.LogsParams, {"channel": "both"}, "channel"),
        (protocol.AttachParams, {"offset": -1}, "offset"),
        (protocol.WaitParams, {"timeoutMs": -1}, "timeoutMs"),
        (protocol.StopParams, {"graceMs": -1}, "graceMs"),
        (protocol.SignalParams, {"signal": ""}, "signal"),
        (protocol.ResizeParams, {"cols": 80, "rows": 0}, "rows"),
        (protocol.PreviewLinkParams, {"port": 0}, "port"),
        (protocol.PreviewLinkParams, {"port": 80, "expiresInSeconds": 86401}, "expiresInSeconds"),
        (protocol.SandboxCreateParams, {"autoStopInterval": -1}, "autoStopInterval"),
        (protocol.SandboxCreateParams, {"env": {"A": None}}, "env.A"),
        (protocol.CancelParams, {"id": None}, "id"),
        (protocol.CancelParams, {"id": 1.5}, "id"),
        (protocol.CancelParams, {"id": True}, "id"),
    ],
)
def test_a_value_outside_its_range_is_refused(cls: type[Any], fields: dict[str, Any], path: str) -> None:
    assert path == problem(cls, {"commandId": "a", **fields})[0]


@pytest.mark.requirement("REQ-9", "REQ-10")
def test_unknown_fields_are_ignored_and_null_is_as_left_out() -> None:
    plain = structure({"command": "a"}, protocol.ExecuteParams)
    nulls = {"sessionId": None, "cwd": None, "env": None, "tty": None, "ready": None, "timeoutMs": None}
    assert plain == structure({"command": "a", **nulls, "jsonrpc": {}, "2bad": 1}, protocol.ExecuteParams)


def test_an_optional_field_with_another_default_takes_no_null() -> None:
    assert problem(protocol.LogsParams, {"commandId": "a", "offset": None}) == (
        "offset",
        "must be an integer",
    )


def test_environments_keep_any_name_and_null() -> None:
    env = {"2bad": "x", "MY-VAR": "", "class": "y", "jsonrpc": "z", "PATH": None, "é": "ü"}
    assert env == structure({"command": "a", "env": env}, protocol.ExecuteParams).env


def test_an_open_enum_keeps_words_it_does_not_know() -> None:
    found = structure({"value": "binary"}, protocol.SetTraceParams)
    assert isinstance(found.value, protocol.TraceValue)
    assert found.value == "binary"
    assert dumps(found) == b'{"value":"binary"}'
    assert structure({"value": "off"}, protocol.SetTraceParams).value is protocol.TraceValue.OFF


def test_numbers_are_a_closed_enum_too() -> None:
    value = {"type": 2, "message": "careful"}
    found = structure(value, protocol.MessageParams)
    assert found.type is protocol.MessageType.WARNING
    assert value == json.loads(dumps(found))
    assert problem(protocol.MessageParams, {**value, "type": True}) == (
        "type",
        "must be one of: 1, 2, 3, 4, 5",
    )


def test_only_optional_fields_without_value_are_left_out() -> None:
    chunk = protocol.LogChunk(
        session_id="s",
        command_id="c",
        offset=0,
        channel=protocol.Channel.STDOUT,
        data="",
        encoding=protocol.Encoding.UTF8,
        at="2026-03-01T09:30:00.000Z",
    )
    assert unstructure(chunk) == {
        "sessionId": "s",
        "commandId": "c",
        "offset": 0,
        "channel": "stdout",
        "data": "",
        "encoding": "utf8",
        "at": "2026-03-01T09:30:00.000Z",
    }


def test_lists_and_dicts_of_messages_are_converted_too() -> None:
    size = protocol.Terminal(cols=80, rows=24)
    assert unstructure({"a": [size]}) == {"a": [{"cols": 80, "rows": 24}]}
    assert dumps({"a": [size]}) == b'{"a":[{"cols":80,"rows":24}]}'


def test_a_refusal_never_repeats_the_value() -> None:
    for fields in ({"env": {"TOKEN": "s3cret\0"}}, {"env": ["s3cret"]}, {"env": {"TOKEN": ["s3cret"]}}):
        assert "s3cret" not in "".join(execute(**fields))
    assert "s3cret" not in problem(
        protocol.InputParams, {"commandId": "a", "data": "s3cret", "encoding": "base64"}
    )


def test_messages_hide_secrets_from_repr() -> None:
    secret = {"KEY": "s3cret"}
    for message in (
        protocol.ExecuteParams(command="a", env=dict(secret)),
        protocol.SessionsCreateParams(env=dict(secret)),
        protocol.SandboxCreateParams(env=dict(secret)),
        protocol.InputParams(command_id="a", data="s3cret"),
        protocol.PreviewLink(url="https://s3cret", token="s3cret"),
    ):
        assert "s3cret" not in repr(message)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00"', '{"a":"x\\ud83d"}'])
def test_half_of_a_surrogate_pair_never_gets_in_or_out(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)
    with pytest.raises(TypeError):
        dumps(json.loads(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["sessionId", "command", "argv", "cwd", "env", "tty", "ready", "stdin", "timeoutMs"])


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_any_value_is_taken_or_refused_with_a_path(value: object) -> None:
    try:
        message = structure(value, protocol.ExecuteParams)
    except InvalidParams:
        pass
    else:
        assert message == structure(json.loads(dumps(message)), protocol.ExecuteParams)

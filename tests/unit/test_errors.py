"""Error classes and what a client reads of them."""

from __future__ import annotations

from typing import Any

import pytest

from daytona_rpc import codec, errors, protocol

KINDS = errors.application_errors()


def made(cls: type[errors.ApplicationError]) -> errors.ApplicationError:
    extra: dict[str, Any] = {"retry_after_ms": 1500} if cls is errors.RateLimited else {}
    return cls("no", session_id="s", command_id="c", http_status=400, **extra)


@pytest.mark.requirement("ERR-1")
def test_codes_and_kinds_stay_as_they_are() -> None:
    assert {cls.kind: cls.code for cls in KINDS} == {
        "notFound": 1001,
        "conflict": 1002,
        "alreadyFinished": 1003,
        "commandExecutionError": 1004,
        "waitTimeout": 1005,
        "unsupported": 1006,
        "apiError": 1007,
        "authentication": 1008,
        "rateLimited": 1009,
        "sandboxUnavailable": 1010,
        "hostUnavailable": 1011,
    }


def test_codes_are_outside_the_ranges_of_json_rpc_and_lsp() -> None:
    for cls in KINDS:
        assert not -32899 <= cls.code <= -32000


@pytest.mark.requirement("ERR-2")
@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.kind)
def test_an_application_error_carries_its_kind_and_ids(cls: type[errors.ApplicationError]) -> None:
    error = made(cls)
    found = codec.structure(error.data, protocol.ErrorData)
    assert error.data == codec.unstructure(found)
    assert (cls.kind, cls.retryable, "s", "c", 400) == (
        found.kind,
        found.retryable,
        found.session_id,
        found.command_id,
        found.http_status,
    )
    assert str(error) == error.message == "no"


def test_ids_that_are_not_known_are_left_out() -> None:
    assert errors.NotFound("no").data == {"kind": "notFound", "retryable": False}


@pytest.mark.requirement("ERR-3")
def test_only_what_can_pass_by_itself_is_retryable() -> None:
    retryable = {cls.kind for cls in KINDS if cls.retryable}
    assert {"waitTimeout", "rateLimited", "sandboxUnavailable", "hostUnavailable"} == retryable


def test_a_rate_limit_says_how_long_to_wait() -> None:
    data = errors.RateLimited("slow down", retry_after_ms=1500).data
    assert data == {"kind": "rateLimited", "retryable": True, "retryAfterMs": 1500}


def test_bad_params_name_the_field() -> None:
    error = errors.InvalidParams("tty.cols", "must be an integer")
    assert str(error) == "tty.cols: must be an integer"
    assert (
        {"path": "tty.cols"} == error.data == codec.unstructure(protocol.InvalidParamsData(path="tty.cols"))
    )
    assert str(errors.InvalidParams("", "must be an object")) == "must be an object"


@pytest.mark.requirement("ERR-4")
def test_a_bug_tells_the_client_nothing_but_where_to_look() -> None:
    error = errors.InternalError()
    assert (error.code, error.data) == (-32603, None)
    assert error.message == "internal error; the server's log has the detail"


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.kind)
def test_a_kind_leads_to_its_class(cls: type[errors.ApplicationError]) -> None:
    assert cls is errors.by_kind(cls.kind)


def test_every_error_can_be_caught_as_one() -> None:
    for cls in (*KINDS, errors.InvalidParams, errors.InternalError, errors.RequestCancelled):
        assert issubclass(cls, errors.RpcError)

"""Records on disk: times and back, one record a command at any moment, torn files."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daytona_rpc.host import records

millis = st.integers(0, 4_102_444_800_000)  # to the year 2100


@pytest.fixture
def session(tmp_path: Path) -> str:
    """The directory of a session without commands."""
    for name in ("active", "commands"):
        (tmp_path / name).mkdir()
    return str(tmp_path)


def record(command_id: str = "c", **fields: Any) -> dict[str, Any]:
    return {"commandId": command_id, "status": "running", **fields}


# Times


@given(millis)
@example(1001)
def test_a_timestamp_is_what_datetime_makes_of_the_time(at_ms: int) -> None:
    expected = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    stamp = records.timestamp(at_ms / 1000)
    assert expected.isoformat(timespec="milliseconds").replace("+00:00", "Z") == stamp


@given(st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1)))
def test_seconds_are_what_datetime_makes_of_the_stamp(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert moment.timestamp() == pytest.approx(records.seconds(stamp), abs=1e-4)


@given(millis)
@example(1001)
def test_a_stamp_read_and_written_again_is_the_same(at_ms: int) -> None:
    stamp = records.timestamp(at_ms / 1000)
    assert stamp == records.timestamp(records.seconds(stamp))


# A command's record


def test_a_command_has_its_record_before_and_after_its_end(session: str) -> None:
    assert records.read_command(session, "c") is None
    records.write_active(session, record())
    assert record() == records.read_command(session, "c")
    assert (["c"], []) == (records.active_ids(session), records.final_ids(session))
    final = record(status="completed")
    records.write_final(session, final)
    assert final == records.read_command(session, "c")
    assert ([], ["c"]) == (records.active_ids(session), records.final_ids(session))


def test_a_final_record_beside_an_active_one_is_what_counts(session: str) -> None:
    records.write_final(session, record(status="completed"))
    records.write_active(session, record())
    assert record(status="completed") == records.read_command(session, "c")


def test_a_record_keeps_any_text(session: str) -> None:
    text = "echo '\u2028 \U0001f600 \\ \" \x7f'"
    records.write_active(session, record(command=text))
    found = records.read_command(session, "c")
    assert found is not None
    assert text == found["command"]


@pytest.mark.parametrize("torn", [b"", b"\0" * 100, b'{"commandId": "c", "sta', b"[]", b"null", b"\xff"])
def test_a_torn_record_is_none_and_the_active_one_counts(session: str, torn: bytes) -> None:
    records.write_active(session, record())
    folder = Path(session, "commands", "c")
    folder.mkdir()
    (folder / "record.json").write_bytes(torn)
    assert record() == records.read_command(session, "c")
    Path(records.active_path(session, "c")).write_bytes(torn)
    assert records.read_command(session, "c") is None
    Path(session, "session.json").write_bytes(torn)
    assert records.read_session(session) is None


def test_what_is_no_record_is_not_listed(session: str) -> None:
    for name in ("c.json", "c.json.4711", ".json", "-c.json", "readme", "a b.json"):
        Path(session, "active", name).write_text("{}")
    assert ["c"] == records.active_ids(session)
    assert [] == records.active_ids(os.path.join(session, "none"))
    assert [] == records.final_ids(os.path.join(session, "none"))


def test_a_session_is_read_as_it_was_written(session: str) -> None:
    assert records.read_session(session) is None
    made = records.new_session("s", "/home/ä", "/bin/bash", auto=True)
    records.write_session(session, made)
    assert made == records.read_session(session)
    assert {"sessionId": "s", "sandboxId": "local", "cwd": "/home/ä", "shell": "/bin/bash", "auto": True} == {
        key: value for key, value in made.items() if key != "createdAt"
    }
    assert made == json.loads(Path(session, "session.json").read_bytes())

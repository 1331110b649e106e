"""Reading a log by offset: pages, limits, channels."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, assemble, decode

TEXT = "plain, é, ☃, 𝄞, e\u0301, \r\n\x1b[31mred\x1b[0m\t\0." * 3


@pytest.fixture
def text_id(backend: LocalBackend, client: Client, session: str) -> str:
    """A finished command whose log is `TEXT`."""
    argv = backend.argv("trickle.py", TEXT.encode().hex())
    return str(client.run(session, argv)["commandId"])


@pytest.mark.requirement("LOG-7", "LOG-10")
def test_a_page_tells_where_to_go_on(client: Client, session: str) -> None:
    command_id = client.run(session, "seq 1000 1999")["commandId"]
    page = client.request("command/logs", {"commandId": command_id})
    whole = "".join(f"{n}\n" for n in range(1000, 2000))
    assert whole.encode() == assemble(page.pop("chunks"), 0)
    assert {"nextOffset": 5000, "size": 5000, "truncatedBefore": 0, "finished": True} == page


@pytest.mark.requirement("LOG-1", "LOG-7")
def test_a_page_begins_at_the_offset_and_is_about_as_long_as_the_limit(client: Client, session: str) -> None:
    command_id = client.run(session, "seq 1000 1999")["commandId"]
    page = client.request("command/logs", {"commandId": command_id, "offset": 5, "limit": 10})
    part = assemble(page.pop("chunks"), 5)
    assert b"1001\n1002\n".startswith(part)
    assert part
    assert {"nextOffset": 5 + len(part), "size": 5000, "truncatedBefore": 0, "finished": True} == page


@pytest.mark.requirement("LOG-10")
def test_a_page_at_the_end_is_empty(client: Client, text_id: str) -> None:
    size = len(TEXT.encode())
    page = client.request("command/logs", {"commandId": text_id, "offset": size})
    assert {"chunks": [], "nextOffset": size, "size": size, "truncatedBefore": 0, "finished": True} == page


@pytest.mark.requirement("LOG-11")
def test_an_offset_beyond_the_end_is_refused_by_name(client: Client, text_id: str) -> None:
    for offset in (len(TEXT.encode()) + 1, 2**40, -1):
        for method in ("command/logs", "command/attach"):
            error = client.refused(method, commandId=text_id, offset=offset)
            assert (-32602, "offset") == (error.code, error.message[:6])


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", "all"), ("channel", "stdin")])
def test_a_bad_field_is_refused_by_name(client: Client, text_id: str, name: str, value: object) -> None:
    error = client.refused("command/logs", commandId=text_id, **{name: value})
    assert (-32602, name) == (error.code, error.message[: len(name)])


@pytest.mark.requirement("LOG-8")
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 64])
def test_pages_of_any_size_make_up_the_whole(client: Client, text_id: str, limit: int) -> None:
    assert TEXT == client.log(text_id, limit=limit).decode()


@pytest.mark.requirement("LOG-1")
def test_every_offset_can_be_read_from(client: Client, text_id: str) -> None:
    whole = TEXT.encode()
    for offset in range(len(whole) + 1):
        assert whole[offset:] == client.log(text_id, offset)


@pytest.mark.requirement("LOG-7")
def test_a_page_holds_a_mebibyte_unless_told_otherwise(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.run(session, backend.line("flood.py", 5_000_000), stream=False)["commandId"]
    for params, expected in (({}, 1 << 20), ({"limit": 4 << 20}, 4 << 20), ({"limit": 1}, 1)):
        page = client.request("command/logs", {"commandId": command_id, **params})
        assert 5_000_000 == page["size"]
        assert 0.9 * expected <= page["nextOffset"] == len(assemble(page["chunks"], 0)) <= expected
    assert -32602 == client.refused("command/logs", commandId=command_id, limit=(4 << 20) + 1).code


@pytest.mark.requirement("LOG-2", "LOG-3", "LOG-9")
def test_channels_are_told_apart_and_cover_the_log(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("numbered.py", 300, "--both"))
    client.wait_finished(command_id)
    odd = "".join(f"line {n}\n" for n in range(1, 300, 2)).encode()
    even = "".join(f"line {n}\n" for n in range(0, 300, 2)).encode()
    assert (even, odd) == (client.output(command_id, "stdout"), client.output(command_id, "stderr"))
    page = client.request("command/logs", {"commandId": command_id})
    whole = assemble(page["chunks"], 0)
    assert len(whole) == len(odd) + len(even) == page["size"]
    for channel, expected in (("stdout", even), ("stderr", odd), ("pty", b"")):
        part = client.request("command/logs", {"commandId": command_id, "channel": channel})
        assert expected == b"".join(map(decode, part["chunks"]))
        assert page["size"] == part["nextOffset"]
        for chunk in part["chunks"]:
            data = decode(chunk)
            assert (channel, data) == (chunk["channel"], whole[chunk["offset"] :][: len(data)])


@pytest.mark.requirement("LOG-10")
def test_the_log_of_a_running_command_can_be_read(client: Client, session: str) -> None:
    command_id = client.start(session, "echo begun; cat")
    client.wait_output(command_id, b"begun\n")
    page = client.request("command/logs", {"commandId": command_id})
    assert (b"begun\n", False) == (assemble(page["chunks"], 0), page["finished"])


@pytest.mark.requirement("ORD-5")
def test_the_log_agrees_with_status_at_any_time(backend: LocalBackend, client: Client, session: str) -> None:
    command_id = client.start(session, backend.line("numbered.py", 200, "--delay-s", 0.005))
    while True:
        page = client.request("command/logs", {"commandId": command_id})
        status = client.status(command_id)
        assert page["size"] == page["nextOffset"] <= status["logSize"]
        assert page["size"] == len(assemble(page["chunks"], 0))
        if page["finished"]:
            break
    assert ("completed", page["size"]) == (status["status"], status["logSize"])


@pytest.mark.requirement("LOG-3")
def test_chunks_tell_when_they_were_read(client: Client, session: str) -> None:
    status = client.run(session, "echo one; sleep 0.3; echo two")
    chunks = client.request("command/logs", {"commandId": status["commandId"]})["chunks"]
    times = [status["startedAt"], *(chunk["at"] for chunk in chunks), status["endedAt"]]
    assert sorted(times) == times
    assert 2 == len(chunks)

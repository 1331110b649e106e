"""Every byte, exactly as it was written."""

from __future__ import annotations

import random

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client, decode

CASES = {
    "nothing": b"",
    "no final newline": b"a\nb",
    "a NUL": b"a\0b\0\0",
    "progress bar": b"".join(b"\r%3d%%" % n for n in range(0, 101, 5)),
    "escape sequences": b"\x1b[31mred\x1b[0m\x1b]8;;http://x\x07\x9b",
    "byte order mark": b"\xef\xbb\xbftext",
    "unpaired surrogate": b"a\xed\xa0\x80b",
    "overlong": b"\xc0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "broken at the end": "é".encode()[:1],
    "broken in the middle": b"\xf0\x9d\x84 and on",
    "latin-1": "déjà vu\n".encode("latin-1"),
    "line separators": "a\u2028b\u2029c\x85".encode() + b"\x85",
    "noncharacters": "\ufffe\uffff\ufffd\U0010ffff".encode(),
    "like our markers": b"\x01\x01\x01\x02\x02\x02__EXIT_CODE__0\n",
    "like our frames": b'Content-Length: 2\r\n\r\n{}{"jsonrpc":"2.0"}',
}


@pytest.mark.requirement("ORD-6", "LOG-5", "LOG-6")
@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_bytes_are_kept(backend: LocalBackend, client: Client, session: str, data: bytes) -> None:
    command_id = client.start(session, backend.argv("trickle.py", data.hex()))
    assert len(data) == client.wait_finished(command_id)["logSize"]
    assert data == client.output(command_id) == client.log(command_id)


@pytest.mark.requirement("ORD-6", "LOG-5")
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_a_million_random_bytes_are_kept(
    backend: LocalBackend, client: Client, session: str, run_async: bool
) -> None:
    data = random.Random(11).randbytes(1_000_000)
    assert 256 == len(set(data))
    command_id = client.run(session, backend.line("random_bytes.py", 11, 1_000_000), runAsync=run_async)[
        "commandId"
    ]
    client.wait_finished(command_id)
    assert data == client.output(command_id)
    assert data == client.log(command_id)


@pytest.mark.requirement("LOG-4")
@pytest.mark.parametrize("tty", [None, {"cols": 80, "rows": 24}], ids=["pipes", "tty"])
def test_a_character_that_comes_byte_by_byte_is_held_back_until_whole(
    backend: LocalBackend, client: Client, session: str, tty: dict[str, int] | None
) -> None:
    text = "𝄞é☃"
    argv = backend.argv("trickle.py", *(f"{byte:02x}" for byte in text.encode()))
    command_id = client.start(session, argv, tty=tty)
    client.wait_finished(command_id)
    chunks = client.notifications("command/output", commandId=command_id)
    assert text.encode() == client.output(command_id)
    assert {"utf8"} == {chunk["encoding"] for chunk in chunks}
    assert text == "".join(chunk["data"] for chunk in chunks)


@pytest.mark.requirement("LOG-3", "LOG-4")
def test_characters_split_on_both_channels_stay_whole_in_each(
    backend: LocalBackend, client: Client, session: str
) -> None:
    parts = ["1:e2", "2:f09d", "1:82", "2:849e", "1:ac", "2:0a", "1:0a"]
    command_id = client.start(session, backend.argv("trickle.py", *parts))
    client.wait_finished(command_id)
    assert "€\n" == client.output(command_id, "stdout").decode()
    assert "𝄞\n" == client.output(command_id, "stderr").decode()
    assert 9 == len(client.output(command_id)) == len(client.log(command_id))


@pytest.mark.requirement("LOG-5")
def test_a_broken_character_does_not_hold_back_what_follows(client: Client, session: str) -> None:
    command_id = client.start(session, "printf '\\360\\235'; sleep 0.1; printf ' and on\\n'; cat")
    client.wait_output(command_id, b"\xf0\x9d and on\n")
    assert "running" == client.status(command_id)["status"]


def test_a_line_without_an_end_is_delivered_at_once(client: Client, session: str) -> None:
    command_id = client.start(session, "printf 'Continue? [y/N] '; read answer; echo got $answer")
    client.wait_output(command_id, b"Continue? [y/N] ")
    client.request("command/input", {"commandId": command_id, "data": "y\n"})
    client.wait_finished(command_id)
    assert "Continue? [y/N] got y\n" == client.output(command_id).decode()


@pytest.mark.requirement("ORD-6")
def test_a_long_line_is_kept(backend: LocalBackend, client: Client, session: str) -> None:
    command_id = client.start(session, "head -c 3000000 /dev/zero | tr '\\0' x")
    client.wait_finished(command_id)
    assert b"x" * 3_000_000 == client.output(command_id)


@pytest.mark.requirement("ORD-6", "PAR-1")
def test_many_commands_at_once_keep_their_bytes_apart(
    backend: LocalBackend, client: Client, session: str
) -> None:
    seeds = range(20, 28)
    ids = {seed: client.start(session, backend.argv("random_bytes.py", seed, 200_000)) for seed in seeds}
    for seed, command_id in ids.items():
        client.wait_finished(command_id)
        assert random.Random(seed).randbytes(200_000) == client.output(command_id)


def test_chunks_are_of_a_size_that_an_editor_can_take(
    backend: LocalBackend, client: Client, session: str
) -> None:
    command_id = client.start(session, backend.line("flood.py", 10_000_000))
    client.wait_finished(command_id)
    sizes = [len(decode(chunk)) for chunk in client.notifications("command/output", commandId=command_id)]
    assert (10_000_000, True) == (sum(sizes), max(sizes) <= 1 << 20)

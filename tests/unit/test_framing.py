"""Frames: any split of the bytes gives the same bodies, and a bad header is survived."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daytona_rpc import framing
from daytona_rpc.framing import BodyTooLarge, FrameReader, FramingError, frame

bodies = st.lists(st.binary(max_size=200), max_size=6)
cuts = st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=20)


def read(data: bytes, sizes: list[int] | None = None, *, max_body: int = 10_000) -> list[bytes | str]:
    """What a reader finds, errors by their text, when fed pieces of these sizes over and over."""
    reader = FrameReader(max_body=max_body)
    found: list[bytes | FramingError] = []
    sizes = sizes or [len(data) or 1]
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += reader.feed(data[at : at + size])
        at += size
        turn += 1
    return [item if isinstance(item, bytes) else str(item) for item in found]


@given(bodies, cuts)
def test_any_split_gives_the_same_bodies(expected: list[bytes], sizes: list[int]) -> None:
    assert expected == read(b"".join(map(frame, expected)), sizes)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [
                    frame(b"{}"),
                    frame(b"x" * 50),
                    b"Content-Length: 5\r\n",
                    b"content-length:7\n",
                    b"\r\n",
                    b"\n\n",
                    b"Content-Length: -1\r\n\r\n",
                    b"Content-Type: text/plain\r\n",
                    b"Content-Length: 99\r\n\r\n" + b"z" * 99,
                    b"no header",
                ]
            ),
        ),
        max_size=12,
    ),
    cuts,
)
def test_any_split_of_any_bytes_finds_the_same(parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    assert read(data, max_body=60) == read(data, sizes, max_body=60)


@given(st.binary(max_size=300), cuts)
def test_whatever_came_before_a_later_frame_is_heard(noise: bytes, sizes: list[int]) -> None:
    # The noise may itself be the start of a header that swallows the first frame, but not the third.
    noise = noise.replace(b"\n", b" ").replace(b"\r", b" ")
    assert read(noise + b"\r\n\r\n" + frame(b"{}") * 2 + frame(b"[1]"), sizes)[-1] == b"[1]"


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 2\r\n\r\n",
        b"CONTENT-LENGTH:2\r\n\r\n",
        b"Content-Length: 2  \r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nX-Other: a:b\r\n\r\n",
        b"Content-Length: 2\n\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_headers_are_read_leniently(header: bytes) -> None:
    assert read(header + b"{}") == [b"{}"]
    assert read(header + b"{}", [1]) == [b"{}"]


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Length: abc\r\n\r\n{}",
        b"Content-Length: -2\r\n\r\n{}",
        b"Content-Length: 1_0\r\n\r\n{}",
        b"Content-Length: 9999999999999\r\n\r\n{}",
        b"Content-Length:\r\n\r\n{}",
        b"Content-Type: text/plain\r\n\r\n{}",
        b"Content-Length 2\r\n\r\n{}",
        b"hello\r\n\r\n",
        b"x" * (framing.MAX_HEADER + 10),
    ],
)
def test_a_broken_header_is_one_error_and_the_next_frame_is_heard(broken: bytes) -> None:
    for sizes in ([len(broken) + 40], [1], [7]):
        error, body = read(broken + frame(b'{"a":1}'), sizes)
        assert isinstance(error, str)
        assert body == b'{"a":1}'


def test_a_body_longer_than_announced_costs_one_error() -> None:
    found = read(b'Content-Length: 4\r\n\r\n{"a":1}' + frame(b"{}"))
    assert found[0] == b'{"a"'
    assert isinstance(found[1], str)
    assert found[2:] == [b"{}"]


def test_a_length_line_inside_a_string_is_not_taken_for_a_header() -> None:
    text = rb'{"data":"Content-Length: 5\r\n\r\nhello"}'
    assert read(b"nonsense\r\n\r\n" + text + frame(b"{}"))[1:] == [b"{}"]


def test_a_body_that_is_too_large_is_read_past_and_its_head_reported() -> None:
    reader = FrameReader(max_body=100)
    data = frame(b'{"id":7,' + b"x" * 5000) + frame(b"{}")
    found = [item for at in range(0, len(data), 9) for item in reader.feed(data[at : at + 9])]
    assert isinstance(found[0], BodyTooLarge)
    assert found[0].head.startswith(b'{"id":7,')
    assert len(found[0].head) == 1024
    assert found[1:] == [b"{}"]


def test_an_empty_body_is_a_body() -> None:
    assert read(frame(b"") + frame(b"{}")) == [b"", b"{}"]
    assert read(frame(b"")) == [b""]


def test_a_notification_in_pieces_is_a_whole_frame() -> None:
    pieces = framing.notification("command/output", b'{"offset":0}')
    assert read(b"".join(pieces)) == [b'{"jsonrpc":"2.0","method":"command/output","params":{"offset":0}}']

"""Chunks: all bytes of a log, in characters where they are text, in the form that the codec gives."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daytona_rpc import chunks, codec, protocol
from daytona_rpc.host.log import CHANNELS
from daytona_rpc.host.logreader import Piece

AT_MS = 1_767_225_600_123  # 2026-01-01T00:00:00.123Z

texts = st.text(max_size=30).map(str.encode)
parts = st.one_of(texts, st.binary(max_size=30))
runs = st.lists(st.tuples(st.integers(0, 2), parts.filter(bool)), max_size=8)


def laid_out(found: list[tuple[int, bytes]], start: int = 0) -> list[Piece]:
    """Pieces side by side, as a reader gives them."""
    pieces = []
    for channel, data in found:
        pieces.append(Piece(start, channel, AT_MS, data))
        start += len(data)
    return pieces


def read_all(pieces: list[Piece], limit: int) -> list[Piece]:
    """All chunks of a log that is read page by page, each from where the one before it ended."""
    size = pieces[-1].offset + len(pieces[-1].data) if pieces else 0
    found: list[Piece] = []
    at = 0
    while at < size:
        page: list[Piece] = []
        room = limit
        for offset, channel, at_ms, data in pieces:
            skip = max(0, at - offset)
            if skip < len(data) and room:
                page.append(Piece(offset + skip, channel, at_ms, data[skip : skip + room]))
                room -= len(page[-1].data)
        got = list(chunks.split(page, size))
        assert got, "a page without progress"
        found += got
        at = got[-1].offset + len(got[-1].data)
    return found


@settings(deadline=None, max_examples=150)
@given(runs, st.integers(1, 40), st.integers(4, 16))
def test_the_chunks_of_a_log_put_together_are_its_bytes(
    found: list[tuple[int, bytes]], limit: int, size: int
) -> None:
    pieces = laid_out(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_BYTES", size)
        got = read_all(pieces, limit)
    assert b"".join(data for _, data in found) == b"".join(piece.data for piece in got)
    at = 0
    for piece in got:
        assert at == piece.offset
        assert 0 < len(piece.data) <= size
        at += len(piece.data)
    expected = b"".join(bytes([channel]) * len(data) for channel, data in found)
    assert expected == b"".join(bytes([piece.channel]) * len(piece.data) for piece in got)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 2), texts.filter(bool)), max_size=8), st.integers(4, 40))
def test_of_a_log_that_is_text_each_chunk_is_whole_characters(
    found: list[tuple[int, bytes]], limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_BYTES", 8)
        got = read_all(laid_out(found), limit)
    assert ["utf8"] * len(got) == [chunks.encode(piece.data)[1] for piece in got]


@given(st.binary())
def test_the_encoded_data_of_a_chunk_stands_for_its_bytes(data: bytes) -> None:
    text, encoding = chunks.encode(data)
    decode: dict[str, Callable[[str], bytes]] = {"utf8": str.encode, "base64": base64.b64decode}
    assert data == decode[encoding](text)


def test_half_a_character_at_the_end_of_what_was_read_waits_for_its_rest() -> None:
    pieces = laid_out([(0, "a€".encode()[:-1])])
    assert [piece.data for piece in chunks.split(pieces, 4)] == [b"a"]


def test_half_a_character_at_the_end_of_the_log_is_not_held_back() -> None:
    pieces = laid_out([(0, "a€".encode()[:-1])])
    assert [piece.data for piece in chunks.split(pieces, 3)] == [b"a\xe2\x82"]


def test_half_a_character_alone_is_given_so_that_there_is_progress() -> None:
    assert [piece.data for piece in chunks.split(laid_out([(0, b"\xe2")]), 3)] == [b"\xe2"]


def test_an_ordinary_piece_is_one_chunk_and_a_large_one_is_cut_to_size() -> None:
    whole = "ä".encode() * chunks.CHUNK_BYTES
    sizes = [len(piece.data) for piece in chunks.split(laid_out([(0, b"x" + whole)]), 1 << 30)]
    assert sizes == [65535, 65536, 2]


@given(
    st.integers(0, 2),
    st.binary(min_size=1, max_size=20),
    st.integers(0, 2**53),
    st.integers(0, 4_000_000_000_000),
)
def test_a_chunk_is_what_the_codec_makes_of_its_class(
    channel: int, data: bytes, offset: int, at_ms: int
) -> None:
    text, encoding = chunks.encode(data)
    at = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ms % 1000:03d}Z"
    expected = codec.unstructure(
        protocol.LogChunk(
            session_id="s",
            command_id="c",
            offset=offset,
            channel=protocol.Channel(CHANNELS[channel]),
            data=text,
            encoding=protocol.Encoding(encoding),
            at=at,
        )
    )
    assert expected == chunks.chunk("s", "c", Piece(offset, channel, at_ms, data), chunks.Stamps())


def test_stamps_of_one_second_differ_in_their_milliseconds_alone() -> None:
    stamps = chunks.Stamps()
    times = [AT_MS, AT_MS + 876, AT_MS + 877, AT_MS]
    expected = [
        "2026-01-01T00:00:00.123Z",
        "2026-01-01T00:00:00.999Z",
        "2026-01-01T00:00:01.000Z",
        "2026-01-01T00:00:00.123Z",
    ]
    assert expected == [stamps.text(time) for time in times]

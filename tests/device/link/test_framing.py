"""Frames are found in any byte stream, with bounded memory; one damaged byte of a sealed frame is mended."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barbotage_device.link.errors import LinkError
from barbotage_device.link.framing import (
    MAX_BODY_BYTES,
    MAX_ENCODED_BYTES,
    MAX_PAYLOAD_BYTES,
    Deframer,
    FrameType,
    associated_data,
    encode_frame,
)
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.mending import MAX_MENDED_BYTES, find_damage
from barbotage_device.link.sealing import LAST_COUNTER, Opener, Sealer
from barbotage_device.link.varint import LIMIT, decode_varint, encode_varint

KEY = bytes(range(32))


def plain(payload: bytes, counter: int = 0) -> bytes:
    return encode_frame(associated_data(FrameType.DATA, False, counter), payload)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(each % (len(data) + 1) for each in at), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(min_value=0), max_size=8), st.binary(max_size=50))
def test_frames_are_found_however_the_stream_is_cut_and_whatever_comes_first(
    payloads: list[bytes], places: list[int], junk: bytes
) -> None:
    stream = junk.replace(b"\0", b"") + b"\0" + b"".join(plain(each, index) for index, each in enumerate(payloads))
    deframer = Deframer()
    found = [frame for piece in cut(stream, places) for frame in deframer.feed(piece)]
    assert [frame.body for frame in found] == payloads
    assert [frame.counter for frame in found] == list(range(len(payloads)))


@given(st.lists(st.binary(max_size=3000), max_size=20))
def test_no_stream_is_held_beyond_one_frame_and_a_frame_is_found_after_it(chunks: list[bytes]) -> None:
    deframer = Deframer()
    for chunk in chunks:
        deframer.feed(chunk)
        assert deframer.held_bytes <= MAX_ENCODED_BYTES
    assert [frame.body for frame in deframer.feed(b"\0" + plain(b"here"))] == [b"here"]


def test_a_stream_without_zeros_is_thrown_away_once_it_is_too_long() -> None:
    deframer = Deframer()
    for _ in range(1000):
        deframer.feed(b"x" * 65536)
        assert deframer.held_bytes == 0
    assert deframer.counts.overlong == 1
    assert deframer.feed(b"rest\0") == []
    assert len(deframer.feed(plain(b"a"))) == 1


def test_the_longest_body_passes_and_a_longer_one_is_refused() -> None:
    body = random.Random(1).randbytes(MAX_BODY_BYTES)
    assert Deframer().feed(plain(body))[0].body == body
    assert len(plain(b"\1" * MAX_BODY_BYTES)) <= MAX_ENCODED_BYTES + 1
    with pytest.raises(ValueError, match="at most"):
        plain(body + b"x")


@given(st.integers(min_value=0, max_value=LIMIT - 1), st.binary(max_size=3))
def test_numbers_come_back(value: int, before: bytes) -> None:
    encoded = encode_varint(value)
    assert decode_varint(before + encoded, len(before)) == (value, len(before) + len(encoded))


@given(st.binary(max_size=500), st.data())
def test_a_changed_byte_of_a_sealed_frame_is_mended_or_the_frame_is_dropped_but_never_wrong(
    payload: bytes, data: st.DataObject
) -> None:
    wire = bytearray(Sealer(KEY).seal(FrameType.DATA, payload))
    index = data.draw(st.integers(0, len(wire) - 2))
    wire[index] ^= data.draw(st.integers(1, 255))
    opener = Opener(KEY)
    opened = [opener.open(frame) for frame in Deframer(mends=True).feed(bytes(wire) + b"\0")]
    assert [each for each in opened if each is not None] in ([], [payload])


def test_nearly_all_single_bit_errors_of_a_long_frame_are_mended() -> None:
    rng = random.Random(7)
    mended = 0
    for _ in range(200):
        wire = bytearray(Sealer(KEY).seal(FrameType.DATA, rng.randbytes(800)))
        wire[rng.randrange(len(wire) - 1)] ^= 1 << rng.randrange(8)
        opener = Opener(KEY)
        mended += any(opener.open(frame) for frame in Deframer(mends=True).feed(bytes(wire)))
    assert mended >= 190  # the rest hit a code byte of COBS, or made a zero


@given(st.integers(1, 0xFFFFFFFF), st.integers(0, 300))
def test_damage_that_is_found_explains_the_syndrome(syndrome: int, covered: int) -> None:
    import zlib

    found = find_damage(syndrome, covered)
    if found is not None and found[0] < covered:
        error = bytearray(covered)
        error[found[0]] = found[1]
        assert zlib.crc32(error) ^ zlib.crc32(bytes(covered)) == syndrome


def test_frames_longer_than_a_serial_lines_are_not_mended() -> None:
    wire = bytearray(Sealer(KEY).seal(FrameType.DATA, b"\1" * MAX_MENDED_BYTES))
    wire[100] ^= 1
    assert Deframer(mends=True).feed(bytes(wire)) == []


def seal_some(count: int) -> list[bytes]:
    sealer = Sealer(KEY)
    return [sealer.seal(FrameType.REQUEST, bytes((index,)) * 10) for index in range(count)]


def opened(wires: list[bytes]) -> tuple[list[int], Opener]:
    opener, deframer = Opener(KEY), Deframer(mends=True)
    payloads = [opener.open(frame) for wire in wires for frame in deframer.feed(wire)]
    return [payload[0] for payload in payloads if payload is not None], opener


@pytest.mark.parametrize(
    ("order", "seen"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 0, 1, 1, 0], [0, 1]),
        ([1, 0, 2], [1, 2]),
        ([3, 2, 1, 0], [3]),
        ([0, 3], [0, 3]),
    ],
    ids=["in order", "replayed", "reordered", "backwards", "with a gap"],
)
def test_sealed_frames_open_once_and_in_ascending_order(order: list[int], seen: list[int]) -> None:
    wires = seal_some(4)
    got, opener = opened([wires[index] for index in order])
    assert got == seen
    assert opener.refused == len(order) - len(seen)
    assert opener.missed == (seen[-1] + 1 - len(seen))


@given(st.integers(min_value=1), st.integers(min_value=0))
def test_cut_or_altered_sealed_frames_do_not_open(flip: int, where: int) -> None:
    sealer, opener = Sealer(KEY), Opener(KEY)
    (frame,) = Deframer().feed(sealer.seal(FrameType.REQUEST, b"delete everything"))
    body = bytearray(frame.body)
    body[where % len(body)] ^= flip % 255 + 1
    assert opener.open(frame._replace(body=bytes(body))) is None
    assert opener.open(frame._replace(body=frame.body[: where % len(frame.body)])) is None
    assert opener.open(frame._replace(associated=bytes((frame.associated[0] ^ 1,)) + frame.associated[1:])) is None
    assert opener.open(frame) == b"delete everything"


def test_a_frame_of_the_other_direction_does_not_open() -> None:
    (frame,) = Deframer().feed(Sealer(bytes(32)).seal(FrameType.REQUEST, b"x"))
    opener = Opener(KEY)
    assert opener.open(frame) is None
    assert opener.refused == 1


def test_a_direction_ends_before_its_counter_repeats() -> None:
    sealer = Sealer(KEY, 0)
    sealer.counter = LAST_COUNTER + 1
    with pytest.raises(LinkError, match="made anew"):
        sealer.seal(FrameType.LOG, b"")


ranges = st.tuples(st.integers(0, 60), st.integers(0, 60))


@given(st.lists(st.tuples(st.booleans(), ranges), max_size=30), ranges)
def test_intervals_are_a_set_of_numbers(steps: list[tuple[bool, tuple[int, int]]], window: tuple[int, int]) -> None:
    intervals, model = Intervals(), set[int]()
    for adds, (start, end) in steps:
        if adds:
            intervals.add(start, end)
            model |= set(range(start, end))
        else:
            taken = intervals.remove(start, end)
            assert {n for a, b in taken for n in range(a, b)} == model & set(range(start, end))
            model -= set(range(start, end))
    listed = list(intervals)
    assert [n for a, b in listed for n in range(a, b)] == sorted(model)
    assert intervals.total == len(model)
    assert all(a < b for a, b in listed)
    assert all(b < c for (_, b), (c, _) in pairwise(listed))
    assert {n for a, b in intervals.within(*window) for n in range(a, b)} == model & set(range(*window))


def test_payload_and_block_fit_each_other() -> None:
    assert 8192 + len(encode_varint(63)) + len(encode_varint(LIMIT - 1)) <= MAX_PAYLOAD_BYTES

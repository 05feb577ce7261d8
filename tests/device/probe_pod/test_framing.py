"""The device's codec: the shared vectors, and what a stream of bytes may do to it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barbotage_device.errors import InvalidInputError
from barbotage_device.probe_pod import protocol
from barbotage_device.probe_pod.framing import Frame, Receiver, decode, encode, encode_command, parse

VECTORS = json.loads((Path(__file__).resolve().parents[3] / "device" / "pod" / "vectors.json").read_text(encoding="utf-8"))
FRAMES = [pytest.param(one, id=one["name"]) for one in VECTORS["frames"]]
DAMAGED = [pytest.param(bytes.fromhex(one["bytes"]), id=one["name"]) for one in VECTORS["damaged"]]
MESSAGES = st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=protocol.PAYLOAD_MAX_BYTES))


@pytest.mark.parametrize("vector", FRAMES)
def test_a_vector_is_written_and_read(vector: dict[str, str | int]) -> None:
    message, sequence, payload = int(vector["id"]), int(vector["sequence"]), bytes.fromhex(str(vector["payload"]))
    wire = bytes.fromhex(str(vector["wire"]))
    assert encode(message, sequence, payload) == wire
    assert Receiver().feed(wire) == [Frame(message, sequence, payload)]


@pytest.mark.parametrize("stuffed", DAMAGED)
def test_a_damaged_vector_is_no_frame(stuffed: bytes) -> None:
    assert decode(stuffed) is None
    receiver = Receiver()
    good = encode(1, 0, b"after")
    assert receiver.feed(b"\0" + stuffed + b"\0" + good) == [Frame(1, 0, b"after")]
    assert receiver.damaged == 1


@given(messages=st.lists(MESSAGES, max_size=6), noise=st.binary(max_size=40), cut=st.integers(1, 40))
def test_frames_come_through_whatever_the_pieces_and_the_noise_before(
    messages: list[tuple[int, int, bytes]], noise: bytes, cut: int
) -> None:
    stream = noise.replace(b"\0", b"\1") + b"".join(encode(*one) for one in messages)
    receiver = Receiver()
    frames = [frame for at in range(0, len(stream), cut) for frame in receiver.feed(stream[at : at + cut])]
    assert frames[-len(messages) :] == [Frame(*one) for one in messages] if messages else not frames


def test_a_payload_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="24 bytes"):
        encode(1, 0, bytes(24))


def test_endless_noise_is_not_kept() -> None:
    receiver = Receiver()
    for _ in range(100):
        assert receiver.feed(b"\x55" * 1000) == []
    assert receiver.feed(b"\0" + encode(2, 0, b"")) == [Frame(2, 0, b"")]
    assert receiver.damaged == 1


@pytest.mark.parametrize(("sequences", "lost"), [([0, 1, 2], 0), ([0, 3], 2), ([254, 255, 0], 0), ([250, 2], 7)])
def test_gaps_in_the_sequence_are_counted(sequences: list[int], lost: int) -> None:
    receiver = Receiver()
    receiver.feed(b"".join(encode(4, sequence, b"") for sequence in sequences))
    assert receiver.lost == lost


def test_every_command_fits_into_32_bytes() -> None:
    commands: list[protocol.Command] = [
        protocol.Greet(1),
        protocol.Feedback(1, 2, 3),
        protocol.SetSetting(1, -1),
        protocol.SetSerial(b"x" * 10),
        protocol.Save(),
        protocol.EnterRepl(protocol.ENTER_REPL_MAGIC),
    ]
    assert max(len(encode_command(command, 300)) for command in commands) <= protocol.FRAME_BYTES


def test_a_message_of_wrong_length_or_unknown_id_is_none() -> None:
    assert parse(Frame(protocol.Tilt.ID, 0, b"short")) is None
    assert parse(Frame(63, 0, b"")) is None


def test_the_hello_of_another_protocol_still_tells_its_number() -> None:
    hello = parse(Frame(protocol.Hello.ID, 0, b"\x07\x00new layout"))
    assert isinstance(hello, protocol.Hello)
    assert hello.protocol == 7

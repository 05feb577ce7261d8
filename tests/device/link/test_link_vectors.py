"""The examples of docs/protocol.md, which were made without this code, hold for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from barbotage_device.link import cbor
from barbotage_device.link.errors import MalformedError
from barbotage_device.link.framing import Deframer, FrameType, associated_data, encode_frame
from barbotage_device.link.messages import parse_event, parse_log, parse_request, parse_response, parse_telemetry
from barbotage_device.link.noise import Handshake
from barbotage_device.link.sealing import EPOCH_FRAMES, Opener, Sealer, rekeyed
from barbotage_device.link.shaking import prologue
from barbotage_device.link.varint import decode_varint, encode_varint

VECTORS: dict[str, Any] = json.loads((Path(__file__).resolve().parents[2] / "data/link/vectors.json").read_text(encoding="utf-8"))
PARSERS: dict[FrameType, Callable[[bytes], Any]] = {
    FrameType.REQUEST: parse_request,
    FrameType.RESPONSE: parse_response,
    FrameType.EVENT: parse_event,
    FrameType.TELEMETRY: parse_telemetry,
    FrameType.LOG: parse_log,
}


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize("vector", VECTORS["varints"], ids=lambda v: str(v["value"]))
def test_numbers_have_their_shortest_form(vector: dict[str, Any]) -> None:
    assert encode_varint(vector["value"]).hex() == vector["bytes"]
    assert decode_varint(b"x" + octets(vector["bytes"]), 1) == (vector["value"], 1 + len(octets(vector["bytes"])))


@pytest.mark.parametrize("vector", VECTORS["varints_long_forms"], ids=lambda v: v["bytes"])
def test_longer_forms_of_numbers_are_read(vector: dict[str, Any]) -> None:
    assert decode_varint(octets(vector["bytes"]), 0)[0] == vector["value"]


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda v: v["name"])
def test_plain_frames(vector: dict[str, Any]) -> None:
    kind = FrameType[vector["type"]]
    payload = octets(vector["payload"])
    assert encode_frame(associated_data(kind, False, vector["counter"]), payload).hex() == vector["wire"]
    (frame,) = Deframer().feed(octets(vector["wire"]))
    assert (frame.type, frame.sealed, frame.counter, frame.body) == (kind, False, vector["counter"] & 0xFFFF, payload)


@pytest.mark.parametrize("vector", VECTORS["not_frames"], ids=lambda v: v["name"])
def test_what_is_no_frame_is_dropped_and_counted_and_the_next_frame_is_found(vector: dict[str, Any]) -> None:
    deframer = Deframer()
    good = octets(VECTORS["frames"][1]["wire"])
    assert len(deframer.feed(octets(vector["wire"]) + good)) == 1
    counts = deframer.counts
    assert counts.damaged + counts.foreign + counts.overlong == 1


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda v: f"{v['type']}-{v['value'][1]}")
def test_messages(vector: dict[str, Any]) -> None:
    data = octets(vector["bytes"])
    assert cbor.decode(data) == vector["value"]
    assert cbor.encode(vector["value"]) == data
    assert PARSERS[FrameType[vector["type"]]](data).encode() == data


@pytest.mark.parametrize("vector", VECTORS["not_messages"], ids=lambda v: v["name"])
def test_cbor_that_the_protocol_does_not_use_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        cbor.decode(octets(vector["bytes"]))


def test_sealed_frames_open_in_order_and_are_made_alike() -> None:
    vectors = VECTORS["sealed"]
    opener, deframer = Opener(octets(vectors["key"])), Deframer()
    assert rekeyed(octets(vectors["key"])).hex() == vectors["second_key"]
    for vector in vectors["frames"]:
        if vector["counter"] - opener.expected > 0xFFFF:  # so many lost in a row would not be bridged: pretend that they came
            opener.expected = vector["counter"] - 1
        (frame,) = deframer.feed(octets(vector["wire"]))
        assert opener.open(frame) == octets(vector["payload"]), vector["name"]
        assert opener.expected == vector["counter"] + 1
        sealer = Sealer(octets(vectors["key"]), vector["counter"])
        assert sealer.seal(FrameType[vector["type"]], octets(vector["payload"])).hex() == vector["wire"]
    assert vectors["frames"][-1]["counter"] == EPOCH_FRAMES


def test_a_frame_with_one_damaged_byte_is_mended_when_it_is_sealed() -> None:
    vector = VECTORS["mending"]
    (frame,) = Deframer(mends=True).feed(octets(vector["damaged"]))
    assert frame.mended
    assert Opener(octets(vector["key"])).open(frame) == octets(vector["payload"])
    assert Deframer().feed(octets(vector["damaged"])) == []


@pytest.mark.parametrize("vector", VECTORS["noise"], ids=lambda v: v["name"])
def test_handshakes_of_another_implementation(vector: dict[str, Any]) -> None:
    def key(name: str) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(octets(vector[name]))

    bound = prologue(octets(vector["host_hello"]), octets(vector["device_hello"]))
    assert bound.hex() == vector["prologue"]
    psk = octets(vector["psk"]) if vector["psk"] else None
    host = Handshake(True, key("host_static"), bound, psk, lambda: key("host_ephemeral"))
    device = Handshake(False, key("device_static"), bound, psk, lambda: key("device_ephemeral"))
    for index, (writer, reader) in enumerate(((host, device), (device, host), (host, device))):
        message = writer.write()
        assert message.hex() == vector["messages"][index]
        assert reader.read(message) == b""
    for end in (host, device):
        keys = end.split()
        assert keys.host_to_device.hex() == vector["host_to_device"]
        assert keys.device_to_host.hex() == vector["device_to_host"]
        assert keys.handshake_hash.hex() == vector["handshake_hash"]

# The pod's codec against the shared vectors, in both its forms.
import json
import os
from binascii import unhexlify

from pod import cobs, frame
from pod.protocol import FRAME_BYTES

with open(os.getenv("POD_VECTORS")) as _file:
    VECTORS = json.load(_file)


def _both_codecs(check):
    kept = frame.encode, frame.decode
    try:
        for frame.encode, frame.decode in ((cobs.encode, cobs.decode), (cobs.encode_plain, cobs.decode_plain)):
            check()
    finally:
        frame.encode, frame.decode = kept


def test_machine_code_is_used_here():
    assert cobs.encode is not cobs.encode_plain


def test_vectors_are_written():
    def check():
        for vector in VECTORS["frames"]:
            encoder = frame.Encoder()
            encoder.sequence = vector["sequence"]
            payload = unhexlify(vector["payload"])
            wire = encoder.build(vector["id"], "%ds" % len(payload), payload)
            assert len(wire) == FRAME_BYTES, vector["name"]
            assert bytes(wire).rstrip(b"\x00") + b"\x00" == unhexlify(vector["wire"]), vector["name"]

    _both_codecs(check)


def test_vectors_are_read():
    def check():
        decoder = frame.Decoder()
        for vector in VECTORS["frames"]:
            found = [decoder.push(byte) for byte in unhexlify(vector["wire"])]
            assert found[-1] and not any(found[:-1]), vector["name"]
            assert (decoder.message, decoder.sequence) == (vector["id"], vector["sequence"]), vector["name"]
            assert decoder.payload == unhexlify(vector["payload"]), vector["name"]
        assert decoder.bad == 0

    _both_codecs(check)


def test_damaged_vectors_are_counted_and_the_next_frame_is_read():
    def check():
        good = unhexlify(VECTORS["frames"][0]["wire"])
        for vector in VECTORS["damaged"]:
            decoder = frame.Decoder()
            assert not any([decoder.push(byte) for byte in unhexlify(vector["bytes"]) + b"\x00"]), vector["name"]
            assert decoder.bad == 1, vector["name"]
            assert [decoder.push(byte) for byte in good][-1], vector["name"]

    _both_codecs(check)


def test_the_sequence_wraps():
    encoder = frame.Encoder()
    encoder.sequence = 255
    encoder.build(1, "")
    assert encoder.sequence == 0

# Frames: 0x00, COBS(id, sequence, payload, CRC-32), 0x00. Those of the pod are filled up with zeros to 32 bytes:
# the USB buffer (256) then always has room for a whole frame or for none, so that a write never blocks half-way.
from binascii import crc32
from struct import calcsize, pack_into, unpack_from

from micropython import const

from pod.cobs import decode, encode
from pod.protocol import FRAME_BYTES, PAYLOAD_MAX_BYTES

_CODE = const(1)
_ID = const(2)
_SEQUENCE = const(3)
_PAYLOAD = const(4)
_CRC_BYTES = const(4)
_SMALLEST = const(7)  # code, id, sequence, CRC-32
_LARGEST = const(30)
_ZEROS = bytes(FRAME_BYTES)


class Encoder:
    def __init__(self):
        self._buffer = bytearray(FRAME_BYTES)
        self._view = memoryview(self._buffer)
        self.sequence = 0

    def build(self, message, layout, *values):
        buffer = self._buffer
        end = _PAYLOAD + calcsize(layout)
        buffer[:] = _ZEROS
        buffer[_ID] = message
        buffer[_SEQUENCE] = self.sequence
        self.sequence = self.sequence + 1 & 0xFF
        pack_into(layout, buffer, _PAYLOAD, *values)
        pack_into("<I", buffer, end, crc32(self._view[_ID:end]))
        encode(buffer, _CODE, end + _CRC_BYTES)  # pyright: ignore[reportArgumentType] - viper takes any buffer
        return buffer


class Decoder:
    # Feed it bytes; when push() is true, message, sequence and payload are those of a good frame.
    def __init__(self):
        self._buffer = bytearray(_LARGEST)
        self._view = memoryview(self._buffer)
        self._size = 0
        self.bad = 0
        self.message = 0
        self.sequence = 0
        self.payload = b""

    def push(self, byte):
        size = self._size
        if byte:
            if size < _LARGEST:
                self._buffer[size] = byte
            self._size = size + 1
            return False
        self._size = 0
        return size > 0 and self._finish(size)

    def _finish(self, size):
        if not _SMALLEST <= size <= _LARGEST or not decode(self._buffer, size):  # pyright: ignore[reportArgumentType]
            return self._refuse()
        end = size - _CRC_BYTES
        if unpack_from("<I", self._buffer, end)[0] != crc32(self._view[1:end]):
            return self._refuse()
        self.message = self._buffer[1]
        self.sequence = self._buffer[2]
        self.payload = bytes(self._view[3:end])
        return len(self.payload) <= PAYLOAD_MAX_BYTES

    def _refuse(self):
        self.bad += 1
        return False

"""UF2 files: what a Pico's boot loader takes (github.com/microsoft/uf2)."""

import struct

_BLOCK = struct.Struct("<8I476sI")
_MAGIC_0, _MAGIC_1, _MAGIC_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_FAMILY_PRESENT = 0x2000
_RP2040 = 0xE48BFF56
_PAYLOAD_BYTES = 256
FLASH_BASE = 0x10000000


def pack_uf2(binary: bytes) -> bytes:
    """A flash image that starts at the beginning of the RP2040's flash, as UF2."""
    total = -(-len(binary) // _PAYLOAD_BYTES)
    blocks = []
    for number in range(total):
        at = number * _PAYLOAD_BYTES
        payload = binary[at : at + _PAYLOAD_BYTES].ljust(_PAYLOAD_BYTES, b"\0")
        address = FLASH_BASE + at
        blocks.append(
            _BLOCK.pack(_MAGIC_0, _MAGIC_1, _FAMILY_PRESENT, address, _PAYLOAD_BYTES, number, total, _RP2040, payload, _MAGIC_END)
        )
    return b"".join(blocks)

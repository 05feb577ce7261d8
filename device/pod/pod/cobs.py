# COBS in place for frames below 254 bytes, where every block is closed by a zero (Cheshire and Baker, 1999).
# A zero is replaced by the distance to the next one, and the other way round.


def encode_plain(buffer, first, end):
    # buffer[first] becomes the first distance, buffer[first + 1:end] is encoded.
    last = first
    at = buffer.find(b"\x00", first + 1, end)
    while at >= 0:
        buffer[last] = at - last
        last = at
        at = buffer.find(b"\x00", at + 1, end)
    buffer[last] = end - last


def decode_plain(buffer, size):
    # 1 when buffer[:size] was a chain of distances; the decoded bytes are then buffer[1:size].
    at = 0
    while at < size:
        code = buffer[at]
        if code == 0 or at + code > size:
            return 0
        buffer[at] = 0
        at += code
    return 1


try:
    from pod.cobs_viper import decode, encode
except (ImportError, SyntaxError):  # a port without the code emitter
    encode, decode = encode_plain, decode_plain

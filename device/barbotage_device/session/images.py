"""Pictures as Foxglove messages: made with protobuf, found again inside a message without it."""

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo

from barbotage_device.session.errors import SessionError

FRAME_ID = "us"
"""The coordinate frame that viewers show: the ultrasound plane."""
DATA_FIELD = 2
"""Number of the field ``data`` in foxglove.CompressedImage and foxglove.CompressedVideo."""
NS_PER_S = 1_000_000_000
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def image_message(data: bytes, image_format: str, log_time_ns: int) -> bytes:
    """One encoded picture as foxglove.CompressedImage; ``image_format`` is jpeg or png."""
    message = CompressedImage(frame_id=FRAME_ID, data=data, format=image_format)
    message.timestamp.seconds, message.timestamp.nanos = divmod(log_time_ns, NS_PER_S)
    return bytes(message.SerializeToString())


def video_message(data: bytes, video_format: str, log_time_ns: int) -> bytes:
    """One picture of a video stream as foxglove.CompressedVideo; for ``h264`` the data is Annex B."""
    message = CompressedVideo(frame_id=FRAME_ID, data=data, format=video_format)
    message.timestamp.seconds, message.timestamp.nanos = divmod(log_time_ns, NS_PER_S)
    return bytes(message.SerializeToString())


def data_span(message: bytes | memoryview, whole_length: int | None = None) -> tuple[int, int]:
    """Where the picture lies in an image message: (offset, length) in bytes.

    ``message`` may be only the start of it, when ``whole_length`` says how long it is. Raises SessionError when there is no picture.
    """
    position, size = 0, whole_length or len(message)
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == BYTES:
            length, position = _varint(message, position)
            if position + length > size:
                break
            if tag >> 3 == DATA_FIELD:
                return position, length
            position += length
        elif kind == VARINT:
            _, position = _varint(message, position)
        elif kind in (FIXED64, FIXED32):
            position += 8 if kind == FIXED64 else 4
        else:
            break
    raise SessionError("an image message holds no picture; recover the session")


def varint(value: int) -> bytes:
    """A whole number as protobuf writes it."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(message: bytes | memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise SessionError("an image message is cut short; recover the session")

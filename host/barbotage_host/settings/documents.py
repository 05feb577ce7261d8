"""Small documents that a device makes when it is asked for them."""

import hashlib

from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError
from barbotage_device.link.intervals import Intervals

MAX_BYTES = 4_000_000
"""No document is nearly so large; it is held in memory."""


def fetch_document(client: LinkClient, name: str) -> bytes:
    """The bytes of a document, verified by its digest. Raises AnswerError when the device has none of that name, LinkError."""
    file = client.open_file({"area": "document", "name": name})
    if file.size_bytes > MAX_BYTES:
        raise LinkError(f"the device's document {name} has {file.size_bytes} bytes, at most {MAX_BYTES} are taken")
    data = bytearray(file.size_bytes)
    missing = Intervals([(0, file.size_bytes)] if file.size_bytes else [])

    def sink(offset: int, piece: bytes) -> None:
        data[offset : offset + len(piece)] = piece

    for _ in client.fetch(file, missing, sink):
        pass
    client.call("file.close", {"handle": file.handle})
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise LinkError(f"the device's document {name} does not have the digest that the device gave; try again")
    return bytes(data)

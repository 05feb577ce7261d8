"""The topics of a session and their schemas: which file each lives in, under which number, in which encoding."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo

from barbotage_device.session.images import varint
from barbotage_device.session.manifest import SegmentKind

SESSION: Final = "/session"
GEOMETRY: Final = "/geometry"
EVENTS: Final = "/events"
LOG: Final = "/log"
IMAGES: Final = "/camera/us"
PROXY: Final = "/camera/us_proxy"
KEYFRAMES: Final = "/camera/us_key"

SET_FILE_TAG: Final = b"\x0a"
"""Field 1, length-delimited: ``file`` of google.protobuf.FileDescriptorSet, its only field."""

TELEMETRY_TOPICS: Final = (SESSION, "/clock", "/config", LOG, GEOMETRY, "/detections", "/guidance", EVENTS, "/health", "/pod")
"""In the order of their channel numbers, from 1: fixed, so that a file whose first records are lost can still be read."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A channel of an MCAP file and its schema."""

    name: str
    message_encoding: str
    schema_name: str
    schema_encoding: str
    schema: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """How one kind of segment is laid out. ``compression`` is that of MCAP: empty or ``zstd``."""

    kind: SegmentKind
    topics: tuple[Topic, ...]
    chunk_bytes: int
    compression: str


@cache
def plan_of(kind: SegmentKind) -> Plan:
    """The layout of a kind of segment. Chunk sizes: the measurements in docs/session.md."""
    if kind == "telemetry":
        return Plan(kind, tuple(_json_topic(name) for name in TELEMETRY_TOPICS), chunk_bytes=64 * 1024, compression="zstd")
    message = CompressedVideo if kind == "proxy" else CompressedImage
    topic = Topic(
        name={"video": IMAGES, "proxy": PROXY, "keyframes": KEYFRAMES}[kind],
        message_encoding="protobuf",
        schema_name=message.DESCRIPTOR.full_name,
        schema_encoding="protobuf",
        schema=_descriptor_set(message.DESCRIPTOR.file),
    )
    return Plan(kind, (topic,), chunk_bytes=256 * 1024, compression="")


def schema_document(topic: str) -> bytes:
    """The JSON schema of a telemetry topic, as its file holds it."""
    return (files("barbotage_device.session") / "schemas" / f"{topic.strip('/')}.json").read_bytes()


def _json_topic(name: str) -> Topic:
    document = schema_document(name)
    return Topic(name, "json", json.loads(document)["title"], "jsonschema", document)


def _descriptor_set(descriptor: Any) -> bytes:
    """A protobuf FileDescriptorSet of the file and all that it imports, dependencies first, as MCAP's registry asks of protobuf schemas."""
    found: dict[str, bytes] = {}

    def collect(file: Any) -> None:
        for each in file.dependencies:
            collect(each)
        found.setdefault(file.name, bytes(file.serialized_pb))

    collect(descriptor)
    return b"".join(SET_FILE_TAG + varint(len(data)) + data for data in found.values())

"""The payloads of frames: requests, answers, events, telemetry, log lines, bulk and HELLO (docs/protocol.md, sections 1 to 5)."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from barbotage_device.link import cbor
from barbotage_device.link.errors import MalformedError
from barbotage_device.link.varint import decode_varint, encode_varint

MAX_ID = 0xFFFF
PROTOCOL_VERSIONS = (1, 1)
"""The lowest and highest version of the messages that this software speaks."""
NONCE_BYTES = 16
BOOT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Request:
    """Asks the other end to do ``method``."""

    id: int
    method: str
    params: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode([self.id, self.method, self.params])


@dataclass(frozen=True, slots=True)
class Response:
    """Answers a request; ``code`` 0 is success and then ``result`` holds, else ``text`` and ``details``."""

    id: int
    code: int
    result: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    details: Any = None

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode([self.id, 0, self.result] if self.code == 0 else [self.id, self.code, self.text, self.details])


@dataclass(frozen=True, slots=True)
class Event:
    """Something that must arrive; acknowledged by its sequence."""

    sequence: int
    topic: str
    t_ns: int
    value: Any

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode([self.sequence, self.topic, self.t_ns, self.value])


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The newest value of a topic."""

    topic: str
    t_ns: int
    value: Any

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode([self.topic, self.t_ns, self.value])


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the device's log; ``level`` as in Python's logging (10 debug to 50 critical)."""

    level: int
    t_ns: int
    text: str

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode([self.level, self.t_ns, self.text])


class Get(NamedTuple):
    """Asks for ``length`` bytes at ``offset`` in blocks of at most ``block``; length 0 is a marker."""

    handle: int
    offset: int
    length: int
    block: int

    def encode(self) -> bytes:
        """The payload."""
        return b"".join(map(encode_varint, self))


class Data(NamedTuple):
    """Bytes of a file."""

    handle: int
    offset: int
    data: bytes


class Gone(NamedTuple):
    """The sender cannot serve a handle any more."""

    handle: int
    code: int

    def encode(self) -> bytes:
        """The payload."""
        return encode_varint(self.handle) + encode_varint(self.code)


def data_prefix(handle: int, offset: int) -> bytes:
    """What stands before the bytes of a DATA payload."""
    return encode_varint(handle) + encode_varint(offset)


def parse_data(payload: bytes) -> Data:
    """A DATA payload. Raises MalformedError."""
    handle, at = decode_varint(payload, 0)
    offset, at = decode_varint(payload, at)
    return Data(handle, offset, payload[at:])


def _numbers(payload: bytes, count: int, name: str) -> list[int]:
    numbers, at = [], 0
    for _ in range(count):
        number, at = decode_varint(payload, at)
        numbers.append(number)
    if at != len(payload):
        raise MalformedError(f"{name}: {len(payload) - at} bytes too many")
    return numbers


def parse_get(payload: bytes) -> Get:
    """A GET payload. Raises MalformedError."""
    return Get(*_numbers(payload, 4, "GET"))


def parse_gone(payload: bytes) -> Gone:
    """A GONE payload. Raises MalformedError."""
    return Gone(*_numbers(payload, 2, "GONE"))


def parse_cancel(payload: bytes) -> int:
    """The handle of a CANCEL payload. Raises MalformedError."""
    return _numbers(payload, 1, "CANCEL")[0]


def _items(payload: bytes, name: str, kinds: tuple[type, ...]) -> list[Any]:
    items = cbor.decode(payload)
    if not isinstance(items, list) or len(items) < len(kinds):
        raise MalformedError(f"{name}: not a list of {len(kinds)}")
    for item, kind in zip(items, kinds, strict=False):
        if not isinstance(item, kind) or (kind is int and isinstance(item, bool)):
            raise MalformedError(f"{name}: {item!r:.40} where {kind.__name__} is expected")
    return items


def parse_request(payload: bytes) -> Request:
    """A REQUEST payload. Raises MalformedError."""
    identity, method, params = _items(payload, "REQUEST", (int, str, dict))[:3]
    _check_id(identity)
    return Request(identity, method, params)


def request_id(payload: bytes) -> int | None:
    """The id of a REQUEST that cannot be parsed otherwise, to answer it with an error; None when there is none."""
    try:
        items = cbor.decode(payload)
        _check_id(items[0])
    except (MalformedError, TypeError, KeyError, IndexError):
        return None
    return int(items[0])


def _check_id(identity: Any) -> None:
    if not isinstance(identity, int) or isinstance(identity, bool) or not 0 <= identity <= MAX_ID:
        raise MalformedError(f"the id {identity!r:.20} is not a number of 16 bits")


def parse_response(payload: bytes) -> Response:
    """A RESPONSE payload. Raises MalformedError."""
    items = _items(payload, "RESPONSE", (int, int))
    _check_id(items[0])
    if items[1] == 0:
        if len(items) < 3 or not isinstance(items[2], dict):
            raise MalformedError("RESPONSE: no map of results")
        return Response(items[0], 0, items[2])
    if len(items) < 3 or not isinstance(items[2], str) or items[1] < 0:
        raise MalformedError("RESPONSE: an error without its text")
    return Response(items[0], items[1], text=items[2], details=items[3] if len(items) > 3 else None)


def parse_event(payload: bytes) -> Event:
    """An EVENT payload. Raises MalformedError."""
    return Event(*_items(payload, "EVENT", (int, str, int, object))[:4])


def parse_telemetry(payload: bytes) -> Telemetry:
    """A TELEMETRY payload. Raises MalformedError."""
    return Telemetry(*_items(payload, "TELEMETRY", (str, int, object))[:3])


def parse_log(payload: bytes) -> LogLine:
    """A LOG payload. Raises MalformedError."""
    return LogLine(*_items(payload, "LOG", (int, int, str))[:3])


@dataclass(frozen=True, slots=True)
class HostHello:
    """How a host begins."""

    nonce: bytes
    software: str
    versions: tuple[int, int] = PROTOCOL_VERSIONS

    def encode(self) -> bytes:
        """The payload."""
        return cbor.encode({"end": "host", "versions": list(self.versions), "software": self.software, "nonce": self.nonce})


@dataclass(frozen=True, slots=True)
class DeviceHello:
    """How a device answers. ``answers`` is the nonce of the host's HELLO, None when nobody asked; ``secured`` is false in the laboratory setting."""

    nonce: bytes
    boot: bytes
    software: str
    model: str
    serial: str
    secured: bool
    paired: bool
    answers: bytes | None = None
    versions: tuple[int, int] = PROTOCOL_VERSIONS

    def encode(self) -> bytes:
        """The payload."""
        document = {
            "end": "device",
            "versions": list(self.versions),
            "software": self.software,
            "model": self.model,
            "serial": self.serial,
            "boot": self.boot,
            "auth": "required" if self.secured else "none",
            "paired": self.paired,
            "nonce": self.nonce,
        }
        return cbor.encode(document if self.answers is None else document | {"re": self.answers})


def parse_hello(payload: bytes) -> HostHello | DeviceHello:
    """A HELLO payload of either end. Raises MalformedError."""
    values = cbor.decode(payload)
    if not isinstance(values, dict):
        raise MalformedError("HELLO: not a map")
    lowest, highest = _versions(values.get("versions"))
    nonce, software = _octets(values, "nonce", NONCE_BYTES), _text(values, "software")
    if values.get("end") == "host":
        return HostHello(nonce, software, (lowest, highest))
    if values.get("end") != "device":
        raise MalformedError(f"HELLO: 'end' is {values.get('end')!r:.20}")
    if values.get("auth") not in ("required", "none"):
        raise MalformedError(f"HELLO: 'auth' is {values.get('auth')!r:.20}")
    return DeviceHello(
        nonce=nonce,
        boot=_octets(values, "boot", BOOT_BYTES),
        software=software,
        model=_text(values, "model"),
        serial=_text(values, "serial"),
        secured=values["auth"] == "required",
        paired=values.get("paired") is True,
        answers=_octets(values, "re", NONCE_BYTES) if "re" in values else None,
        versions=(lowest, highest),
    )


def _versions(value: Any) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        return value[0], value[1]
    raise MalformedError(f"HELLO: 'versions' is {value!r:.40}")


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or len(value) > 200:
        raise MalformedError(f"HELLO: '{key}' is {value!r:.40}, must be a short text")
    return value


def _octets(values: dict[str, Any], key: str, length: int) -> bytes:
    value = values.get(key)
    if not isinstance(value, bytes) or len(value) != length:
        raise MalformedError(f"HELLO: '{key}' is {value!r:.40}, must be {length} bytes")
    return value

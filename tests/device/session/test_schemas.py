"""Every topic has a JSON schema, and what is recorded keeps to it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.device.session.recordings import at_ns, frame, header, write_session
from tests.support.sessions import Script
from tests.support.sessions import write_session as write_procedure

from barbotage_device.session.reader import SessionReader
from barbotage_device.session.topics import TELEMETRY_TOPICS, schema_document

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KEYWORDS = {
    "$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum",
    "const", "pattern", "minimum", "maximum", "anyOf",
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """What in ``value`` breaks the schema: the part of JSON Schema that these files use."""
    assert schema.keys() <= KEYWORDS, f"{where}: this check does not know {schema.keys() - KEYWORDS}"
    if "anyOf" in schema:
        return [] if any(not faults(value, each, where) for each in schema["anyOf"]) else [f"{where}: fits none"]
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(isinstance(value, KINDS[kind]) and isinstance(value, bool) == (kind == "boolean") for kind in kinds):
        return [f"{where}: {value!r} is not {kinds}"]
    found = [f"{where}: {value!r} is not {name}" for name, holds in _limits(value, schema) if not holds]
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        found += [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, each in value.items():
            part = properties.get(name, others)
            found += [f"{where}: {name} is not known"] if part is False else faults(each, part, f"{where}.{name}") if part else []
    if isinstance(value, list):
        for each in value:
            found += faults(each, schema.get("items", {"type": list(KINDS)}), f"{where}[]")
    return found


def _limits(value: Any, schema: dict[str, Any]) -> list[tuple[str, bool]]:
    return [
        (name, check(schema[name]))
        for name, check in (
            ("enum", lambda allowed: value in allowed),
            ("const", lambda wanted: value == wanted),
            ("pattern", lambda pattern: re.search(pattern, value) is not None),
            ("minimum", lambda limit: value is None or value >= limit),
            ("maximum", lambda limit: value is None or value <= limit),
            ("minItems", lambda limit: len(value) >= limit),
            ("maxItems", lambda limit: len(value) <= limit),
        )
        if name in schema
    ]


@pytest.fixture(scope="module")
def procedure(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Every message of sessions with and without a scale, by topic."""
    root = tmp_path_factory.mktemp("sessions")
    paths = [write_procedure(root, Script(frames=60)), write_procedure(root, Script(frames=60, scale_mm_per_px=None))]
    write_session(root / header().id, frames=1)
    found: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        with SessionReader.open(path) as reader:
            for topic in TELEMETRY_TOPICS:
                found.setdefault(topic, []).extend(message.value for message in reader.messages(topic))
    return found


@pytest.mark.parametrize("topic", TELEMETRY_TOPICS)
def test_a_topic_names_its_schema_and_describes_it(topic: str) -> None:
    schema = json.loads(schema_document(topic))
    assert schema["title"] == f"barbotage.{topic.strip('/')}"
    assert schema["type"] == "object"
    assert schema["description"].endswith((".", "integers."))


@pytest.mark.parametrize("topic", ["/session", "/geometry", "/detections", "/guidance", "/events", "/pod"])
def test_what_is_recorded_keeps_to_the_schema(procedure: dict[str, list[dict[str, Any]]], topic: str) -> None:
    schema = json.loads(schema_document(topic))
    assert procedure[topic]
    assert [fault for value in procedure[topic] for fault in faults(value, schema, topic)] == []


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("/geometry", {"sequence": 1, "width_px": 640, "height_px": 480, "x0_px": 0, "y0_px": 0}),
        ("/geometry", {"sequence": 1, "width_px": 640, "height_px": 480, "x0_px": 0, "y0_px": 0, "scale_mm_per_px": [0.1]}),
        ("/clock", {"utc_ns": 1, "capture_ns": 1.5, "step_ns": 0}),
        ("/log", {"level": "loud", "text": "x"}),
        ("/events", {"index": 0, "at_ns": 0, "kind": "x", "by": "device", "value": {}, "previous": "0", "digest": "0" * 64}),
    ],
)
def test_a_schema_refuses_what_is_not_of_its_topic(topic: str, value: dict[str, Any]) -> None:
    assert faults(value, json.loads(schema_document(topic)), topic)


def test_the_wheel_carries_the_schemas() -> None:
    package = Path(__file__).parents[3] / "device/barbotage_device/session/schemas"
    assert {f"/{each.stem}" for each in package.glob("*.json")} == set(TELEMETRY_TOPICS)


def test_the_geometry_message_is_that_of_the_frame(tmp_path: Path) -> None:
    write_session(tmp_path / "one", frames=1)
    with SessionReader.open(tmp_path / "one") as reader:
        (message,) = reader.messages("/geometry")
    assert message.capture_ns == at_ns(0)
    assert message.value == {
        "sequence": 0, "width_px": 6, "height_px": 4, "x0_px": frame(0).x0_px, "y0_px": frame(0).y0_px, "scale_mm_per_px": [0.1, 0.12],
    }  # fmt: skip

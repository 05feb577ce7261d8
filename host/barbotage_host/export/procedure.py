"""The procedure of a session as a document and as a table: one row per field, for spreadsheets and statistics."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from barbotage_device.session.reader import SessionReader
from barbotage_host.review.continued import beside
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.procedure_record import Told, procedure_document, state_rows

COLUMNS = ("session", "recorded_in", "part", "number", "t_s", "by", "field", "value")
"""``recorded_in`` is the session that holds the record: an earlier one where the procedure was gone on with. ``number`` counts within a part."""
_FRAMES = ("frame", "from_frame", "to_frame")
_OF_ROW = ("session", "t_s", "by")

Row = dict[str, Any]


def procedure_of(session: Path) -> dict[str, Any]:
    """States, checklist, agents, cycles, complications and outcome; the sessions before are looked for in the same folder.

    Raises SessionError for a session that must be recovered first.
    """
    with SessionReader.open(session) as reader:
        told = Told(reader, FrameIndex.of(reader), reader.events())
        return {"session": reader.manifest.id, "states": state_rows(told), **procedure_document(told, beside(session))}


def procedure_rows(document: Mapping[str, Any]) -> Iterator[Row]:
    """The rows with ``COLUMNS``. An item of the checklist that was not recorded has an empty value."""
    session = document["session"]
    for number, state in enumerate(document["states"], 1):
        yield from _rows(session, "state", number, state)
    for state, seconds in document["totals"].items():
        yield from _rows(session, "total", 1, {state: seconds})
    # A session of phases alone asked nothing: no item was left open.
    items = document["checklist"] if document["followed"] else []
    for number, item in enumerate(items, 1):
        told = {item["item"]: item["answer"], **{f"{item['item']}.{name}": one for name, one in item["details"].items()}}
        yield from _rows(session, "checklist", number, told | {"session": item["session"]})
    counts: dict[str, int] = {}
    for entry in document["entries"]:
        kind = entry["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        yield from _rows(session, kind, counts[kind], {**(entry["value"] or {"": ""}), **{name: entry[name] for name in _OF_ROW}})
    yield from _rows(session, "lavage-cycles", 1, document["cycles"])
    for part in ("orientation", "continued"):
        if document[part] is not None:
            yield from _rows(session, part, 1, {part: document[part]})


def _rows(session: str, part: str, number: int, told: Mapping[str, Any]) -> Iterator[Row]:
    """One row for each figure or word of a record."""
    start = {"session": session, "recorded_in": told.get("session") or session, "part": part, "number": number}
    start |= {"t_s": told.get("t_s"), "by": told.get("by")}
    for name, value in told.items():
        if name not in (*_OF_ROW, *_FRAMES):
            yield from ({**start, "field": field, "value": one} for field, one in _flat(name, value))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Values within values by names joined with a dot; a list in one value."""
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _flat(f"{name}.{inner}", one)
    elif isinstance(value, list | tuple):
        yield name, "; ".join(str(one) for one in value)
    else:
        yield name, value

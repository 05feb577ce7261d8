"""What one reviewer says about a session: the document (schema ``barbotage.review``), its strict parser and its JSON."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from barbotage_device.errors import InvalidInputError
from barbotage_models.contract.geometry import PointPx

SCHEMA = "barbotage.review"
SCHEMA_VERSION = 1
NAME_LENGTH_MAX = 40
TEXT_LENGTH_MAX = 4000
ENTRIES_MAX = 20_000
"""Of each list: one for every frame of an 11-minute session at 30 Hz; more is a mistake or an attack on the disk."""
POINTS_MAX = 2000
"""Of an outline drawn freehand; the page thins a stroke to about one point per screen pixel."""
COORDINATE_MAX_PX = 20_000.0
"""Larger than any picture that a grabber delivers; a point beyond is a mistake."""
OUTLINE_POINTS_MIN = 3
READINGS = (1, 2)

_NAME = re.compile(r"[^\W_](?:[\w .\-]*[\w\-])?")
"""Starts with a letter or digit and ends without space or dot: safe as a file name everywhere."""
_SUBJECT = re.compile(r"needle|tip|frame|deposit:\d{1,9}")
_SESSION = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""A ULID."""
_ID = re.compile(r"[A-Za-z0-9\-]{1,64}")


class Judgement(StrEnum):
    """What a reviewer says of an object."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class MeasureKind(StrEnum):
    """How something was measured. ABSENT has no points: the reviewer looked and no deposit is to be seen."""

    CALIPER = "caliper"
    OUTLINE = "outline"
    ABSENT = "absent"


class When(StrEnum):
    """Which side of the lavage a measure belongs to."""

    BEFORE = "before"
    AFTER = "after"


class ScanPlane(StrEnum):
    """The plane of the measured picture: along or across the tendon."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Note:
    """Words about a frame."""

    frame: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement of ``subject``: needle, tip, ``deposit:<identity>`` or frame.

    A frame is accepted when everything shown on it, with the corrections and without what was rejected, is right and complete.
    """

    frame: int
    subject: str
    verdict: Judgement


@dataclass(frozen=True, slots=True)
class Shaft:
    """The part of the shaft that is seen, in pixels of the recorded frame."""

    entry: PointPx
    end: PointPx


@dataclass(frozen=True, slots=True)
class Correction:
    """What a frame really shows. None means "not said"; an empty ``deposits`` and False mean "there is none to be seen"."""

    frame: int
    shaft: Shaft | None = None
    shaft_visible: bool | None = None
    tip: PointPx | None = None
    tip_visible: bool | None = None
    deposits: tuple[tuple[PointPx, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Points set on a frozen frame, in its pixels: two ends of a caliper, or an outline."""

    id: str
    kind: MeasureKind
    frame: int
    points: tuple[PointPx, ...]
    when: When | None = None
    plane: ScanPlane | None = None
    reading: int = 1


@dataclass(frozen=True, slots=True)
class Review:
    """The whole document. ``revision`` counts what was stored: 0 before the first time."""

    session: str
    reviewer: str
    revision: int = 0
    updated_utc_ns: int = 0
    notes: tuple[Note, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    corrections: tuple[Correction, ...] = ()
    measures: tuple[Measure, ...] = ()


class InvalidReviewError(InvalidInputError):
    """A review document that this version does not take; the message names the place and what is wrong there."""


def checked_reviewer(name: str) -> str:
    """The reviewer's name in its stored form (NFC). Raises InvalidReviewError for one that cannot be a file's name."""
    composed = unicodedata.normalize("NFC", name)
    if len(composed) > NAME_LENGTH_MAX or not _NAME.fullmatch(composed):
        raise InvalidReviewError(
            f"the reviewer's name {name[: NAME_LENGTH_MAX + 1]!r} cannot be used; take 1 to {NAME_LENGTH_MAX} letters, digits, "
            "spaces and -_. that start with a letter or digit and do not end with a space or dot"
        )
    return composed


def parse_review(raw: object) -> Review:
    """The review in a decoded JSON value. Raises InvalidReviewError for unknown keys, wrong types, shapes and numbers."""
    top = _Object(raw, "the review")
    schema, version = top.take("schema"), top.take("schema_version")
    if (schema, version) != (SCHEMA, SCHEMA_VERSION) or isinstance(version, bool):
        raise InvalidReviewError(
            f"the review has schema {schema!r} version {version!r}; this software reads {SCHEMA!r} version {SCHEMA_VERSION}"
        )
    session = top.text("session", 26)
    if not _SESSION.fullmatch(session):
        raise InvalidReviewError(f"session is {session!r}; it must be a ULID, the id of the session")
    review = Review(
        session=session,
        reviewer=checked_reviewer(top.text("reviewer", TEXT_LENGTH_MAX)),
        revision=top.count("revision"),
        updated_utc_ns=top.count("updated_utc_ns"),
        notes=tuple(map(_note, top.objects("notes"))),
        verdicts=tuple(map(_verdict, top.objects("verdicts"))),
        corrections=tuple(map(_correction, top.objects("corrections"))),
        measures=tuple(map(_measure, top.objects("measures"))),
    )
    top.end()
    _check_unique("verdicts", [(v.frame, v.subject) for v in review.verdicts])
    _check_unique("corrections", [c.frame for c in review.corrections])
    _check_unique("measures", [m.id for m in review.measures])
    return review


def document(review: Review) -> dict[str, Any]:
    """The review as a JSON value that ``parse_review`` takes."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "session": review.session,
        "reviewer": review.reviewer,
        "revision": review.revision,
        "updated_utc_ns": review.updated_utc_ns,
        "notes": [{"frame": n.frame, "text": n.text} for n in review.notes],
        "verdicts": [{"frame": v.frame, "object": v.subject, "verdict": v.verdict.value} for v in review.verdicts],
        "corrections": [_correction_document(c) for c in review.corrections],
        "measures": [_measure_document(m) for m in review.measures],
    }


class _Object:
    """A JSON object that is taken apart key by key; every complaint says where."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, Mapping):
            raise InvalidReviewError(f"{where} is {_shown(raw)}; it must be an object")
        self._left = dict(raw)
        self._where = where

    def take(self, key: str) -> Any:
        if key not in self._left:
            raise InvalidReviewError(f"{self._where} has no {key!r}; add it")
        return self._left.pop(key)

    def text(self, key: str, length_max: int) -> str:
        value = self.take(key)
        if not isinstance(value, str) or len(value) > length_max:
            raise self._wrong(key, value, f"a text of at most {length_max} characters")
        return value

    def count(self, key: str) -> int:
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(key, value, "a whole number from 0")
        return value

    def choice(self, key: str, choices: type[StrEnum]) -> Any:
        value = self.take(key)
        if value not in list(choices):
            raise self._wrong(key, value, "one of " + ", ".join(choices))
        return choices(value)

    def choice_or_none(self, key: str, choices: type[StrEnum]) -> Any:
        return self.take(key) if self._left.get(key, "") is None else self.choice(key, choices)

    def truth_or_none(self, key: str) -> bool | None:
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, value, "true, false or null")
        return value

    def point(self, key: str) -> PointPx:
        return _point(self.take(key), f"{self._where}, {key}")

    def point_or_none(self, key: str) -> PointPx | None:
        return self.take(key) if self._left.get(key, "") is None else self.point(key)

    def points(self, key: str, least: int, most: int = POINTS_MAX) -> tuple[PointPx, ...]:
        value = self.take(key)
        if not isinstance(value, Sequence) or isinstance(value, str) or not least <= len(value) <= most:
            raise self._wrong(key, value, f"a list of {least} to {most} points")
        return tuple(_point(p, f"{self._where}, {key}") for p in value)

    def objects(self, key: str) -> list["_Object"]:
        value = self.take(key)
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > ENTRIES_MAX:
            raise self._wrong(key, value, f"a list of at most {ENTRIES_MAX} objects")
        return [_Object(v, f"{key}[{index}]") for index, v in enumerate(value)]

    def has(self, key: str) -> bool:
        return self._left.get(key) is not None

    def wrong(self, words: str) -> InvalidReviewError:
        return InvalidReviewError(f"{self._where}: {words}")

    def end(self) -> None:
        if self._left:
            raise InvalidReviewError(f"{self._where} has the unknown key {sorted(map(str, self._left))[0]!r}; remove it")

    def _wrong(self, key: str, value: object, wanted: str) -> InvalidReviewError:
        return InvalidReviewError(f"{self._where}: {key} is {_shown(value)}; it must be {wanted}")


def _note(raw: _Object) -> Note:
    note = Note(raw.count("frame"), raw.text("text", TEXT_LENGTH_MAX))
    raw.end()
    return note


def _verdict(raw: _Object) -> Verdict:
    subject = raw.text("object", 32)
    if not _SUBJECT.fullmatch(subject):
        raise raw.wrong(f"object is {subject!r}; it must be needle, tip, frame or deposit:<identity>")
    verdict = Verdict(raw.count("frame"), subject, raw.choice("verdict", Judgement))
    raw.end()
    return verdict


def _correction(raw: _Object) -> Correction:
    shaft = None
    if raw.has("shaft"):
        ends = _Object(raw.take("shaft"), "a correction's shaft")
        shaft = Shaft(ends.point("entry_px"), ends.point("end_px"))
        ends.end()
    else:
        raw.take("shaft")
    deposits = None
    if raw.has("deposits"):
        deposits = tuple(map(_outline, raw.objects("deposits")))
    else:
        raw.take("deposits")
    correction = Correction(
        frame=raw.count("frame"),
        shaft=shaft,
        shaft_visible=raw.truth_or_none("shaft_visible"),
        tip=raw.point_or_none("tip_px"),
        tip_visible=raw.truth_or_none("tip_visible"),
        deposits=deposits,
    )
    raw.end()
    for name, place, visible in (("shaft", shaft, correction.shaft_visible), ("tip", correction.tip, correction.tip_visible)):
        if (place is not None) is not (visible is True):
            raise raw.wrong(
                f"the {name} has {'a' if place else 'no'} place, but {name}_visible is {visible}; say both or neither"
            )
    return correction


def _outline(raw: _Object) -> tuple[PointPx, ...]:
    points = raw.points("outline_px", OUTLINE_POINTS_MIN)
    raw.end()
    return points


def _measure(raw: _Object) -> Measure:
    kind: MeasureKind = raw.choice("kind", MeasureKind)
    least, most = {
        MeasureKind.CALIPER: (2, 2),
        MeasureKind.OUTLINE: (OUTLINE_POINTS_MIN, POINTS_MAX),
        MeasureKind.ABSENT: (0, 0),
    }[kind]
    measure = Measure(
        id=raw.text("id", 64),
        kind=kind,
        frame=raw.count("frame"),
        points=raw.points("points_px", least, most),
        when=raw.choice_or_none("when", When),
        plane=raw.choice_or_none("plane", ScanPlane),
        reading=raw.count("reading"),
    )
    raw.end()
    if not _ID.fullmatch(measure.id):
        raise raw.wrong(f"id is {measure.id!r}; it must have 1 to 64 letters, digits and hyphens")
    if measure.reading not in READINGS:
        raise raw.wrong(f"reading is {measure.reading}; it must be 1 or 2")
    return measure


def _point(raw: object, where: str) -> PointPx:
    pair = list(raw) if isinstance(raw, Sequence) and not isinstance(raw, str) else []
    numbers = [v for v in pair if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(pair) != 2 or len(numbers) != 2 or not all(math.isfinite(v) and abs(v) <= COORDINATE_MAX_PX for v in numbers):
        raise InvalidReviewError(f"{where}: {_shown(raw)} is not a point; it must be [x, y] in pixels of the frame")
    return PointPx(float(numbers[0]), float(numbers[1]))


def _check_unique(name: str, keys: Sequence[object]) -> None:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise InvalidReviewError(f"{name} has two entries for {key!r}; keep one")
        seen.add(key)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _pair(point: PointPx) -> list[float]:
    return [point.x_px, point.y_px]


def _correction_document(correction: Correction) -> dict[str, Any]:
    shaft, tip, deposits = correction.shaft, correction.tip, correction.deposits
    return {
        "frame": correction.frame,
        "shaft": None if shaft is None else {"entry_px": _pair(shaft.entry), "end_px": _pair(shaft.end)},
        "shaft_visible": correction.shaft_visible,
        "tip_px": None if tip is None else _pair(tip),
        "tip_visible": correction.tip_visible,
        "deposits": None if deposits is None else [{"outline_px": [_pair(p) for p in outline]} for outline in deposits],
    }


def _measure_document(measure: Measure) -> dict[str, Any]:
    return {
        "id": measure.id,
        "kind": measure.kind.value,
        "frame": measure.frame,
        "points_px": [_pair(p) for p in measure.points],
        "when": measure.when,
        "plane": measure.plane,
        "reading": measure.reading,
    }

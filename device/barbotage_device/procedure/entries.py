"""What each kind of event may carry: names, units and bounds. Agents, volumes, doses and temperatures have no defaults."""

from collections.abc import Mapping
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.checklist import check_answer
from barbotage_device.procedure.events import EventKind
from barbotage_device.procedure.fields import Choice, Fields, Flag, Number, Text, check

E = EventKind

DEVICE_CHECKS = ("model", "frames", "scale", "latency", "disk", "temperature", "clock")
"""What CHECK_DEVICE looks at (clinical facts 1.7, state 0)."""
NEEDED_CHECKS = ("model", "frames")
"""Without these nothing can be shown, so they cannot be skipped. Without a scale lengths are hidden; the others are said."""
RUN_CHECKS = ("side",)
"""Looked at once the checklist is answered: whether its side is the one that the run was started for. Says something, hinders nothing."""
PLANES = ("long", "short")
SIDES = ("left", "right")
SKIP_REASONS = ("not-needed", "not-possible", "not-seen", "time", "other")
ABORT_REASONS = ("vasovagal", "pain", "cannot-see-needle", "device-fault", "other")
"""Clinical facts 1.7, state X; ``device-fault`` also stands for a stop of the checklist that cannot be cleared by the device."""
AGENT_PURPOSES = ("local-anaesthetic", "lavage-fluid", "bursal-injection", "other")
TURBIDITIES = ("milky", "cloudy", "clear")
COMPLICATIONS = ("none-observed", "vasovagal", "pain", "bleeding", "bursitis", "infection", "allergic-reaction", "other")
RESIDUALS = ("no-change", "below-half", "half-or-more", "not-visible")
"""Categories of the reduction (clinical facts 2.4; the cut at one half is published)."""
SHADOWS = ("clear", "faint", "none", "indeterminate")
MAX_VOLUME_ML = 500.0
MAX_DOSE_MG = 10_000.0
MAX_CONCENTRATION_MG_PER_ML = 1000.0
MAX_TEMPERATURE_DEGC = 60.0
"""Slips of typing: published lavage is at room temperature or 42 degC (Sconfienza 2012), volumes are tens of ml."""
MAX_LENGTH_MM = 100.0
"""No deposit, and no picture of a shoulder, is deeper or wider."""
MAX_AREA_MM2 = 10_000.0
MIN_GAUGE, MAX_GAUGE = 10, 34
MAX_NEEDLES = 10

_LENGTH = Number("mm", 0.0, MAX_LENGTH_MM, or_none=True)
_REASON: Fields = {"note": Text()}
_SIZES: Fields = {
    "longest_mm": _LENGTH,
    "perpendicular_mm": _LENGTH,
    "area_mm2": Number("mm2", 0.0, MAX_AREA_MM2, or_none=True),
    "shadow": Choice(SHADOWS, or_none=True),
}

FIELDS: Mapping[EventKind, Fields] = {
    E.SKIP: {"reason": Choice(SKIP_REASONS, required=True), **_REASON},
    E.ABORT: {"reason": Choice(ABORT_REASONS, required=True), **_REASON},
    E.PAUSE: _REASON,
    E.WITHDRAW: {"why": Text()},
    E.DEVICE_CHECK: {
        "check": Choice((*DEVICE_CHECKS, *RUN_CHECKS), required=True),
        "passed": Flag(required=True),
        "detail": Text(),
    },
    E.PLANE: {"plane": Choice(PLANES, required=True)},
    E.TARGET: {"identity": Number("", 0, 2**53, whole=True, required=True), **_SIZES},
    E.RELEASE: {"identity": Number("", 0, 2**53, whole=True, required=True)},
    E.MEASURE: {
        "when": Choice(("before", "after"), required=True),
        "plane": Choice(PLANES, required=True, or_none=True),
        **_SIZES,
    },
    E.PLAN: {
        "side": Choice(SIDES, required=True),
        "angle_deg": Number("deg", 0.0, 90.0, or_none=True),
        "depth_mm": _LENGTH,
        "crossed": Text(),
    },
    E.AGENT: {
        "purpose": Choice(AGENT_PURPOSES, required=True),
        "name": Text(longest=60, required=True),
        "volume_ml": Number("ml", 0.05, MAX_VOLUME_ML),
        "dose_mg": Number("mg", 0.001, MAX_DOSE_MG),
        "concentration_mg_per_ml": Number("mg/ml", 0.001, MAX_CONCENTRATION_MG_PER_ML),
        "temperature_degc": Number("degC", 0.0, MAX_TEMPERATURE_DEGC),
    },
    E.NEEDLE: {
        "gauge": Number("G", MIN_GAUGE, MAX_GAUGE, whole=True, required=True),
        "count": Number("needles", 1, MAX_NEEDLES, whole=True),
    },
    E.TIP: {"in": Flag(required=True), "frames": Number("frames", 0, 2**31, whole=True)},
    E.TIP_VERIFIED: {"plane": Choice(PLANES, required=True)},
    E.CYCLE: {"from": Choice(("image", "pressure", "both", "operator"), required=True)},
    E.TURBIDITY: {"turbidity": Choice(TURBIDITIES, required=True)},
    E.DISTENSION: {"seen": Choice(("yes", "no", "unknown"), required=True)},
    E.RESIDUAL: {"residual": Choice(RESIDUALS, required=True)},
    E.COMPLICATION: {"complication": Choice(COMPLICATIONS, required=True), **_REASON},
    E.PAIN: {"when": Choice(("rest", "motion", "night"), required=True), "vas": Number("", 0.0, 10.0, required=True)},
    E.SIGN: {"key": Text(longest=40, required=True)},
}
"""The fields of every kind; a kind that is not here takes none. ``count`` of what is counted is given by the procedure, not by the caller."""

WITH_MORE = frozenset({E.TARGET, E.RELEASE, E.MEASURE, E.PLAN, E.TIP, E.CYCLE, E.DEVICE_CHECK, E.PATIENT_EVENT})
"""Kinds to which the program adds measured values of its own (frame numbers, places, confidences)."""


def check_entry(kind: EventKind, value: Mapping[str, Any]) -> None:
    """Raises UsageError, naming the field, its value and its bounds, for a value that the kind does not take."""
    if kind is E.ANSWER:
        check_answer(value)
    elif kind is E.PROPOSE:
        _check_proposal(value)
    else:
        check(kind.value, FIELDS.get(kind, {}), value, more=kind in WITH_MORE)


def _check_proposal(value: Mapping[str, Any]) -> None:
    check("proposal", {"event": Choice(tuple(EventKind), required=True)}, value, more=True)
    inner, evidence = value.get("value", {}), value.get("evidence", {})
    if not isinstance(inner, Mapping) or not isinstance(evidence, Mapping):
        raise UsageError("proposal: 'value' and 'evidence' must be objects")
    if value["event"] != E.PROPOSE:
        check_entry(EventKind(value["event"]), inner)

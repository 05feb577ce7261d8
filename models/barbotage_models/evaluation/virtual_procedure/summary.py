"""The figures of a campaign with their intervals: shares by Wilson, means by bootstrap over procedures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from barbotage_models.evaluation.intervals import Estimate, mean, proportion
from barbotage_models.evaluation.virtual_procedure.conditions import Condition
from barbotage_models.evaluation.virtual_procedure.trial import UNSEEN_MM, Outcome

NOTE = (
    "The operator is a model: these figures rank designs of a guidance against each other and prove nothing clinical. No patient, no "
    "clinician and no real picture took part."
)
INTERVALS = "95 %: shares by Wilson's score interval, means by percentile bootstrap over procedures (1000 resamples)"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its column, unit and how it follows from an outcome. A share counts outcomes, everything else is a mean."""

    name: str
    unit: str
    share: bool
    of: Callable[[Outcome], float]


FIGURES = (
    Figure("first_pass", "", True, lambda o: o.first_pass),
    Figure("placed", "", True, lambda o: o.placed),
    Figure("distance", "mm", False, lambda o: o.distance_mm),
    Figure("passes", "", False, lambda o: o.passes),
    Figure("time", "s", False, lambda o: o.time_s),
    Figure("needle_path", "mm", False, lambda o: o.path_mm),
    Figure("unseen_insertion", "", True, lambda o: not o.seen_throughout),
    Figure("unseen_advance", "mm", False, lambda o: o.unseen_mm),
    Figure("bone_contact", "", True, lambda o: o.bone_contact),
    Figure("far_wall", "", True, lambda o: o.far_wall),
    Figure("false_prompts", "per min", False, lambda o: 60.0 * o.false_prompts / o.time_s),
)
"""``first_pass`` and ``placed`` are judged by the truth. An insertion counts as unseen from 2 mm at a time with the tip not visible."""

FIRST_PASS_ASKED, DISTANCE_ASKED_MM = 0.89, 1.6
"""Porcine study of 35 clinicians: in-plane with needle guidance (issue's target); without 76.4 % and 2.6 mm."""


@dataclass(frozen=True, slots=True)
class Row:
    """A condition with its figures by name."""

    condition: Condition
    figures: dict[str, Estimate]
    distance_sd_mm: float


def row_of(condition: Condition, outcomes: Sequence[Outcome]) -> Row:
    """The figures of one condition."""
    figures = {}
    for figure in FIGURES:
        values = np.array([float(figure.of(one)) for one in outcomes])
        figures[figure.name] = proportion(int(values.sum()), len(values)) if figure.share else mean(values)
    return Row(condition, figures, float(np.std([one.distance_mm for one in outcomes])))


def difference(one: Sequence[Outcome], other: Sequence[Outcome], of: Callable[[Outcome], float]) -> Estimate:
    """The mean of the differences between two conditions, patient by patient."""
    return mean(np.array([float(of(a)) - float(of(b)) for a, b in zip(one, other, strict=True)]))


def targets(main: dict[str, Row], closer: Estimate) -> list[dict[str, Any]]:
    """What is asked of guidance and whether it is reached; ``closer`` is how much nearer guided than with the image only (negative)."""
    guided = main["guidance"].figures
    first, distance = guided["first_pass"], guided["distance"]
    return [
        {"name": "in-plane first pass", "asked": ">= 89 %", **_numbers(first), "met": first.value >= FIRST_PASS_ASKED},
        {"name": "distance to target, mm", "asked": "<= 1.6", **_numbers(distance), "met": distance.value <= DISTANCE_ASKED_MM},
        {"name": "guided minus image only, mm", "asked": "< 0", **_numbers(closer), "met": closer.high < 0.0},
    ]


def document(rows: Sequence[Row], reached: list[dict[str, Any]], about: dict[str, Any]) -> dict[str, Any]:
    """Everything, ready for JSON."""
    return {
        "note": NOTE,
        "intervals": INTERVALS,
        **about,
        "targets": reached,
        "conditions": [
            {
                **asdict(row.condition),
                "distance_sd_mm": round(row.distance_sd_mm, 3),
                "figures": {f.name: _numbers(row.figures[f.name]) | {"unit": f.unit} for f in FIGURES},
            }
            for row in rows
        ],
    }


def markdown(rows: Sequence[Row], reached: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """The same as tables for people."""
    head = [
        "told",
        "first pass",
        "placed",
        "distance, mm",
        "passes",
        "time, s",
        "needle path, mm",
        f"tip unseen > {UNSEEN_MM:g} mm",
        "bone",
        "far wall",
        "false prompts/min",
    ]
    columns = (
        "first_pass",
        "placed",
        "distance",
        "passes",
        "time",
        "needle_path",
        "unseen_insertion",
        "bone_contact",
        "far_wall",
        "false_prompts",
    )
    lines = [f"# Virtual procedure: {about['runs']} procedures a condition", "", NOTE, "", f"Intervals are {INTERVALS}.", ""]
    lines += _table(["target", "asked", "value", "95 %", "met"], [_target_cells(one) for one in reached])
    for group in dict.fromkeys(row.condition.group for row in rows):
        lines += ["", f"## {group.capitalize()}", ""]
        chosen = [row for row in rows if row.condition.group == group]
        lines += _table(head, [[row.condition.name, *(_text(row.figures[name], name) for name in columns)] for row in chosen])
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def _target_cells(one: dict[str, Any]) -> list[str]:
    scale = 100.0 if "pass" in one["name"] else 1.0
    value, low, high = (one[key] * scale for key in ("value", "low", "high"))
    return [one["name"], one["asked"], f"{value:.2f}", f"{low:.2f} to {high:.2f}", "yes" if one["met"] else "no"]


def _text(estimate: Estimate, name: str) -> str:
    share = next(f.share for f in FIGURES if f.name == name)
    value, low, high = (v * (100.0 if share else 1.0) for v in (estimate.value, estimate.low, estimate.high))
    digits = 0 if share or name == "needle_path" else 2 if name in ("distance", "passes") else 1
    return f"{value:.{digits}f}{' %' if share else ''} ({low:.{digits}f} to {high:.{digits}f})"


def _numbers(estimate: Estimate) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if math.isnan(value) else round(value, 4)

    return {"value": number(estimate.value), "low": number(estimate.low), "high": number(estimate.high), "n": estimate.n}

"""The figures of a model as a document for the card and as a table for people."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from barbotage_models.evaluation.intervals import Estimate
from barbotage_models.evaluation.measuring import Measured
from barbotage_models.evaluation.metrics import Row
from barbotage_models.evaluation.targets import ELSEWHERE, Better, Reached
from barbotage_models.training.labels import SampleKind

NO_CALCIFICATION = (
    "No real calcification was ever seen: no public labelled set of calcific tendinopathy exists. Sensitivity holds for simulated "
    "deposits only; on real frames only false alarms are measured."
)
NO_BACKGROUNDS = "not measured: the test data hold no real pictures (made without --backgrounds)"
_TITLES = {
    SampleKind.SIMULATED: "simulated frames (worlds never trained on)",
    SampleKind.COMPOSITE: "simulated needle and deposit on real pictures (never trained on)",
    SampleKind.REAL: "real pictures without needle or deposit (never trained on): false alarms",
}


def as_document(measured: Measured, source: str) -> dict[str, Any]:
    """The figures as JSON-ready values: per kind of frame, per figure, value, low, high, n and unit; null where nothing was measured.

    ``targets`` holds every figure that something is asked of, with its bound; ``reliability`` how far the confidences can be believed.
    """
    document: dict[str, Any] = {"on": source, "interval": "95 %", "note": NO_CALCIFICATION}
    for kind in _TITLES:
        rows = measured.rows.get(kind)
        document[kind.name.lower()] = NO_BACKGROUNDS if rows is None else {row.name: _values(row) for row in rows}
    document["targets"] = [one.document() for one in measured.targets]
    document["targets_measured_elsewhere"] = ELSEWHERE
    document["reliability"] = measured.reliability
    return document


def as_tables(measured: Measured, title: str) -> RenderableType:
    """All figures as tables for people: what is asked and reached, then everything by kind of frame."""
    return Group(_targets_table(measured.targets, title), _figures_table(measured.rows))


def _targets_table(targets: Sequence[Reached], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("target", "on", "asked", "value", "95 % interval", "n", "met"):
        table.add_column(name, justify="left" if name in ("target", "on") else "right")
    for one in targets:
        t, sign = one.target, ">=" if one.target.better is Better.MORE else "<="
        asked = f"{t.bound:.1%}" if t.unit == "" else f"{t.bound:g} {t.unit}"
        value, interval, n = _texts(Row(t.name, one.estimate, t.unit))
        met = {True: "yes", False: "no", None: ""}[one.met]
        table.add_row(t.name.replace("_", " "), t.kind.name.lower(), f"{sign} {asked}", value, interval, n, met)
    return table


def _figures_table(measured: dict[SampleKind, list[Row]]) -> Table:
    table = Table(title="all figures", caption=NO_CALCIFICATION, title_justify="left", caption_justify="left")
    for name in ("figure", "value", "95 % interval", "n"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for kind in _TITLES:
        table.add_section()
        rows = measured.get(kind)
        table.add_row(f"[bold]{_TITLES[kind]}[/bold]", *(() if rows else ("", NO_BACKGROUNDS)))
        for row in rows or ():
            table.add_row(f"  {row.name.replace('_', ' ')}", *_texts(row))
    return table


def _values(row: Row) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if math.isnan(value) else round(value, 4)

    e = row.estimate
    return {"value": number(e.value), "low": number(e.low), "high": number(e.high), "n": e.n, "unit": row.unit}


def _texts(row: Row) -> tuple[str, str, str]:
    e: Estimate = row.estimate
    if math.isnan(e.value):
        return "none", "", str(e.n)
    if row.unit == "":
        return f"{e.value:.1%}", f"{e.low:.1%} to {e.high:.1%}", str(e.n)
    return f"{e.value:.2f} {row.unit}", f"{e.low:.2f} to {e.high:.2f}", str(e.n)

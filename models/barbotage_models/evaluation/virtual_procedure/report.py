"""A whole virtual-procedure campaign: runs it, sums it up, and leaves table, figures and plot in a folder."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from barbotage_models.evaluation.virtual_procedure.campaign import Plan, run_plan
from barbotage_models.evaluation.virtual_procedure.conditions import Condition, Told, conditions
from barbotage_models.evaluation.virtual_procedure.errors import GuidanceErrors
from barbotage_models.evaluation.virtual_procedure.plot import plot
from barbotage_models.evaluation.virtual_procedure.reading import ReadingSettings
from barbotage_models.evaluation.virtual_procedure.real import RealRuns
from barbotage_models.evaluation.virtual_procedure.summary import Row, difference, document, markdown, row_of, targets

TABLE_NAME, FIGURES_NAME, PLOT_NAME, ERRORS_NAME = (
    "virtual-procedure.md",
    "virtual-procedure.json",
    "virtual-procedure.png",
    "errors.json",
)
FRAMES_NAME = "frames.json"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures as they are written: ``rows`` for drawing, ``document`` for JSON, ``table`` for people."""

    rows: list[Row]
    document: dict[str, Any]
    table: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to run. With ``real``, its procedures are compared with the error model on the same patients."""

    errors: GuidanceErrors
    runs: int
    seed: int
    workers: int
    real: RealRuns | None = None


def make_report(request: Request, progress: Progress) -> Report:
    """Runs every condition and sums it up; the same request gives the same figures."""
    chosen = conditions()
    plan = Plan(tuple(chosen), request.errors, request.runs, request.seed)
    outcomes = run_plan(plan, request.workers, progress)
    rows = [row_of(condition, found) for condition, found in zip(chosen, outcomes, strict=True)]
    main = {row.condition.name: row for row in rows if row.condition.group == "main"}
    by_name = {one.name: found for one, found in zip(chosen, outcomes, strict=True) if one.group == "main"}
    closer = difference(by_name[Told.GUIDANCE], by_name[Told.IMAGE], lambda o: o.distance_mm)
    reached = targets(main, closer)
    if request.real is not None:
        rows += _real_rows(request, request.real)
    about = {
        "runs": request.runs,
        "seed": request.seed,
        "reading": asdict(ReadingSettings()),
        "guidance_errors": asdict(request.errors),
    }
    return Report(rows, document(rows, reached, about), markdown(rows, reached, about))


def write_report(report: Report, out: Path, real: RealRuns | None) -> list[Path]:
    """Writes table, figures and plot (and the fitted error model); the paths."""
    out.mkdir(parents=True, exist_ok=True)
    (out / TABLE_NAME).write_text(report.table, encoding="utf-8")
    (out / FIGURES_NAME).write_text(json.dumps(report.document, indent=2) + "\n", encoding="utf-8")
    shown = [row for row in report.rows if row.condition.group != "real"]
    encoded, content = cv2.imencode(".png", plot(shown, report.document["runs"]))
    if encoded:
        (out / PLOT_NAME).write_bytes(content.tobytes())
    written = [out / name for name in (TABLE_NAME, FIGURES_NAME, PLOT_NAME)]
    if real is not None:
        real.errors.save(out / ERRORS_NAME)
        frames = [[asdict(one) for one in run] for run in real.frames]
        (out / FRAMES_NAME).write_text(json.dumps(frames) + "\n", encoding="utf-8")
        written += [out / ERRORS_NAME, out / FRAMES_NAME]
    return written


def _real_rows(request: Request, real: RealRuns) -> list[Row]:
    """The real guidance, and on the same patients: the image only, the oracle, and the error model."""
    count, first = len(real.outcomes), real.outcomes[0].seed
    compared = tuple(Condition("real", f"{told.value}, same patients", told) for told in Told)
    modelled = run_plan(Plan(compared, request.errors, count, first), 1, lambda _done, _total: None)
    own = Condition("real", "real network and tracker in the loop", Told.GUIDANCE)
    return [row_of(own, real.outcomes), *(row_of(one, found) for one, found in zip(compared, modelled, strict=True))]

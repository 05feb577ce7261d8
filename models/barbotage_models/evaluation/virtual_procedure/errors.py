"""How wrong a guidance is, in figures: what is shown when, and how far off; fitted to frames on which it was measured."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from barbotage_models.errors import InvalidInputError, NotFoundError

QUANTILES = tuple(round(0.05 * step, 2) for step in range(21))
"""At which the tip's error along the shaft is kept."""
NEAR_S = 2.0
"""The end of a procedure, in which the needle is at the deposit."""
FEWEST_SHOWN = 20
"""Frames with a shown tip (a second) below which a procedure says nothing of its own on how far off it is."""
MEASURED_NAME = "measured_errors.json"


@dataclass(frozen=True, slots=True)
class TipErrors:
    """Of the frames with the tip visible (or not): how often a tip is shown, how long it stays hidden, and where it is shown.

    ``along_mm`` are quantiles of the shown minus the true place along the shaft (positive: too deep); ``across_mm`` a standard deviation.
    ``frames`` counts what they were measured on, ``median_mm`` and ``p95_mm`` sum the distances up.
    """

    shown_share: float
    hidden_s: float
    along_mm: tuple[float, ...]
    across_mm: float
    median_mm: float | None
    p95_mm: float | None
    frames: int


@dataclass(frozen=True, slots=True)
class ProcedureErrors:
    """What was measured in one procedure, or in all of them together.

    ``target_mm`` is how far off the target's centre was, along the shaft (positive: ahead of the needle) and across it, medians of the frames;
    ``target_near_mm`` the same over the last two seconds, with the needle at the deposit: it hides the part that it lies in.
    """

    visible: TipErrors
    hidden: TipErrors
    shaft_share: float
    shaft_off_s: float
    angle_deg: float
    target_mm: tuple[float, float]
    target_near_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class GuidanceErrors:
    """The whole error model. ``lasts_s`` is how long a tip error lasts, ``latency_ms`` from the picture to what is shown of it.

    One of ``procedures`` is drawn for each procedure: a network knows one patient's needle and another's hardly, and a target that is another thing
    altogether is met as often as it was. ``pooled`` is of all frames and sums them up. ``prompt_after_s`` and ``prompt_travel_mm`` are when the
    guidance asks to stop because the tip is not seen.
    """

    procedures: tuple[ProcedureErrors, ...]
    pooled: ProcedureErrors
    lasts_s: float
    latency_ms: float
    prompt_after_s: float
    prompt_travel_mm: float
    measured_on: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame of a procedure with real guidance: the truth and what was shown. Offsets along and across the shaft in mm."""

    tip_visible: bool
    shaft_visible: bool
    shaft_shown: bool
    tip_shown: bool
    along_mm: float | None
    across_mm: float | None
    angle_error_deg: float | None
    target_along_mm: float | None
    target_across_mm: float | None


def fitted(
    runs: list[list[Seen]], dt_s: float, latency_ms: float, prompt: tuple[float, float], measured_on: dict[str, Any]
) -> GuidanceErrors:
    """The error model of frames that were measured, run by run. Raises InvalidInputError when no tip was ever shown."""
    frames = [one for run in runs for one in run]
    if not any(one.tip_shown for one in frames):
        raise InvalidInputError(f"no tip was shown in {len(frames)} frames; there is nothing to fit an error model to")
    pooled = _measured(runs, dt_s, None)
    return GuidanceErrors(
        procedures=tuple(_measured([run], dt_s, pooled) for run in runs),
        pooled=pooled,
        lasts_s=_lasts_s(runs, dt_s),
        latency_ms=latency_ms,
        prompt_after_s=prompt[0],
        prompt_travel_mm=prompt[1],
        measured_on=measured_on | {"runs": len(runs), "frames": len(frames)},
    )


def load_errors(path: Path | None = None) -> GuidanceErrors:
    """The error model of a file, else the one that was measured with the shipped model. Raises NotFoundError or InvalidInputError."""
    name = Path(__file__).with_name(MEASURED_NAME) if path is None else path
    try:
        text = name.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFoundError(f"the error model {name} cannot be read: {error}; make one with --real") from error
    try:
        raw = json.loads(text)
        procedures = tuple(_procedure_errors(one) for one in raw.pop("procedures"))
        model = GuidanceErrors(procedures, _procedure_errors(raw.pop("pooled")), **raw)
        _check(model)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInputError(f"{name} is not an error model: {error!r}; make one with --real") from error
    return model


def _procedure_errors(raw: dict[str, Any]) -> ProcedureErrors:
    tips = {key: _tip_errors(raw[key]) for key in ("visible", "hidden")}
    targets = {key: (float(raw[key][0]), float(raw[key][1])) for key in ("target_mm", "target_near_mm")}
    return ProcedureErrors(**{**raw, **tips, **targets})


def _tip_errors(raw: dict[str, Any]) -> TipErrors:
    return TipErrors(**{**raw, "along_mm": tuple(float(v) for v in raw["along_mm"])})


def _check(model: GuidanceErrors) -> None:
    if not model.procedures:
        raise ValueError("no procedure")
    for one in (*model.procedures, model.pooled):
        for tips in (one.visible, one.hidden):
            if len(tips.along_mm) != len(QUANTILES) or not 0.0 <= tips.shown_share <= 1.0:
                raise ValueError(f"{len(tips.along_mm)} quantiles, share {tips.shown_share}")


def _measured(runs: list[list[Seen]], dt_s: float, otherwise: ProcedureErrors | None) -> ProcedureErrors:
    """Of these procedures; what too few frames show is as ``otherwise`` has it."""
    frames = [one for run in runs for one in run]
    near = round(NEAR_S / dt_s)
    far, last = ([one for run in runs for one in run[part]] for part in (slice(None, -near), slice(-near, None)))
    shaft = [[one.shaft_shown for one in run if one.shaft_visible] for run in runs]
    own = ProcedureErrors(
        visible=_tips(runs, dt_s, None if otherwise is None else otherwise.visible, visible=True),
        hidden=_tips(runs, dt_s, None if otherwise is None else otherwise.hidden, visible=False),
        shaft_share=_share(shaft),
        shaft_off_s=_off_s(shaft, dt_s),
        angle_deg=_robust_sd([one.angle_error_deg for one in frames if one.angle_error_deg is not None]),
        target_mm=_target_mm(far, None if otherwise is None else otherwise.target_mm),
        target_near_mm=_target_mm(last, None if otherwise is None else otherwise.target_near_mm),
    )
    if otherwise is None or any(shaft):
        return own
    return replace(own, shaft_share=otherwise.shaft_share, shaft_off_s=otherwise.shaft_off_s)


def _tips(runs: list[list[Seen]], dt_s: float, otherwise: TipErrors | None, *, visible: bool) -> TipErrors:
    chosen = [[one for one in run if one.tip_visible is visible] for run in runs]
    if otherwise is not None and not any(chosen):
        return otherwise
    shown = [one for run in chosen for one in run if one.along_mm is not None and one.across_mm is not None]
    along = np.array([one.along_mm for one in shown], dtype=np.float64)
    across = np.array([one.across_mm for one in shown], dtype=np.float64)
    away = np.hypot(along, across)
    states = [[one.tip_shown for one in run] for run in chosen]
    errors = TipErrors(
        shown_share=_share(states),
        hidden_s=_off_s(states, dt_s),
        along_mm=tuple(float(v) for v in np.quantile(along, QUANTILES).round(3)) if len(shown) else (0.0,) * len(QUANTILES),
        across_mm=_robust_sd(across.tolist()),
        median_mm=round(float(np.median(away)), 3) if len(shown) else None,
        p95_mm=round(float(np.percentile(away, 95)), 3) if len(shown) else None,
        frames=sum(len(run) for run in chosen),
    )
    if otherwise is None or len(shown) >= FEWEST_SHOWN:
        return errors
    return replace(otherwise, shown_share=errors.shown_share, hidden_s=errors.hidden_s, frames=errors.frames)


def _target_mm(frames: Sequence[Seen], otherwise: tuple[float, float] | None) -> tuple[float, float]:
    """Medians along and across; as ``otherwise`` has it, or none off, where no target was shown."""
    shown = [(one.target_along_mm, one.target_across_mm) for one in frames if one.target_along_mm is not None]
    if not shown:
        return otherwise or (0.0, 0.0)
    along, across = np.median(np.array(shown, dtype=np.float64), axis=0)
    return round(float(along), 2), round(float(across), 2)


def _share(states: list[list[bool]]) -> float:
    count = sum(len(one) for one in states)
    return round(sum(sum(one) for one in states) / count, 4) if count else 0.0


def _off_s(states: list[list[bool]], dt_s: float) -> float:
    """Mean length of a spell without, at least one frame."""
    off = sum(not state for one in states for state in one)
    spells = sum(not now and (index == 0 or one[index - 1]) for one in states for index, now in enumerate(one))
    return round(max(1.0, off / spells if spells else 1.0) * dt_s, 3)


def _robust_sd(values: list[float]) -> float:
    """From the median of the absolute values (1.4826 of it is the standard deviation of a normal distribution): gross errors do not count."""
    return round(1.4826 * float(np.median(np.abs(values))), 3) if values else 0.0


def _lasts_s(runs: list[list[Seen]], dt_s: float) -> float:
    """From the correlation of tip errors in consecutive frames."""
    pairs = [
        (one.along_mm, other.along_mm)
        for run in runs
        for one, other in pairwise(run)
        if one.along_mm is not None and other.along_mm is not None
    ]
    if len(pairs) < 3 or float(np.std([a for a, _ in pairs])) == 0.0:
        return dt_s
    kept = float(np.clip(np.corrcoef(np.array(pairs).T)[0, 1], 0.05, 0.995))
    return round(-dt_s / float(np.log(kept)), 3)

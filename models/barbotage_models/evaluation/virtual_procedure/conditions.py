"""What is put to the test: who tells the operator what, how late, how wrong. A condition is plain data, so that processes can share it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from barbotage_models.evaluation.virtual_procedure.errors import QUANTILES, GuidanceErrors, TipErrors
from barbotage_models.evaluation.virtual_procedure.guidance import Beside, Fault, Faulty, Guidance
from barbotage_models.evaluation.virtual_procedure.reading import ImageReading
from barbotage_models.evaluation.virtual_procedure.screens import Late, Oracle, Screen

LATENCIES_MS = (0, 100, 200, 300, 500)
NOISES_MM = (0.0, 0.5, 1.0, 2.0, 3.0)
TILTS_DEG = (0.0, 4.0, 8.0)
SHARES = (1.0, 0.75, 0.5, 0.25)
HIDDEN_AFTER_MS = 200.0
"""Older guidance is hidden by the device."""
DOUBT_MM = 4.0
"""An operator who checks does not believe a tip shown so much elsewhere than it is seen: about twice the error of the own reading."""
MS_PER_S = 1e3
END_SHARE = 0.005
"""Where the ends of a normal distribution are cut: those of a sample of about 200."""


class Told(StrEnum):
    """Who tells the operator."""

    IMAGE = "image only"
    ORACLE = "perfect oracle"
    GUIDANCE = "guidance"


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of the table. None leaves a thing as it was measured; ``tilt_deg`` None as it is drawn for each patient."""

    group: str
    name: str
    told: Told
    latency_ms: float | None = None
    noise_mm: float | None = None
    shown_share: float | None = None
    tilt_deg: float | None = None
    fault: Fault | None = None
    hides: bool = True
    """Whether guidance older than 200 ms goes dark. Where it does not, the operator goes on believing it."""
    doubts: bool = False
    """Whether the operator checks a shown tip against the picture."""


def conditions() -> list[Condition]:
    """All of them, in the order of the report; the first three are compared with published studies."""
    plain = [Condition("main", told.value, told) for told in Told]
    late = [Condition("latency", f"{ms} ms", Told.GUIDANCE, latency_ms=float(ms), hides=False) for ms in LATENCIES_MS]
    late += [
        Condition("latency", f"{ms} ms, hidden", Told.GUIDANCE, latency_ms=float(ms))
        for ms in LATENCIES_MS
        if ms > HIDDEN_AFTER_MS
    ]
    noisy = [Condition("tip noise", f"{mm:g} mm", Told.GUIDANCE, noise_mm=mm) for mm in NOISES_MM]
    dropping = [Condition("tip shown", f"{100 * share:.0f} % of the time", Told.GUIDANCE, shown_share=share) for share in SHARES]
    tilted = [Condition("tilt", f"{deg:g} deg, {told.value}", told, tilt_deg=deg) for deg in TILTS_DEG for told in Told]
    return plain + late + noisy + dropping + tilted + _wrong()


def _wrong() -> list[Condition]:
    def wrong(name: str, fault: Fault, *, hides: bool = False, doubts: bool = False) -> Condition:
        return Condition("wrong", name, Told.GUIDANCE, fault=fault, hides=hides, doubts=doubts)

    return [
        wrong("tip 5 mm too deep", Fault.DEEP),
        wrong("tip 5 mm too deep, checked", Fault.DEEP, doubts=True),
        wrong("tip 5 mm too shallow", Fault.SHALLOW),
        wrong("tip 5 mm too shallow, checked", Fault.SHALLOW, doubts=True),
        wrong("turn the wrong way", Fault.TURNED),
        wrong("frozen", Fault.FROZEN),
        wrong("frozen, hidden", Fault.FROZEN, hides=True),
    ]


READING_STREAM, GUIDANCE_STREAM = 77, 78
"""Own streams of chance: an operator misreads the picture alike whatever the guidance says beside it."""


def screen_for(condition: Condition, errors: GuidanceErrors, seed: int) -> Screen:
    """What the operator is told in one procedure of a condition."""
    reading = ImageReading(np.random.default_rng([seed, READING_STREAM]))
    if condition.told is Told.IMAGE:
        return reading
    if condition.told is Told.ORACLE:
        return Oracle()
    changed = _changed(errors, condition)
    if condition.hides and changed.latency_ms > HIDDEN_AFTER_MS:
        return reading
    guidance: Screen = Guidance(np.random.default_rng([seed, GUIDANCE_STREAM]), changed)
    if condition.fault is not None:
        guidance = Faulty(guidance, condition.fault, HIDDEN_AFTER_MS / MS_PER_S if condition.hides else None)
    guidance = Late(guidance, changed.latency_ms / MS_PER_S)
    return Beside(guidance, reading, DOUBT_MM if condition.doubts else None)


def _changed(errors: GuidanceErrors, condition: Condition) -> GuidanceErrors:
    """The measured errors with what the condition sets."""
    latency_ms = errors.latency_ms if condition.latency_ms is None else condition.latency_ms
    procedures = tuple(replace(one, visible=_tips(one.visible, condition)) for one in errors.procedures)
    return replace(errors, procedures=procedures, latency_ms=latency_ms)


def _tips(tips: TipErrors, condition: Condition) -> TipErrors:
    if condition.noise_mm is not None:
        tips = _noisy(tips, condition.noise_mm)
    return tips if condition.shown_share is None else replace(tips, shown_share=condition.shown_share)


def _noisy(tips: TipErrors, noise_mm: float) -> TipErrors:
    """Normal errors of this standard deviation in both directions instead of the measured ones."""
    standard = (NormalDist().inv_cdf(min(max(share, END_SHARE), 1.0 - END_SHARE)) for share in QUANTILES)
    return replace(tips, along_mm=tuple(noise_mm * value for value in standard), across_mm=noise_mm)

"""What a list of sessions shows of one, derived from its events and frames; the same for a closed and a recovered session."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from barbotage_device.session.events import Event
from barbotage_device.session.manifest import DepositSize, Summary

PHASES = (
    "check-device", "check-case", "scan", "plan", "anaesthesia", "advance", "verify-tip", "lavage", "fragment", "bursa-inject", "post-scan",
    "close", "sealed",
)  # fmt: skip
"""The phases in the order of a procedure; "pause" and "abort" are not further than the phase they interrupted."""
NS_PER_S = 1_000_000_000


def summarise(events: Iterable[Event], frames: int, duration_ns: int) -> Summary:
    """The summary. The deposit is as last measured before and after; the phase is the furthest entered."""
    sizes: dict[str, DepositSize] = {}
    prompts: Counter[str] = Counter()
    reached: str | None = None
    patient_events = 0
    for event in events:
        if event.kind == "phase":
            reached = _further(reached, event.value.get("to"))
        elif event.kind == "measurement":
            sizes[str(event.value.get("when"))] = _size(event.value)
        elif event.kind == "prompt" and event.value.get("shown") is True:
            prompts[str(event.value.get("kind"))] += 1
        elif event.kind == "patient-event":
            patient_events += 1
    return Summary(
        duration_s=round(max(duration_ns, 0) / NS_PER_S, 3),
        frames=frames,
        phase_reached=reached,
        deposit_before=sizes.get("before"),
        deposit_after=sizes.get("after"),
        prompts=dict(sorted(prompts.items())),
        patient_events=patient_events,
    )


def _further(reached: str | None, phase: Any) -> str | None:
    if phase not in PHASES:
        return reached
    return str(phase) if reached is None or PHASES.index(phase) >= PHASES.index(reached) else reached


def _size(value: dict[str, Any]) -> DepositSize:
    return DepositSize(*(_number(value.get(key)) for key in ("longest_mm", "perpendicular_mm", "area_mm2")))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

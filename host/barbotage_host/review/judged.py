"""What a frame shows according to one reviewer: what was shown of it live, with the reviewer's verdicts and corrections applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from barbotage_host.review.reviews import Correction, Judgement, Review
from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.contract.reviewed import OUTLINE_POINTS_MIN, ShaftPx

Record = Mapping[str, Any]
CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the operator saw drawn on a frame: deposits by identity, the seen part of the shaft, the tip.

    ``needle`` says that a needle was shown at all; without a known far end it has no ``shaft``.
    """

    deposits: Mapping[int, tuple[PointPx, ...]]
    needle: bool
    shaft: ShaftPx | None
    tip: PointPx | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame as one reviewer sees it; None and empty mean "none to be seen" where known, else nothing.

    ``excluded``: the reviewer rejects the frame as a whole. ``verdicts`` says how each object came about.
    """

    frame: int
    excluded: bool = False
    deposits: tuple[tuple[PointPx, ...], ...] = ()
    deposits_known: bool = False
    shaft: ShaftPx | None = None
    needle_known: bool = False
    tip: PointPx | None = None
    tip_known: bool = False
    verdicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> int:
        """How many of deposits, needle and tip are known."""
        return self.deposits_known + self.needle_known + self.tip_known

    @property
    def says_something(self) -> bool:
        """Whether there is anything to learn from the frame."""
        return not self.excluded and (self.known > 0 or bool(self.deposits))


def judged_frames(review: Review) -> list[int]:
    """The frames that a reviewer has a verdict or a correction of, in order."""
    return sorted({v.frame for v in review.verdicts} | {c.frame for c in review.corrections})


def shown_on(detections: Record | None, guidance: Record | None, scale: Scale | None) -> Shown | None:
    """What was drawn on a frame, from its records; None when it was not processed live."""
    if guidance is None or guidance.get("stale"):
        return None
    outlines = {int(d["identity"]): _points(d["outline_px"]) for d in guidance.get("deposits") or ()}
    aim = guidance.get("aim") or {}
    confirmed = aim.get("certainty") == "confirmed" and aim.get("tip_px") is not None
    tip = _point(aim["tip_px"]) if confirmed else None
    needle = aim.get("certainty") in ("confirmed", "shaft-only") and aim.get("entry_px") is not None
    shaft = None
    if needle:
        line = (detections or {}).get("needle")
        if line is not None:
            shaft = _visible_part(line, scale)
        elif tip is not None:
            shaft = ShaftPx(_point(aim["entry_px"]), tip)
    return Shown({k: v for k, v in outlines.items() if len(v) >= OUTLINE_POINTS_MIN}, needle, shaft, tip)


def judge(review: Review, frame: int, shown: Shown | None) -> Judged:
    """A frame as a reviewer sees it.

    Corrections go before verdicts. An accepted frame vouches for everything shown but what was rejected, and that there is
    nothing else; a single accepted object vouches for itself only. What was not shown cannot be accepted.
    """
    verdicts = {v.subject: v.verdict for v in review.verdicts if v.frame == frame}
    correction = next((c for c in review.corrections if c.frame == frame), Correction(frame))
    if verdicts.get("frame") is Judgement.REJECTED:
        return Judged(frame, excluded=True, verdicts={"frame": Judgement.REJECTED.value})
    vouched = shown is not None and verdicts.get("frame") is Judgement.ACCEPTED
    if vouched and shown is not None:
        for subject in _subjects(shown):
            verdicts.setdefault(subject, Judgement.ACCEPTED)
    said = {subject: verdict.value for subject, verdict in verdicts.items()}
    outlines, deposits_known = _deposits(correction, verdicts, shown, vouched)
    if correction.deposits is not None:
        said["deposits"] = CORRECTED
    shaft, needle_known = _needle(correction, verdicts, shown, vouched)
    if correction.shaft_visible is not None:
        said["needle"] = CORRECTED
    tip, tip_known = _tip(correction, verdicts, shown, vouched)
    if correction.tip_visible is not None:
        said["tip"] = CORRECTED
    elif not tip_known and needle_known and shaft is None:
        tip_known = True  # where there is no needle there is no tip
    return Judged(frame, False, outlines, deposits_known, shaft, needle_known, tip, tip_known, said)


def _subjects(shown: Shown) -> list[str]:
    """What can be judged on a frame beside the frame itself."""
    needle = ["needle"] if shown.needle else []
    tip = ["tip"] if shown.tip is not None else []
    return [*needle, *tip, *(f"deposit:{identity}" for identity in shown.deposits)]


def _deposits(
    correction: Correction, verdicts: Mapping[str, Judgement], shown: Shown | None, vouched: bool
) -> tuple[tuple[tuple[PointPx, ...], ...], bool]:
    if correction.deposits is not None:
        return correction.deposits, True
    if shown is None:
        return (), False
    kept = [outline for identity, outline in shown.deposits.items() if verdicts.get(f"deposit:{identity}") is Judgement.ACCEPTED]
    return tuple(kept), vouched


def _needle(
    correction: Correction, verdicts: Mapping[str, Judgement], shown: Shown | None, vouched: bool
) -> tuple[ShaftPx | None, bool]:
    if correction.shaft_visible is not None:
        shaft = correction.shaft
        return None if shaft is None else ShaftPx(shaft.entry, shaft.end), True
    verdict = verdicts.get("needle", Judgement.ACCEPTED if vouched else None)
    if shown is None or verdict is None:
        return None, False
    if verdict is Judgement.REJECTED or not shown.needle:
        # A rejected needle may be elsewhere, unless the whole frame is vouched for.
        return None, vouched
    return shown.shaft, shown.shaft is not None


def _tip(
    correction: Correction, verdicts: Mapping[str, Judgement], shown: Shown | None, vouched: bool
) -> tuple[PointPx | None, bool]:
    if correction.tip_visible is not None:
        return correction.tip, True
    verdict = verdicts.get("tip", Judgement.ACCEPTED if vouched else None)
    if shown is None or verdict is None:
        return None, False
    if verdict is Judgement.REJECTED or shown.tip is None:
        return None, vouched
    return shown.tip, True


def _visible_part(line: Record, scale: Scale | None) -> ShaftPx:
    """From the far end back as far as the shaft was seen; the recorded entry is where its axis crosses the picture's border."""
    entry, end = _point(line["entry_px"]), _point(line["end_px"])
    visible_mm = line.get("visible_mm")
    if scale is None or visible_mm is None:
        return ShaftPx(entry, end)
    dx_px, dy_px = entry.x_px - end.x_px, entry.y_px - end.y_px
    length_mm = ((dx_px * scale.x_mm_per_px) ** 2 + (dy_px * scale.z_mm_per_px) ** 2) ** 0.5
    share = min(1.0, float(visible_mm) / length_mm) if length_mm > 0 else 1.0
    return ShaftPx(PointPx(end.x_px + share * dx_px, end.y_px + share * dy_px), end)


def _points(raw: Sequence[Sequence[float]]) -> tuple[PointPx, ...]:
    return tuple(_point(p) for p in raw)


def _point(raw: Sequence[float]) -> PointPx:
    return PointPx(float(raw[0]), float(raw[1]))

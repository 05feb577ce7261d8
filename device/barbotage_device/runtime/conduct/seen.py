"""What the procedure is given of a turn: tracks under the identity that was accepted, sizes, the value of what a hand states by wish."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from barbotage_device.guidance.target import find_deposit, propose_target
from barbotage_device.perception.scene import Deposit
from barbotage_device.perception.tracks import DepositTrack, Tracks
from barbotage_device.procedure.events import EventKind, Record
from barbotage_device.procedure.live import LavageCount, Live
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.recording import CALM_QUEUE
from barbotage_device.runtime.recording.records import deposit_place, measured


class Recording(Protocol):
    """The session being recorded."""

    @property
    def waiting(self) -> int:
        """Frames that were captured and are not written yet."""
        ...


STAMPED = frozenset({EventKind.TARGET.value, EventKind.RELEASE.value, EventKind.MEASURE.value, EventKind.TIP.value})
"""Records to which the number of the last frame before them is added: a replay does the same after the same frame."""


def live_of(guidance: Guidance | None, procedure: Procedure, lavage: LavageCount | None, unsaved_frames: int) -> Live:
    """One turn as automation and prompts take it. Without guidance nothing is seen; whether there is a scale is then not doubted."""
    if guidance is None:
        return Live(lavage=lavage, unsaved_frames=unsaved_frames)
    return Live(
        tracks=as_accepted(guidance, procedure),
        aim=guidance.aim,
        lavage=lavage,
        scale_known=guidance.canonical.view.measurable,
        unsaved_frames=unsaved_frames,
    )


def unsaved_frames(recording: Recording | None) -> int:
    """Frames that the disk lags behind with; the few that always wait for the recorder's next look do not count."""
    if recording is None or recording.waiting < CALM_QUEUE:
        return 0
    return recording.waiting


def as_accepted(guidance: Guidance, procedure: Procedure) -> Tracks:
    """The tracks in which the deposit that is followed as the target bears the identity under which it was accepted.

    A needle splits a deposit, and a part of it is then followed under a number of its own.
    """
    target, accepted, tracks = guidance.aim.target, procedure.target, guidance.tracks
    if target is None or accepted is None or target.identity == accepted["identity"]:
        return tracks
    followed = find_deposit(tracks, target.identity)
    if followed is None:
        return tracks
    others = [one for one in tracks.deposits if one.identity not in (target.identity, accepted["identity"])]
    return replace(tracks, deposits=(replace(followed, identity=accepted["identity"]), *others))


def best_deposit(guidance: Guidance | None) -> DepositTrack | None:
    """The deposit to offer now; None when none is seen."""
    return None if guidance is None else find_deposit(guidance.tracks, propose_target(guidance.tracks))


def target_deposit(guidance: Guidance | None) -> Deposit | None:
    """The deposit followed as the target, as it is seen now; None when it is not."""
    if guidance is None or guidance.aim.target is None:
        return None
    track = find_deposit(guidance.tracks, guidance.aim.target.identity)
    return None if track is None else track.deposit


def target_value(guidance: Guidance | None) -> Mapping[str, Any] | None:
    """What accepting the best deposit records; None when none is seen."""
    track = best_deposit(guidance)
    if guidance is None or track is None:
        return None
    return {"identity": track.identity, **measured(guidance.canonical.view, track.deposit)}


def measure_value(guidance: Guidance | None, procedure: Procedure) -> Mapping[str, Any] | None:
    """What a measurement by hand records: the target, else after the lavage the best deposit seen; None when there is nothing to measure."""
    after = procedure.state is State.POST_SCAN
    deposit = target_deposit(guidance)
    if deposit is None and after:
        track = best_deposit(guidance)
        deposit = None if track is None else track.deposit
    if guidance is None or deposit is None:
        return None
    when = "after" if after else "before"
    return {"when": when, "plane": procedure.plane, **measured(guidance.canonical.view, deposit)}


def plan_value(guidance: Guidance | None, side: str) -> Mapping[str, Any]:
    """A plan from one side: the target's depth as far as it is known; no angle is invented."""
    depth_mm = None
    if guidance is not None and guidance.aim.target is not None and guidance.canonical.view.measurable:
        depth_mm = round(guidance.aim.target.point.z_mm, 2)
    return {"side": side, "depth_mm": depth_mm}


def stamped(record: Record, guidance: Guidance | None) -> Record:
    """The record with the number of the last frame before it, and for a target with its place in that frame."""
    if record.kind not in STAMPED or guidance is None:
        return record
    extra: dict[str, Any] = {"sequence": guidance.frame.sequence}
    if record.kind == EventKind.TARGET:
        track = find_deposit(guidance.tracks, record.value["identity"])
        if track is not None:
            extra["centre_px"] = deposit_place(guidance.canonical.view, track.deposit)
    return replace(record, value={**record.value, **extra})

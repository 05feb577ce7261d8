"""Bedside views to test with: one procedure moment, and what changes from it."""

from dataclasses import replace

import numpy as np

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, DisplayState
from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.perception.scene import Deposit, Quality
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack, Tracks, TrackState
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import GreyImage, PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide, ShadowType

SIDE_MM = 38.4
SCALE = Scale.isotropic(0.1)


def speckle(height: int = 384, width: int = 384) -> GreyImage:
    return np.asarray(np.random.default_rng(1).integers(20, 110, (height, width)), dtype=np.uint8)


def deposit(x_mm: float, z_mm: float, longest_mm: float, perpendicular_mm: float) -> Deposit:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = np.stack([x_mm + longest_mm / 2 * np.cos(turn), z_mm + perpendicular_mm / 2 * np.sin(turn)], axis=1)
    depth = z_mm - perpendicular_mm / 2
    return Deposit(outline, PointMm(x_mm, z_mm), longest_mm, perpendicular_mm, 40.0, depth, ShadowType.FAINT, 0.9)


def a_view(side: EntrySide = EntrySide.LEFT, language: Language = Language.FR, scale: Scale | None = SCALE) -> BedsideView:
    """Tip seen, target 12.4 mm away, nothing to say."""

    def at(x_mm: float, z_mm: float) -> PointMm:
        return PointMm(x_mm if side is EntrySide.LEFT else SIDE_MM - x_mm, z_mm)

    pixels = speckle()
    bone = np.stack([np.linspace(0, SIDE_MM, 60), np.full(60, 28.0)], axis=1)
    needle = NeedleTrack(TrackState.TRACKING, at(0, 4), at(10, 10), 31.0, side, 3.0, 0.9, 0, True, 0.0, 0)
    target = at(20, 16)
    deposits = (
        DepositTrack(7, deposit(target.x_mm, target.z_mm, 11.0, 5.2), 0),
        DepositTrack(8, deposit(at(33, 12).x_mm, 12, 3.0, 2.0), 0),
    )
    tracks = Tracks(0, scale is not None, SIDE_MM, SIDE_MM, needle, deposits, bone, None, Quality(0.9))
    aim = Aim(
        certainty=Certainty.CONFIRMED,
        target=Target(7, target),
        tip=at(10, 10),
        entry=at(0, 4),
        predicted_end=at(24, 18.4),
        distance_mm=12.4,
        advance_mm=11.7,
        miss_mm=1.2,
        angle_deg=31.0,
        angle_error_deg=6.2,
        turn=Turn.STEEPER,
        clearance_mm=6.3,
        in_target=False,
        confidence=0.91,
        age_ns=0,
    )
    return BedsideView(
        pixels, to_canonical(pixels, scale).view, tracks, aim, Prompts(None), scale, language, source_text="sim:demo"
    )


def with_needle(view: BedsideView, state: TrackState) -> BedsideView:
    return replace(view, tracks=replace(view.tracks, needle=replace(view.tracks.needle, state=state)))


def with_prompt(view: BedsideView, kind: PromptKind, priority: Priority) -> BedsideView:
    return replace(view, prompts=Prompts(Prompt(kind, priority, 0)))


def view_in(state: DisplayState, view: BedsideView | None = None) -> BedsideView:
    """A view that is in ``state`` and otherwise the same."""
    view = a_view() if view is None else view
    match state:
        case DisplayState.SOURCE_LOST:
            return replace(view, source_lost="câble débranché")
        case DisplayState.MODEL_ERROR:
            return replace(view, model_error="failed to invoke")
        case DisplayState.FROZEN:
            return replace(view, frozen=True)
        case DisplayState.STALE:
            return replace(view, frame_age_ns=201_000_000)
        case DisplayState.OVERLAY_OFF:
            return replace(view, overlay_on=False)
        case DisplayState.LOST:
            return with_needle(view, TrackState.LOST)
        case DisplayState.SEARCHING:
            return with_needle(view, TrackState.SEARCHING)
        case DisplayState.SHAFT_ONLY:
            return replace(
                view, aim=replace(view.aim, certainty=Certainty.SHAFT_ONLY, tip=None, distance_mm=None, advance_mm=None)
            )
        case DisplayState.CONFIRMED:
            return view

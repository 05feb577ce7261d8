"""From guidance to the bedside picture, on a window or on none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from barbotage_device.bedside.calipers import Calipers
from barbotage_device.bedside.dragging import calipers_after
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import BACKSPACE, ENTER
from barbotage_device.bedside.targets import hit, region_point
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, LinkSigns, ScreenSize
from barbotage_device.bedside.window import Key, Stage, Touch, Window, open_window
from barbotage_device.guidance.aim import Aim
from barbotage_device.guidance.aiming import unknown_aim
from barbotage_device.guidance.prompt import Prompts
from barbotage_device.perception.scene import Quality
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.status import Condition
from barbotage_device.runtime.timing import NS_PER_MS
from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, CANONICAL_SIZE_PX, CanonicalFrame, to_canonical

Picture = npt.NDArray[np.uint8]
WindowLike = Window
"""Where pictures are shown and keys come from."""
WINDOW_TITLE = "Barbotage"


def view_of(guidance: Guidance, condition: Condition, presentation: Presentation) -> BedsideView:
    """Everything that one bedside picture shows.

    A failing network hides the picture as a lost source does: nothing that was known before may pass for present.
    """
    return BedsideView(
        pixels=guidance.frame.pixels,
        canonical_view=guidance.canonical.view,
        tracks=guidance.tracks,
        aim=guidance.aim,
        prompts=guidance.prompts,
        scale=guidance.frame.scale,
        language=presentation.language,
        overlay_on=presentation.overlay_on,
        frame_age_ns=condition.frame_age_ns,
        latency_ms=None if condition.latency_ns is None else condition.latency_ns / NS_PER_MS,
        drops=condition.drops,
        heartbeat=condition.frames,
        source_text=_source_text(guidance.frame.source, condition),
        source_lost=condition.lost,
        model_error=condition.model_error,
        frozen=presentation.frozen,
        recording_stopped=condition.recording_stopped is not None,
        pod=condition.pod,
        procedure=condition.procedure,
        board=condition.board,
    )


def blank_view(condition: Condition, presentation: Presentation, source_text: str) -> BedsideView:
    """What is shown before the first frame, or while the network fails from the start."""
    black = np.zeros((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), dtype=np.uint8)
    canonical: CanonicalFrame = to_canonical(black, None)
    nothing: Aim = unknown_aim(None, 0)
    return BedsideView(
        pixels=black,
        canonical_view=canonical.view,
        tracks=_nothing_known(),
        aim=nothing,
        prompts=Prompts(None),
        scale=None,
        language=presentation.language,
        heartbeat=condition.frames,
        source_text=_source_text(source_text, condition),
        recording_stopped=condition.recording_stopped is not None,
        source_lost=condition.lost,
        model_error=condition.model_error,
        pod=condition.pod,
        procedure=condition.procedure,
        board=condition.board,
    )


class Offscreen:
    """Draws and shows nowhere: for measuring."""

    def __init__(self, size: ScreenSize, language: Language = Language.FR) -> None:
        self._renderer = Renderer(size)
        self._presentation = Presentation(language)

    def draw(self, guidance: Guidance) -> Picture:
        """The bedside picture, BGR uint8; valid until the second next call."""
        condition = Condition(guidance.frame.sequence, 0, 0, None, None, 0, guidance.processing_ns)
        return self._renderer.draw(view_of(guidance, condition, self._presentation))


Signs = Callable[[], LinkSigns]
"""What is to be said about the link to a PC now."""


class BedsideScreen:
    """Shows guidance in a window as the operator wants it, and hands him the window's keys. ``signs`` is asked at each picture."""

    def __init__(self, window: Window, operator: Operator, size: ScreenSize, source_text: str, signs: Signs = LinkSigns) -> None:
        self._window = window
        self._operator = operator
        self._renderer = Renderer(size)
        self._source_text = source_text
        self._signs = signs
        self._shown: Guidance | None = None
        self._calipers: Calipers | None = None

    def show(self, guidance: Guidance | None, condition: Condition) -> bool:
        """Draws the present state; False when the operator has ended the run."""
        presentation = self._operator.presentation
        if not presentation.frozen and guidance is not None:
            self._shown = guidance
        if self._shown is None:
            view = blank_view(condition, presentation, self._source_text)
        else:
            view = view_of(self._shown, condition, presentation)
        view = replace(view, link=self._signs(), calipers=self._calipers if view.frozen else None)
        self._window.show(self._renderer.draw(view))
        wishes = [*self._keyboard(view), *self._fingers(view)]
        return all(wishes) and not self._window.closed

    def _keyboard(self, view: BedsideView) -> list[bool]:
        """What keys ask for; while a question is typed they are signs of its answer, and only Escape still ends the run."""
        keys, typed = self._window.keys(), self._window.typed()
        question = None if view.procedure is None else view.procedure.question
        if question is None or question.typing is None:
            return [self._operator.obey(key) for key in keys]
        left = Key.QUIT in keys and Key.QUIT.value not in {sign.lower() for sign in typed}
        answer = [sign for sign in typed if len(sign) == 1 or sign in (BACKSPACE, ENTER)]
        return [*(self._operator.touch(sign) for sign in answer), *([self._operator.obey(Key.QUIT)] if left else [])]

    def _fingers(self, view: BedsideView) -> list[bool]:
        """What fingers ask for of the picture just shown: a wish where one comes down. On a frozen image they measure as well."""
        layout, touches = self._renderer.layout(view), self._window.touches()
        self._calipers = calipers_after(layout, view, touches) if view.frozen else None
        return [self._pressed(layout, view, one) for one in touches if one.stage is Stage.DOWN]

    def _pressed(self, layout: Layout, view: BedsideView, touch: Touch) -> bool:
        """What one finger that comes down asks for: the target under it, or on the live image the overlay off or on."""
        sign = hit(layout, view, touch.x_px, touch.y_px)
        if sign is not None:
            return self._operator.touch(sign)
        if view.frozen or region_point(layout, view, touch.x_px, touch.y_px) is None:
            return True
        return self._operator.obey(Key.OVERLAY)

    def close(self) -> None:
        """Closes the window."""
        self._window.close()


def open_screen(operator: Operator, size: ScreenSize, source_text: str, signs: Signs = LinkSigns) -> BedsideScreen | str:
    """The bedside screen in a window, or the reason why there is no window."""
    window, reason = open_window(WINDOW_TITLE)
    return reason if window is None else BedsideScreen(window, operator, size, source_text, signs)


def window_problem() -> str | None:
    """Why no window can be opened here; None when one was opened (and closed again)."""
    window, reason = open_window(WINDOW_TITLE)
    if window is None:
        return reason
    window.close()
    return None


def _source_text(source: str, condition: Condition) -> str:
    """The source, with the mark that every recorder shows: it needs no translation."""
    if not condition.recording:
        return source
    return f"{source} · REC" if condition.recording_stopped is None else f"{source} · NO REC"


def _nothing_known() -> Tracks:
    needle = NeedleTrack(
        state=TrackState.SEARCHING,
        entry=None,
        tip=None,
        angle_deg=None,
        side=None,
        tip_speed_mm_s=None,
        confidence=None,
        age_ns=0,
        shaft_moving=False,
        travel_unseen_mm=0.0,
        unseen_ns=0,
    )
    side_mm = CANONICAL_SIDE_MM
    return Tracks(0, False, side_mm, side_mm, needle, (), None, None, Quality(1.0))

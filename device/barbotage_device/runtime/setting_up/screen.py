"""The pages of a set-up on a window: draws them, and hands on what fingers and keys do."""

from dataclasses import dataclass, replace

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import Button, ProcedureSigns, Said
from barbotage_device.bedside.reading import ABSENT
from barbotage_device.bedside.setup import Setup
from barbotage_device.bedside.targets import hit
from barbotage_device.bedside.texts import NARROW_SPACE, Language, Texts, texts_in
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_device.bedside.window import Key, Stage, Window
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.region import Region
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.screen import blank_view
from barbotage_device.runtime.setting_up.steps import (
    LANGUAGE,
    Ask,
    SettingUp,
    Step,
    asked,
    marked,
    typed_on_page,
    with_language,
)
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import GreyImage, Scale

NAMES = {Language.FR: "Français", Language.EN: "English"}
"""Each language in its own words: whoever looks for his own may not read the other."""
SCALE_DECIMALS = 4
"""Of mm per pixel: a tenth of a micrometre, below a thousandth of the depth of any picture."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says so far, for the first page."""

    region: Region | None = None
    mm_per_px: float | None = None


class SetupScreen:
    """One set-up in one window. All methods belong to the window's thread and return at once."""

    def __init__(self, window: Window, size: ScreenSize, source_text: str, before: Configured, language: Language) -> None:
        self._window, self._renderer = window, Renderer(size)
        self._source_text, self._before = source_text, before
        self._frame: Frame | None = None
        self._frames = 0
        self.state = SettingUp(language)
        """How far the set-up is."""

    def show(self, frame: Frame | None, lost: str | None) -> bool:
        """Shows the present page with the newest frame (None: no new one) and takes what hands did; False once the set-up has ended."""
        if frame is not None:
            self._frame, self._frames = frame, self._frames + 1
            self.state = replace(self.state, own_scale=frame.scale is not None)
        view = self._view(lost)
        self._window.show(self._renderer.draw(view))
        self._heed(view)
        if self._window.closed and not self.state.ended:
            self.state = replace(self.state, step=Step.LEFT)
        return not self.state.ended

    def _heed(self, view: BedsideView) -> None:
        """Fingers first, then keys: a finger means the page that was shown."""
        layout, touches = self._renderer.layout(view), self._window.touches()
        keys, typed = self._window.keys(), self._window.typed()
        newest = None if self._frame is None else self._frame.pixels
        if view.setup is not None:
            self.state = marked(self.state, layout, view, touches, typed)
        else:
            found = [hit(layout, view, one.x_px, one.y_px) for one in touches if one.stage is Stage.DOWN]
            shown = self.state.step
            for wish in found:
                self.state = asked(self.state, wish, newest) if wish is not None and self.state.step is shown else self.state
            for sign in typed:
                self.state = typed_on_page(self.state, sign, newest) if self.state.step is shown else self.state
        for key in keys:
            if key is Key.LANGUAGE:
                self.state = with_language(self.state, Language.EN if self.state.language is Language.FR else Language.FR)
            elif key is Key.QUIT and not self.state.ended:
                self.state = replace(self.state, step=Step.LEFT)

    def _view(self, lost: str | None) -> BedsideView:
        state, texts = self.state, texts_in(self.state.language)
        presentation = Presentation(state.language, overlay_on=False, frozen=state.step is not Step.BEGIN)
        condition = Condition(self._frames, 0, 0, lost if state.step is Step.BEGIN else None, None, 0, None)
        view = replace(blank_view(condition, presentation, self._source_text), overlay_on=False, frozen=presentation.frozen)
        if state.step is Step.REGION or state.step is Step.SCALE:
            return _on(view, state.picture, None, state.region if state.step is Step.REGION else state.scale)
        if state.step is Step.BEGIN:
            pixels = None if self._frame is None else self._frame.pixels
            return replace(_on(view, pixels, None if self._frame is None else self._frame.scale), procedure=self._first(texts))
        pixels = (
            state.picture if state.picture is None or state.chosen_region is None else state.chosen_region.crop(state.picture)
        )
        known = self._frame.scale if state.own_scale and self._frame is not None else None
        scale = known if state.mm_per_px is None else Scale.isotropic(state.mm_per_px)
        return replace(_on(view, pixels, scale), procedure=self._last(texts))

    def _first(self, texts: Texts) -> ProcedureSigns:
        there = self._frame is not None
        languages = [Button(f"{LANGUAGE}{one}", Said(NAMES[one]), enabled=one is not self.state.language) for one in NAMES]
        following = Button(Ask.NEXT, Said("button-next"), main=True, enabled=there)
        return ProcedureSigns(
            "setup",
            (following, *languages, Button(Ask.LEAVE, Said("button-cancel"))),
            answer=Said("setup-begin" if there else "setup-waiting"),
            facts=self._facts(texts, self._before.region, self._before.mm_per_px),
        )

    def _last(self, texts: Texts) -> ProcedureSigns:
        buttons = (
            Button(Ask.SAVE, Said("button-save"), main=True),
            Button(Ask.BACK, Said("button-back")),
            Button(Ask.LEAVE, Said("button-cancel")),
        )
        facts = self._facts(texts, self.state.chosen_region, self.state.mm_per_px)
        return ProcedureSigns("setup", buttons, answer=Said("setup-check"), facts=facts)

    def _facts(self, texts: Texts, region: Region | None, mm_per_px: float | None) -> tuple[tuple[Said, str], ...]:
        scale = ABSENT if mm_per_px is None else f"{texts.number(mm_per_px, SCALE_DECIMALS)}{NARROW_SPACE}mm/px"
        whole = region is None or self.state.own_scale
        return (
            (Said("setup-language"), NAMES[self.state.language]),
            (
                Said("setup-region"),
                texts("setup-whole") if whole or region is None else f"{region.width_px} × {region.height_px}",
            ),
            (Said("setup-scale-row"), texts("setup-own-scale") if self.state.own_scale else scale),
        )


def _on(view: BedsideView, pixels: GreyImage | None, scale: Scale | None, setup: Setup | None = None) -> BedsideView:
    """The view on a picture; unchanged before there is one."""
    if pixels is None:
        return view
    return replace(view, pixels=pixels, scale=scale, canonical_view=to_canonical(pixels, scale).view, setup=setup)

"""The pages of a set-up in order, and what each leaves chosen: pure values, from wishes of a hand to what is to be saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from barbotage_device.bedside.dragging import setup_after
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.procedure_signs import DOWN, ENTER, LEFT, RIGHT, TAB, UP
from barbotage_device.bedside.setup import Box, RegionSetup, ScaleSetup, Wish, begin_region, begin_scale
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView
from barbotage_device.bedside.window import Touch
from barbotage_device.capture.chrome import propose_region, propose_ticks
from barbotage_device.capture.region import Region
from barbotage_models.contract.geometry import GreyImage

BACK = "b"
"""The letter that a keyboard types for the button back, or cancel."""
_MOVES: Mapping[str, str] = {LEFT: Wish.LEFT, RIGHT: Wish.RIGHT, UP: Wish.UP, DOWN: Wish.DOWN, TAB: Wish.OTHER}


class Step(StrEnum):
    """The pages."""

    BEGIN = "begin"
    """The picture as it comes; the language is chosen."""
    REGION = "region"
    SCALE = "scale"
    CHECK = "check"
    """What will be saved, on the picture as it will be cut out."""
    SAVED = "saved"
    LEFT = "left"
    """Ended without saving."""


class Ask(StrEnum):
    """What the buttons of the first and the last page ask for; the languages have their own."""

    NEXT = "setup:next"
    BACK = "setup:back"
    SAVE = "setup:save"
    LEAVE = "setup:leave"


LANGUAGE = "setup:language:"
"""Begins the wish that chooses a language."""


@dataclass(frozen=True, slots=True)
class SettingUp:
    """How far a set-up is. ``picture`` is the whole one on which region and scale are marked; None before one was taken.

    ``own_scale``: the source brings region and scale itself, so that only the language is chosen. ``mm_per_px`` is None while the scale is
    unknown, also when its page was left without one.
    """

    language: Language
    own_scale: bool = False
    step: Step = Step.BEGIN
    picture: GreyImage | None = None
    region: RegionSetup | None = None
    scale: ScaleSetup | None = None
    mm_per_px: float | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do."""
        return self.step in (Step.SAVED, Step.LEFT)

    @property
    def chosen_region(self) -> Region | None:
        """The region as it stands; None while none was chosen."""
        if self.region is None:
            return None
        box = self.region.box
        return Region(box.left_px, box.top_px, box.right_px - box.left_px, box.bottom_px - box.top_px)


def with_language(state: SettingUp, language: Language) -> SettingUp:
    """The same page in another language."""
    return replace(state, language=language)


def asked(state: SettingUp, wish: str, newest: GreyImage | None) -> SettingUp:
    """After a button of the first or the last page; ``newest`` is the whole picture shown last, None before the first."""
    if wish.startswith(LANGUAGE):
        return with_language(state, Language(wish.removeprefix(LANGUAGE)))
    if wish == Ask.LEAVE:
        return replace(state, step=Step.LEFT)
    if wish == Ask.NEXT and newest is not None:
        return _taken(state, newest)
    if wish == Ask.BACK:
        return replace(state, step=Step.BEGIN if state.own_scale else Step.REGION)
    return replace(state, step=Step.SAVED) if wish == Ask.SAVE else state


def typed_on_page(state: SettingUp, sign: str, newest: GreyImage | None) -> SettingUp:
    """After a key on the first or the last page: enter goes on or saves, BACK goes back."""
    last = state.step is Step.CHECK
    if sign == ENTER:
        return asked(state, Ask.SAVE if last else Ask.NEXT, newest)
    return asked(state, Ask.BACK, newest) if sign == BACK and last else state


def marked(state: SettingUp, layout: Layout, view: BedsideView, touches: Iterable[Touch], typed: Iterable[str]) -> SettingUp:
    """After touches and keys on the page of region or scale, of which ``view`` was shown."""
    keys = [_MOVES.get(sign, sign) for sign in typed]
    back = BACK in keys
    signs = keys[: keys.index(BACK)] if back else keys
    setup = state.region if state.step is Step.REGION else state.scale
    if setup is None:
        return state
    after, wish = setup_after(layout, view, setup, touches, signs)
    wish = Wish.CANCEL if wish is None and back else wish
    if isinstance(after, RegionSetup):
        return _after_region(replace(state, region=after), wish)
    return _after_scale(replace(state, scale=after), wish)


def _taken(state: SettingUp, picture: GreyImage) -> SettingUp:
    """The picture is taken: on to the region, proposed from it. One of another size than before begins anew."""
    if state.own_scale:
        return replace(state, picture=picture, step=Step.CHECK)
    height, width = picture.shape
    region = state.region
    if region is None or (region.width_px, region.height_px) != (width, height):
        region, state = begin_region(width, height, _proposed(picture)), replace(state, scale=None, mm_per_px=None)
    return replace(state, picture=picture, region=region, step=Step.REGION)


def _proposed(picture: GreyImage) -> Box | None:
    found = propose_region(picture)
    if found is None:
        return None
    return Box(found.x_px, found.y_px, found.x_px + found.width_px, found.y_px + found.height_px)


def _after_region(state: SettingUp, wish: Wish | None) -> SettingUp:
    if wish is Wish.CANCEL:
        return replace(state, step=Step.BEGIN)
    region, picture = state.chosen_region, state.picture
    if wish is not Wish.DONE or region is None or picture is None:
        return state
    if state.scale is not None:
        return replace(state, step=Step.SCALE)
    ticks = propose_ticks(picture, region)
    rows = None if ticks is None else (ticks.rows_px[0], ticks.rows_px[-1])
    return replace(state, scale=begin_scale(picture.shape[0], rows), step=Step.SCALE)


def _after_scale(state: SettingUp, wish: Wish | None) -> SettingUp:
    """Done with a scale, or left without one: then it is unknown, whatever was configured before for another region."""
    if wish is None or state.scale is None:
        return state
    return replace(state, mm_per_px=state.scale.mm_per_px if wish is Wish.DONE else None, step=Step.CHECK)


def settings_of(state: SettingUp, device: str | None) -> dict[str, Any]:
    """What is to be saved, by the keys of the configuration; ``device`` is the frame grabber that was set up, None where the picture is another's.

    A scale that is unknown takes the configured one away: it was measured on another region.
    """
    values: dict[str, Any] = {"screen.language": state.language.value}
    region, picture = state.chosen_region, state.picture
    if state.own_scale or region is None or picture is None:
        return values
    if device is not None:
        values["capture.device"] = device
    values |= {"capture.width_px": picture.shape[1], "capture.height_px": picture.shape[0]}
    values |= {
        "capture.region.x_px": region.x_px,
        "capture.region.y_px": region.y_px,
        "capture.region.width_px": region.width_px,
        "capture.region.height_px": region.height_px,
    }
    if state.mm_per_px is None:
        return values | {"capture.scale": None}
    return values | {"capture.scale.x_mm_per_px": state.mm_per_px, "capture.scale.z_mm_per_px": state.mm_per_px}

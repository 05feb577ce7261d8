"""The small sign of a computer in trouble: whole in its place, in both languages and sizes, and nothing where all is well."""

from dataclasses import replace

import numpy as np
import pytest
from tests.device.bedside.procedure_views import view_of_state
from tests.device.bedside.views import a_view

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.panel import FRAMES_A_SIGN
from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.bedside.reading import Slot, panel_lines
from barbotage_device.bedside.text import ELLIPSIS, Patch, TextPainter, TextStyle
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, PodSigns, ScreenSize

SIZES = [ScreenSize(800, 480), ScreenSize(1280, 800)]
WORST = (
    Said("board-supply"),
    Said("board-hot", {"celsius": "104"}),
    Said("board-slowed"),
    Said("board-disk", {"mb": "499"}),
    Said("board-drops"),
)


def views(language: Language) -> list[BedsideView]:
    return [a_view(language=language), view_of_state("lavage", language), view_of_state("check-device", language)]


def changed(size: ScreenSize, one: BedsideView, other: BedsideView) -> tuple[slice, slice] | None:
    """Where two views differ on the screen; None nowhere."""
    renderer = Renderer(size)
    rows, columns = np.nonzero((renderer.draw(one).copy() != renderer.draw(other)).any(axis=2))
    if rows.size == 0:
        return None
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("said", WORST, ids=lambda said: said.key)
def test_each_sign_stands_whole_and_changes_nothing_but_its_place(
    size: ScreenSize, language: Language, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    patch = TextPainter.patch

    def noted(self: TextPainter, text: str, style: TextStyle) -> Patch:
        drawn.append(text)
        return patch(self, text, style)

    monkeypatch.setattr(TextPainter, "patch", noted)
    for view in views(language):
        where = changed(size, view, replace(view, board=(said,)))
        assert where is not None
        panel = Renderer(size).layout(view).panel
        assert where[1].start > panel.left_px + panel.width_px // 3, "over the notice"
        assert where[1].stop <= panel.right_px
        assert where[0].stop - where[0].start < panel.height_px // 15, "one line"
    assert not [text for text in drawn if text.endswith(ELLIPSIS)]


@pytest.mark.parametrize("language", list(Language))
def test_signs_that_share_the_place_take_turns(language: Language) -> None:
    view = replace(view_of_state("lavage", language), pod=PodSigns(connected=False), board=WORST[:2])
    renderer = Renderer(SIZES[0])
    pictures = [renderer.draw(replace(view, heartbeat=8 * FRAMES_A_SIGN * turn)).copy() for turn in range(3)]
    assert not (pictures[0] == pictures[1]).all()
    assert not (pictures[1] == pictures[2]).all()
    assert not (pictures[0] == pictures[2]).all()


def test_where_all_is_well_no_sign_is_told() -> None:
    assert Slot.BOARD not in {line.slot for line in panel_lines(a_view())}

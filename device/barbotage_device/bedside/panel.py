"""The information panel and the prompt strip as pixels: places the lines of ``reading`` and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.base import PAD
from barbotage_device.bedside.icons import Pen, heartbeat_icon, prompt_icon, turn_icon
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.reading import CONFIDENCE_SEGMENTS, ROWS, Line, Slot, StripLine
from barbotage_device.bedside.text import Patch, Picture, TextPainter, TextStyle, Weight, blit, cap_height_px
from barbotage_device.bedside.theme import Colour
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import Priority
from barbotage_models.contract.taxonomy import EntrySide

# Baselines and tops, in units of the 800x480 screen from the top of the panel.
HEADER_BASE = 23
DISTANCE_LABEL_BASE, DISTANCE_BASE = 92, 146
ANGLE_LABEL_BASE, ANGLE_BASE = 176, 219
CONFIDENCE_BASE = 243
ROWS_BASE, ROW_STEP = 274, 21
HEALTH_ABOVE_FOOT, NOTICE_ABOVE_FOOT = 27, 9
BANNER_TOP, BANNER_HEIGHT = 82, 68
HEARTBEAT_SPOKES = 8
DISTANCE_TYPE, ANGLE_TYPE, UNIT_TYPE, TURN_TYPE = 60, 42, 26, 28
ICON_SHARE = 0.44
"""Radius of the icon of a prompt, of the height of a strip that is lower than usual."""
LABEL_TYPE, ROW_TYPE, SMALL_TYPE, PROMPT_TYPE, STATE_TYPE = 14, 15, 12, 25, 20


@dataclass(frozen=True, slots=True)
class Turning:
    """What the turn icon needs besides its words."""

    turn: Turn
    side: EntrySide | None


class PanelArtist:
    """Draws the panel and the strip of one layout; knows the styles and remembers no picture."""

    def __init__(self, layout: Layout, painter: TextPainter) -> None:
        self.layout, self.painter = layout, painter
        self.left = layout.panel.left_px + layout.px(PAD)
        self.right = layout.panel.right_px - layout.px(PAD)
        self._styles: dict[tuple[float, Colour, Weight, Colour], TextStyle] = {}

    def draw_panel(self, canvas: Picture, lines: tuple[Line, ...], turning: Turning, heartbeat: int) -> None:
        """Draws every line of the panel and the heartbeat."""
        by_slot = {line.slot: line for line in lines}
        self._header(canvas, by_slot, heartbeat)
        self._distance(canvas, by_slot)
        self._angle(canvas, by_slot, turning)
        self._confidence(canvas, by_slot[Slot.CONFIDENCE])
        base: float = ROWS_BASE
        for slot in ROWS:
            if (line := by_slot.get(slot)) is not None:
                self._row(canvas, line, base)
                base += ROW_STEP
        self._footer(canvas, by_slot)

    def draw_strip(self, canvas: Picture, line: StripLine, taken_px: int = 0) -> None:
        """The prompt in its colour with its shape, or the plain sentence on the dark ground. ``taken_px``: rows below it that are another's."""
        height = self.layout.strip.height_px - 1 - taken_px
        if line.text:
            patch = self.painter.shape(
                ("strip", line, self.layout, height), lambda: _strip(line, self.layout, self.painter, height)
            )
            blit(canvas, patch, 0, self.layout.strip.top_px + 1)

    def _style(self, size: float, ink: Colour, weight: Weight = Weight.REGULAR, ground: Colour = theme.PANEL) -> TextStyle:
        key = (size, ink, weight, ground)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = TextStyle(self.layout.px(size), weight, ink, ground)
        return style

    def _at_left(self, canvas: Picture, text: str, style: TextStyle, left_px: int, base: float, room_px: int = 0) -> int:
        """Draws words from ``left_px`` on a baseline, in the room given or up to the right edge; gives where they end."""
        patch = self.painter.fitted(text, style, room_px or self.right - left_px)
        return blit(canvas, patch, left_px, self.layout.px(base))

    def _at_right(self, canvas: Picture, text: str, style: TextStyle, base: float) -> int:
        """Draws words that end at the right edge; gives the column where they begin."""
        patch = self.painter.patch(text, style)
        blit(canvas, patch, self.right - patch.width_px, self.layout.px(base))
        return self.right - patch.width_px

    def _icon(
        self, canvas: Picture, key: tuple[object, ...], centre_px: tuple[int, int], radius: float, draw: Callable[[Pen], None]
    ) -> None:
        """Draws a shape on the panel's ground, from the cache after its first use."""
        reach = self.layout.px(radius * 1.3)

        def make() -> Patch:
            square = np.empty((2 * reach + 1, 2 * reach + 1, 3), np.uint8)
            square[:] = theme.PANEL
            draw(Pen(square, (reach, reach), self.layout.px(radius), theme.INK))
            return Patch(square, reach)

        patch = self.painter.shape((*key, reach), make)
        blit(canvas, patch, centre_px[0] - reach, centre_px[1])

    def _header(self, canvas: Picture, lines: dict[Slot, Line], heartbeat: int) -> None:
        centre, step = (self.right - self.layout.px(8), self.layout.px(HEADER_BASE - 6)), heartbeat % HEARTBEAT_SPOKES
        self._icon(canvas, ("heartbeat", step), centre, 8, lambda pen: heartbeat_icon(pen, step, HEARTBEAT_SPOKES, theme.INK))
        end = self.right - self.layout.px(24)
        slow = lines.get(Slot.SLOW)
        if slow is not None:
            end = self._badge(canvas, f"{slow.label} {slow.value}", end) - self.layout.px(8)
        self._at_left(canvas, lines[Slot.PHASE].label, self._style(16, theme.SOFT), self.left, HEADER_BASE, end - self.left)

    def _badge(self, canvas: Picture, text: str, right_px: int) -> int:
        """A light plate with dark words; gives its left edge."""
        style = self._style(14, theme.DARK_INK, Weight.BOLD, theme.INK)
        patch = self.painter.patch(text, style)
        pad, top = self.layout.px(7), self.layout.px(HEADER_BASE - 17)
        left = right_px - patch.width_px - 2 * pad
        canvas[top : top + self.layout.px(23), left:right_px] = theme.INK
        blit(canvas, patch, left + pad, self.layout.px(HEADER_BASE - 1))
        return left

    def _distance(self, canvas: Picture, lines: dict[Slot, Line]) -> None:
        banner = lines.get(Slot.SCALE_BANNER)
        if banner is not None:
            self._scale_banner(canvas, banner)
            return
        line = lines[Slot.DISTANCE]
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, DISTANCE_LABEL_BASE)
        ink = theme.INK if line.unit else theme.FAINT
        end = self._at_left(canvas, line.value, self._style(DISTANCE_TYPE, ink, Weight.BOLD), self.left, DISTANCE_BASE)
        if line.unit:
            self._at_left(canvas, line.unit, self._style(UNIT_TYPE, theme.SOFT), end + self.layout.px(6), DISTANCE_BASE)

    def _scale_banner(self, canvas: Picture, line: Line) -> None:
        """A striped plate, so that the missing scale is seen before it is read."""
        top, bottom = self.layout.px(BANNER_TOP), self.layout.px(BANNER_TOP + BANNER_HEIGHT)
        stripe = self.layout.px(10)
        plate = canvas[top:bottom, self.left : self.right]
        plate[:] = theme.RAISED
        for row in range(plate.shape[0]):
            light = (row // self.layout.px(6)) % 2 == 0
            plate[row, :stripe] = theme.PROMPT_GROUND[Priority.MEDIUM] if light else theme.DARK_INK
        left = self.left + stripe + self.layout.px(12)
        room = self.right - left - self.layout.px(4)
        big = self._style(21, theme.INK, Weight.BOLD, theme.RAISED)
        small = self._style(17, theme.INK, Weight.REGULAR, theme.RAISED)
        self._at_left(canvas, line.label, big, left, BANNER_TOP + 30, room)
        self._at_left(canvas, line.value, small, left, BANNER_TOP + 54, room)

    def _angle(self, canvas: Picture, lines: dict[Slot, Line], turning: Turning) -> None:
        line, turn = lines[Slot.ANGLE], lines.get(Slot.TURN)
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, ANGLE_LABEL_BASE)
        ink = theme.INK if turn is not None else theme.FAINT
        self._at_left(canvas, line.value, self._style(ANGLE_TYPE, ink, Weight.BOLD), self.left, ANGLE_BASE)
        if turn is None:
            return
        icon_left = self.left + self.layout.px(112)
        centre = (icon_left + self.layout.px(17), self.layout.px(ANGLE_BASE - 19))
        self._icon(canvas, ("turn", turning), centre, 18, lambda pen: turn_icon(pen, turning.turn, turning.side))
        words_left = icon_left + self.layout.px(44)
        if turn.value:
            self._at_left(canvas, turn.value, self._style(TURN_TYPE, theme.INK, Weight.BOLD), words_left, ANGLE_BASE - 17)
            self._at_left(canvas, turn.label, self._style(LABEL_TYPE, theme.SOFT), words_left, ANGLE_BASE)
        else:
            self._at_left(canvas, turn.label, self._style(18, theme.INK, Weight.BOLD), words_left, ANGLE_BASE - 13)

    def _confidence(self, canvas: Picture, line: Line) -> None:
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, CONFIDENCE_BASE)
        ink = theme.INK if line.level else theme.FAINT
        self._at_right(canvas, line.value, self._style(ROW_TYPE, ink, Weight.BOLD), CONFIDENCE_BASE)
        bar = self.painter.shape(("confidence", line.level, self.layout.unit), lambda: _confidence_bar(line.level, self.layout))
        blit(canvas, bar, self.left + self.layout.px(92), self.layout.px(CONFIDENCE_BASE))

    def _row(self, canvas: Picture, line: Line, base: float) -> None:
        begin = self._at_right(canvas, line.value, self._style(ROW_TYPE, theme.INK, Weight.BOLD), base)
        self._at_left(
            canvas, line.label, self._style(ROW_TYPE, theme.SOFT), self.left, base, begin - self.layout.px(6) - self.left
        )

    def _footer(self, canvas: Picture, lines: dict[Slot, Line]) -> None:
        health = lines[Slot.HEALTH]
        style = self._style(SMALL_TYPE, theme.FAINT)
        foot = self.layout.panel.bottom_px / self.layout.unit
        self._at_left(canvas, health.label, style, self.left, foot - HEALTH_ABOVE_FOOT)
        self._at_right(canvas, health.value, style, foot - HEALTH_ABOVE_FOOT)
        self._at_left(canvas, lines[Slot.NOTICE].label, style, self.left, foot - NOTICE_ABOVE_FOOT)
        pod = lines.get(Slot.POD)
        if pod is not None:
            self._at_right(canvas, pod.label, self._style(SMALL_TYPE, theme.INK, Weight.BOLD), foot - NOTICE_ABOVE_FOOT)


def _confidence_bar(level: int, layout: Layout) -> Patch:
    """Five segments, ``level`` of them filled."""
    width, step, height = layout.px(13), layout.px(16), layout.px(11)
    bar = np.empty((height, CONFIDENCE_SEGMENTS * step, 3), np.uint8)
    bar[:] = theme.PANEL
    for index in range(CONFIDENCE_SEGMENTS):
        segment = bar[:, index * step : index * step + width]
        segment[:] = theme.INK if index < level else theme.FAINT
        if index >= level:
            segment[1:-1, 1:-1] = theme.PANEL
    return Patch(bar, height)


def _strip(line: StripLine, layout: Layout, painter: TextPainter, height: int) -> Patch:
    """The strip below its hairline, ``height`` rows of it."""
    ground, ink, weight, size, left = theme.GROUND, theme.SOFT, Weight.REGULAR, STATE_TYPE, layout.px(PAD)
    strip = np.empty((height, layout.strip.width_px, 3), np.uint8)
    if line.priority is not None:
        ground, ink, weight, size = theme.PROMPT_GROUND[line.priority], theme.PROMPT_INK[line.priority], Weight.BOLD, PROMPT_TYPE
    strip[:] = ground
    if line.priority is not None:
        centre = (left + layout.px(20), height / 2 - 0.5)
        prompt_icon(Pen(strip, centre, min(layout.px(19), int(height * ICON_SHARE)), ink), line.priority, ground)
        left += layout.px(56)
    style = TextStyle(layout.px(size), weight, ink, ground)
    words = painter.fitted(line.text, style, layout.strip.width_px - layout.px(PAD) - left)
    blit(strip, words, left, (height + cap_height_px(style)) // 2)
    return Patch(strip, 0)

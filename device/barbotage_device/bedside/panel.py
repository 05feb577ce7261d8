"""The information panel as pixels: places the lines of ``reading`` and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.base import PAD, PLAIN, Places
from barbotage_device.bedside.icons import Pen, heartbeat_icon, turn_icon
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.reading import CONFIDENCE_SEGMENTS, ROWS, Line, Slot
from barbotage_device.bedside.targets import BUTTONS_HEIGHT
from barbotage_device.bedside.text import Look, Patch, Picture, TextPainter, TextStyle, Weight, blit, fit
from barbotage_device.bedside.theme import Colour
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import Priority
from barbotage_models.contract.taxonomy import EntrySide

# In units of the 800x480 screen.
HEADER_BASE = 23
HEALTH_ABOVE_FOOT, NOTICE_ABOVE_FOOT = 27, 9
NOTICE_ABOVE_BUTTONS = 5
BANNER_HEIGHT = 68
HEARTBEAT_SPOKES = 8
DISTANCE_TYPE, ANGLE_TYPE, UNIT_TYPE, TURN_TYPE = 60, 42, 26, 28
PHASE_TYPES = (20, 18, 16)
LABEL_TYPE, ROW_TYPE, SMALL_TYPE = 14, 15, 12
ROW_TYPES = (ROW_TYPE, 14, 13, 12)
LISTED_TYPES = (19, 17, 15, 13)
LISTED_ROWS, LISTED_STEP, LISTED_BELOW_BANNER = 102, 28, 166
MOST_LISTED = 7
"""As many as a device has checks."""
ROW_LABEL_LOOK = Look(Weight.REGULAR, theme.SOFT, theme.PANEL)
SIGN_LOOK = Look(Weight.BOLD, theme.INK, theme.PANEL)
SIGN_TYPES, SIGN_GAP = (SMALL_TYPE, 11, 10), 4
FRAMES_A_SIGN = 50
"""Signs that share a place change after so many frames: two seconds at 25 Hz, time to read one."""
PHASE_LOOK = Look(Weight.BOLD, theme.INK, theme.PANEL)


@dataclass(frozen=True, slots=True)
class Turning:
    """What the turn icon needs besides its words."""

    turn: Turn
    side: EntrySide | None


class PanelArtist:
    """Draws the panel and the strip of one layout; knows the styles and remembers no picture."""

    def __init__(self, layout: Layout, painter: TextPainter, places: Places = PLAIN) -> None:
        self.layout, self.painter, self.places = layout, painter, places
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
        rows = sorted((line for line in lines if line.slot in ROWS), key=lambda line: ROWS.index(line.slot))
        for number, line in enumerate(rows[: self.places.most_rows]):
            self._row(canvas, line, self.places.rows + number * self.places.row_step)
        self._footer(canvas, lines, heartbeat)

    def draw_facts(self, canvas: Picture, lines: tuple[Line, ...], heartbeat: int) -> None:
        """The facts of the procedure over the whole panel, and what is said of the scale."""
        by_slot = {line.slot: line for line in lines}
        self._header(canvas, by_slot, heartbeat)
        banner = by_slot.get(Slot.SCALE_BANNER)
        if banner is not None:
            self._scale_banner(canvas, banner)
        begin, step = (LISTED_BELOW_BANNER, ROW_TYPE + 4) if banner is not None else (LISTED_ROWS, LISTED_STEP)
        facts = [line for line in lines if line.slot is Slot.FACT]
        for number, line in enumerate(facts[:MOST_LISTED]):
            self._row(canvas, line, begin + number * step, LISTED_TYPES if banner is None else ROW_TYPES)
        self._footer(canvas, lines, heartbeat)

    def draw_header(self, canvas: Picture, lines: tuple[Line, ...], heartbeat: int) -> None:
        """The top alone: the phase, whether the guidance is slow, the heartbeat."""
        self._header(canvas, {line.slot: line for line in lines}, heartbeat)

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
        if self.places is PLAIN:
            self._at_left(canvas, lines[Slot.PHASE].label, self._style(16, theme.SOFT), self.left, HEADER_BASE, end - self.left)
            return
        sizes = tuple(self.layout.px(size) for size in PHASE_TYPES)
        words, _ = fit(self.painter, lines[Slot.PHASE].label, PHASE_LOOK, sizes, end - self.left)
        blit(canvas, words, self.left, self.layout.px(HEADER_BASE))

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
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, self.places.distance_label)
        ink = theme.INK if line.unit else theme.FAINT
        end = self._at_left(canvas, line.value, self._style(DISTANCE_TYPE, ink, Weight.BOLD), self.left, self.places.distance)
        if line.unit:
            self._at_left(canvas, line.unit, self._style(UNIT_TYPE, theme.SOFT), end + self.layout.px(6), self.places.distance)

    def _scale_banner(self, canvas: Picture, line: Line) -> None:
        """A striped plate, so that the missing scale is seen before it is read."""
        top, bottom = self.layout.px(self.places.banner_top), self.layout.px(self.places.banner_top + BANNER_HEIGHT)
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
        self._at_left(canvas, line.label, big, left, self.places.banner_top + 30, room)
        self._at_left(canvas, line.value, small, left, self.places.banner_top + 54, room)

    def _angle(self, canvas: Picture, lines: dict[Slot, Line], turning: Turning) -> None:
        line, turn = lines[Slot.ANGLE], lines.get(Slot.TURN)
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, self.places.angle_label)
        ink = theme.INK if turn is not None else theme.FAINT
        self._at_left(canvas, line.value, self._style(ANGLE_TYPE, ink, Weight.BOLD), self.left, self.places.angle)
        if turn is None:
            return
        icon_left = self.left + self.layout.px(112)
        centre = (icon_left + self.layout.px(17), self.layout.px(self.places.angle - 19))
        self._icon(canvas, ("turn", turning), centre, 18, lambda pen: turn_icon(pen, turning.turn, turning.side))
        words_left = icon_left + self.layout.px(44)
        if turn.value:
            self._at_left(canvas, turn.value, self._style(TURN_TYPE, theme.INK, Weight.BOLD), words_left, self.places.angle - 17)
            self._at_left(canvas, turn.label, self._style(LABEL_TYPE, theme.SOFT), words_left, self.places.angle)
        else:
            self._at_left(canvas, turn.label, self._style(18, theme.INK, Weight.BOLD), words_left, self.places.angle - 13)

    def _confidence(self, canvas: Picture, line: Line) -> None:
        self._at_left(canvas, line.label, self._style(LABEL_TYPE, theme.SOFT), self.left, self.places.confidence)
        ink = theme.INK if line.level else theme.FAINT
        self._at_right(canvas, line.value, self._style(ROW_TYPE, ink, Weight.BOLD), self.places.confidence)
        bar = self.painter.shape(("confidence", line.level, self.layout.unit), lambda: _confidence_bar(line.level, self.layout))
        blit(canvas, bar, self.left + self.layout.px(92), self.layout.px(self.places.confidence))

    def _row(self, canvas: Picture, line: Line, base: float, types: tuple[int, ...] = ROW_TYPES) -> None:
        """The value whole; the label in the largest type that fits beside it."""
        begin = self._at_right(canvas, line.value, self._style(types[0], theme.INK, Weight.BOLD), base)
        sizes = tuple(self.layout.px(size) for size in types)
        words, _ = fit(self.painter, line.label, ROW_LABEL_LOOK, sizes, begin - self.layout.px(6) - self.left)
        blit(canvas, words, self.left, self.layout.px(base))

    def _footer(self, canvas: Picture, lines: tuple[Line, ...], heartbeat: int) -> None:
        """Above the buttons of a procedure there is one line: the health is told beside the notice, in short.

        What is missing or wrong (pod, board) stands there instead; several take turns.
        """
        by_slot = {line.slot: line for line in lines}
        health, style = by_slot[Slot.HEALTH], self._style(SMALL_TYPE, theme.FAINT)
        foot = self.layout.panel.bottom_px / self.layout.unit
        notice = foot - NOTICE_ABOVE_FOOT if self.places is PLAIN else foot - BUTTONS_HEIGHT - NOTICE_ABOVE_BUTTONS
        if self.places is PLAIN:
            self._at_left(canvas, health.label, style, self.left, foot - HEALTH_ABOVE_FOOT)
            self._at_right(canvas, health.value, style, foot - HEALTH_ABOVE_FOOT)
        end = self._at_left(canvas, by_slot[Slot.NOTICE].label, style, self.left, notice)
        wrong = [line.label for line in lines if line.slot in (Slot.POD, Slot.BOARD)]
        if wrong:
            sizes = tuple(self.layout.px(size) for size in SIGN_TYPES)
            text = wrong[heartbeat // FRAMES_A_SIGN % len(wrong)]
            words, _ = fit(self.painter, text, SIGN_LOOK, sizes, self.right - end - self.layout.px(SIGN_GAP))
            blit(canvas, words, self.right - words.width_px, self.layout.px(notice))
        elif self.places is not PLAIN:
            self._at_right(canvas, health.unit, style, notice)


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

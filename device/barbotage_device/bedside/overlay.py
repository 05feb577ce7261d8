"""The bedside picture: a picture of ultrasound and what is known, in; one picture to show, out. No I/O, no clock."""

from collections import OrderedDict

import cv2
import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.asked import draw_banner, draw_ends, draw_pairing_line, draw_question, draw_typing
from barbotage_device.bedside.base import BaseKey, base_key, base_picture, places_of
from barbotage_device.bedside.layout import Layout, layout_for
from barbotage_device.bedside.link_signs import bar_height_px, draw_bar, draw_pairing
from barbotage_device.bedside.marks import Easel, draw_marks
from barbotage_device.bedside.panel import PanelArtist, Turning
from barbotage_device.bedside.reading import facts_listed, link_banner, pairing_line, pairing_words, panel_lines, strip_lines
from barbotage_device.bedside.setup import Setup
from barbotage_device.bedside.setup_picture import draw_calipers, draw_setup_marks, draw_setup_words
from barbotage_device.bedside.strip import draw_strip
from barbotage_device.bedside.targets import targets
from barbotage_device.bedside.text import Picture, TextPainter, TextStyle, Weight, blit, wrapped
from barbotage_device.bedside.texts import texts_in
from barbotage_device.bedside.touchables import draw_targets
from barbotage_device.bedside.view import WITHOUT_PICTURE, BedsideView, DisplayState, ScreenSize, display_state
from barbotage_models.contract.geometry import GreyImage

CACHED_BASES = 16
"""Static parts kept: a session uses about one for each state (1 MB each at 800x480)."""
AREA_BELOW = 0.5
"""Shrinking to less than half with two-tap interpolation would skip pixels (speckle would flicker)."""
MOST_REASON_LINES = 4
BUFFERS = 2
"""One picture may be on its way to the screen while the next is drawn."""


class Renderer:
    """Draws bedside pictures of one size. It owns caches only: the picture depends on the view alone, never on earlier ones."""

    def __init__(self, size: ScreenSize) -> None:
        self.size = size
        self.painter = TextPainter()
        self._bases: OrderedDict[BaseKey, tuple[PanelArtist, Picture]] = OrderedDict()
        self._buffers = [np.empty((size.height_px, size.width_px, 3), np.uint8) for _ in range(BUFFERS)]
        self._next = 0

    def draw(self, view: BedsideView) -> Picture:
        """The picture of ``view``, BGR uint8 (h, w, 3). It stays valid until the second next call; copy it to keep it."""
        canvas = self._buffers[self._next]
        self._next = (self._next + 1) % BUFFERS
        self._draw_onto(canvas, view)
        return canvas

    def layout(self, view: BedsideView) -> Layout:
        """Where things lie on the picture of ``view``."""
        return self._base(view, display_state(view))[0].layout

    def _base(self, view: BedsideView, state: DisplayState) -> tuple[PanelArtist, Picture]:
        key = base_key(view, self.size, state)
        found = self._bases.get(key)
        if found is None:
            layout = layout_for(self.size, key.width_mm, key.depth_mm, with_ends=key.procedure)
            found = PanelArtist(layout, self.painter, places_of(key)), base_picture(key, layout, self.painter)
            self._bases[key] = found
            if len(self._bases) > CACHED_BASES:
                self._bases.popitem(last=False)
        return found

    def _draw_onto(self, canvas: Picture, view: BedsideView) -> None:
        state = display_state(view)
        artist, base = self._base(view, state)
        layout = artist.layout
        np.copyto(canvas, base)
        image = canvas[layout.image.slices]
        put_native(image, view.pixels)
        if view.setup is not None:
            self._draw_setup(canvas, view, view.setup, layout)
            return
        if state in WITHOUT_PICTURE:
            _say_why_no_picture(canvas, layout, view, self.painter)
        plane = view.canonical_view
        draw_marks(Easel(image, plane.width_mm, plane.depth_mm, layout.unit), view, state)
        if view.calipers is not None and state is DisplayState.FROZEN:
            draw_calipers(image, view.calipers, view.pixels.shape, layout.unit)
        self._draw_around(canvas, view, artist)

    def _draw_around(self, canvas: Picture, view: BedsideView, artist: PanelArtist) -> None:
        """Panel and strip, and what the procedure puts in their place."""
        layout, painter, texts, signs = artist.layout, self.painter, texts_in(view.language), view.procedure
        question = None if signs is None else signs.question
        lines, told, banner = panel_lines(view), strip_lines(view), link_banner(view)
        taken = bar_height_px(layout) if banner else 0
        if question is None and facts_listed(view):
            artist.draw_facts(canvas, lines, view.heartbeat)
        elif question is None:
            artist.draw_panel(canvas, lines, Turning(view.aim.turn, view.tracks.needle.side), view.heartbeat)
        else:
            artist.draw_header(canvas, lines, view.heartbeat)
        if question is not None and question.typing is not None:
            title = draw_typing(canvas, question, texts, layout, painter)
            draw_banner(canvas, (*told, *pairing_line(view)), title, layout, painter)
        else:
            if question is not None:
                draw_question(canvas, question, texts, layout, painter)
            draw_strip(canvas, told, layout, painter, taken)
        if signs is not None:
            draw_ends(canvas, signs, texts, layout, painter)
            draw_targets(canvas, targets(layout, view), layout, painter)
        self._draw_link(canvas, view, layout, banner)

    def _draw_link(self, canvas: Picture, view: BedsideView, layout: Layout, banner: str) -> None:
        """The link to a PC: the bar of the laboratory setting, and a pairing code where there is room for it."""
        typed = view.procedure is not None and view.procedure.question is not None and view.procedure.question.typing is not None
        if banner and not typed:
            draw_bar(canvas, banner, layout, self.painter)
        pairing = pairing_words(view)
        if pairing is None or typed:
            return
        if view.procedure is None or view.procedure.question is None:
            draw_pairing(canvas, pairing, layout, self.painter, compact=view.procedure is not None)
        else:
            draw_pairing_line(canvas, pairing_line(view)[0].text, layout, self.painter)

    def _draw_setup(self, canvas: Picture, view: BedsideView, setup: Setup, layout: Layout) -> None:
        """A set-up takes panel and strip; on the picture there are its marks alone."""
        draw_setup_marks(canvas[layout.image.slices], setup, view.pixels.shape, layout.unit)
        draw_setup_words(canvas, setup, texts_in(view.language), layout, self.painter)
        draw_targets(canvas, targets(layout, view), layout, self.painter)


def render(view: BedsideView, size: ScreenSize) -> Picture:
    """The bedside picture of ``view``: BGR uint8 (h, w, 3), the caller's own. For a stream keep a ``Renderer``: it is faster."""
    return Renderer(size).draw(view)


def put_native(image: Picture, pixels: GreyImage) -> None:
    """Fills ``image`` (a part of a canvas) with the region as it is, resized and grey; nothing else is changed in it."""
    height, width = image.shape[:2]
    shrinking = width < AREA_BELOW * pixels.shape[1] or height < AREA_BELOW * pixels.shape[0]
    grey = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=image)


def _say_why_no_picture(canvas: Picture, layout: Layout, view: BedsideView, painter: TextPainter) -> None:
    """The last picture would pass for a live one: it is replaced by the words."""
    image = layout.image
    canvas[image.slices] = theme.GROUND
    title = TextStyle(layout.px(34), Weight.BOLD, theme.INK, theme.GROUND)
    body = TextStyle(layout.px(17), Weight.REGULAR, theme.INK, theme.GROUND)
    room = image.width_px - layout.px(32)
    patches = [painter.fitted(texts_in(view.language)(f"state-{display_state(view).value}"), title, room)]
    patches += [
        painter.fitted(line, body, room)
        for line in wrapped(view.source_lost or view.model_error or "", body, room, MOST_REASON_LINES)
    ]
    base = image.top_px + image.height_px // 2 - layout.px(12)
    for index, patch in enumerate(patches):
        blit(canvas, patch, image.left_px + (image.width_px - patch.width_px) // 2, base)
        base += layout.px(38 if index == 0 else 26)

"""Words as pixels: the bundled font, and a cache of whole strings (and small shapes) already blended on their ground."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from barbotage_device.bedside.texts import NARROW_SPACE
from barbotage_device.bedside.theme import Colour

Picture = npt.NDArray[np.uint8]

NARROW_SPACE_EM = 0.16
"""Width of the narrow no-break space (about a sixth of the type size, as typesetters use it)."""
CACHED_PATCHES = 2048
"""About 8 MB at 800x480; a whole procedure shows fewer different strings. When full, the oldest goes."""
LINE_EM = 1.22
"""From baseline to baseline, in type sizes: the font's own ascent and descent."""
REPLACEMENT = "?"
ELLIPSIS = "…"
_NO_SUCH_CHARACTER = "\U0010fffd"


class Weight(StrEnum):
    """A cut of the font; the value is its file name."""

    REGULAR = "B612-Regular.otf"
    BOLD = "B612-Bold.otf"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How words look: type size in pixels, cut, ink, and the plain ground that they stand on."""

    size_px: int
    weight: Weight
    ink: Colour
    ground: Colour


@dataclass(frozen=True, slots=True)
class Patch:
    """Words or a shape as BGR uint8 (h, w, 3), cut to its inked rows; the baseline (or centre) lies ``rise_px`` below its top."""

    pixels: Picture
    rise_px: int

    @property
    def width_px(self) -> int:
        """Columns of the patch."""
        return int(self.pixels.shape[1])


@lru_cache(maxsize=64)
def font(weight: Weight, size_px: int) -> ImageFont.FreeTypeFont:
    """The bundled font in one size, without complex shaping (the same on every Pillow build)."""
    data = files("barbotage_device.bedside").joinpath("fonts", weight.value).read_bytes()
    return ImageFont.truetype(BytesIO(data), size_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1024)
def has_glyph(weight: Weight, character: str) -> bool:
    """Whether the font draws ``character`` (the narrow space is drawn as a gap)."""
    if character in (" ", "\u00a0", NARROW_SPACE):
        return True
    return _picture_of(weight, character) != _picture_of(weight, _NO_SUCH_CHARACTER)


def _picture_of(weight: Weight, character: str) -> bytes:
    picture = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(picture).text((8, 40), character, fill=255, font=font(weight, 24), anchor="ls")
    return picture.tobytes()


def drawable(text: str, weight: Weight) -> str:
    """``text`` with every character that the font lacks replaced by a question mark (only source names can hold such)."""
    return "".join(c if has_glyph(weight, c) else REPLACEMENT for c in text)


class TextPainter:
    """Gives words and shapes as patches. Owns a bounded cache; the same key always gives the same bytes."""

    def __init__(self, capacity: int = CACHED_PATCHES) -> None:
        self._capacity = capacity
        self._patches: OrderedDict[Hashable, Patch] = OrderedDict()

    @property
    def drawn(self) -> frozenset[str]:
        """Every text that the cache holds."""
        return frozenset(str(key[0]) for key in self._patches if isinstance(key, tuple) and isinstance(key[1], TextStyle))

    def patch(self, text: str, style: TextStyle) -> Patch:
        """``text`` in ``style``."""
        key = (text, style)
        found = self._patches.get(key)
        return found if found is not None else self._keep(key, _words(text, style))

    def shape(self, key: Hashable, make: Callable[[], Patch]) -> Patch:
        """The shape called ``key``, made on its first use; ``key`` holds all that the shape depends on."""
        found = self._patches.get(key)
        return found if found is not None else self._keep(key, make())

    def fitted(self, text: str, style: TextStyle, room_px: int) -> Patch:
        """The patch of ``text``, its end replaced by an ellipsis when it is wider than ``room_px``."""
        patch = self.patch(text, style)
        length = len(text)
        while patch.width_px > room_px and length > 1:
            length -= 1
            patch = self.patch(text[:length].rstrip() + ELLIPSIS, style)
        return patch if patch.width_px <= room_px else Patch(patch.pixels[:, : max(0, room_px)], patch.rise_px)

    def _keep(self, key: Hashable, patch: Patch) -> Patch:
        patch.pixels.setflags(write=False)
        self._patches[key] = patch
        if len(self._patches) > self._capacity:
            self._patches.popitem(last=False)
        return patch


@dataclass(frozen=True, slots=True)
class Look:
    """How words of an open size look: cut, ink, ground."""

    weight: Weight
    ink: Colour
    ground: Colour

    def at(self, size_px: int) -> TextStyle:
        """The style in one size."""
        return TextStyle(size_px, self.weight, self.ink, self.ground)


def wrapped(text: str, style: TextStyle, room_px: int, most: int) -> list[str]:
    """The words in at most ``most`` lines, broken at plain spaces only; the last line holds all that is left."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == most or width_px(longer, style) <= room_px):
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def block(
    painter: TextPainter, text: str, look: Look, sizes_px: tuple[int, ...], room_px: tuple[int, int]
) -> tuple[list[Patch], TextStyle]:
    """The words in lines, in the largest of the sizes (largest first) in which they fit into (width, height), and that style.

    They are cut short when none does.
    """
    width, height = room_px
    style, lines = look.at(sizes_px[-1]), [text]
    for size in sizes_px:
        style = look.at(size)
        lines = wrapped(text, style, width, max(1, int(height / (LINE_EM * size))))
        if all(width_px(line, style) <= width for line in lines):
            break
    return [painter.fitted(line, style, width) for line in lines], style


def fit(painter: TextPainter, text: str, look: Look, sizes_px: tuple[int, ...], room_px: int) -> tuple[Patch, TextStyle]:
    """The words on one line, in the largest of the sizes (largest first) that fits, and that style; cut short when none does."""
    styles = [look.at(size) for size in sizes_px]
    style = next((one for one in styles if width_px(text, one) <= room_px), styles[-1])
    return painter.fitted(text, style, room_px), style


def cap_height_px(style: TextStyle) -> int:
    """Height of a capital, to centre words by what the eye sees of them."""
    box = font(style.weight, style.size_px).getbbox("H", anchor="ls")
    return round(-box[1])


def blit(canvas: Picture, patch: Patch, left_px: int, base_px: int) -> int:
    """Copies ``patch`` onto ``canvas`` with its baseline on ``base_px``, cut at the edges; gives the column where it ends."""
    top_px = base_px - patch.rise_px
    height, width = patch.pixels.shape[0], patch.width_px
    if left_px >= 0 and top_px >= 0 and top_px + height <= canvas.shape[0] and left_px + width <= canvas.shape[1]:
        canvas[top_px : top_px + height, left_px : left_px + width] = patch.pixels
        return left_px + width
    top, left = max(0, top_px), max(0, left_px)
    bottom, right = min(canvas.shape[0], top_px + height), min(canvas.shape[1], left_px + width)
    if bottom > top and right > left:
        canvas[top:bottom, left:right] = patch.pixels[top - top_px : bottom - top_px, left - left_px : right - left_px]
    return left_px + width


@lru_cache(maxsize=4096)
def width_px(text: str, style: TextStyle) -> int:
    """Columns that ``text`` takes in a style."""
    return max(1, round(_starts(text, style)[-1]) + 1)


def _starts(text: str, style: TextStyle) -> list[float]:
    """Where each piece between narrow spaces begins, and where the last ends."""
    face, gap = font(style.weight, style.size_px), NARROW_SPACE_EM * style.size_px
    starts, x = [], 0.0
    for piece in drawable(text, style.weight).split(NARROW_SPACE):
        starts.append(x)
        x += face.getlength(piece) + gap
    return [*starts, x - gap]


def _words(text: str, style: TextStyle) -> Patch:
    """Whole strings, so that fractional advances and kerning are the font's own."""
    face = font(style.weight, style.size_px)
    ascent, descent = face.getmetrics()
    pieces, starts = drawable(text, style.weight).split(NARROW_SPACE), _starts(text, style)[:-1]
    picture = Image.new("L", (width_px(text, style), ascent + descent), 0)
    draw = ImageDraw.Draw(picture)
    for start, piece in zip(starts, pieces, strict=True):
        draw.text((start, ascent), piece, fill=255, font=face, anchor="ls")
    mask = np.asarray(picture, dtype=np.uint8)
    inked = np.flatnonzero(mask.any(axis=1))
    first, last = (int(inked[0]), int(inked[-1])) if len(inked) else (0, 0)
    return Patch(_blend(mask[first : last + 1], style), ascent - first)


def _blend(mask: npt.NDArray[np.uint8], style: TextStyle) -> Picture:
    alpha = mask.astype(np.float32)[:, :, None] / 255.0
    ink, ground = np.array(style.ink, np.float32), np.array(style.ground, np.float32)
    return np.asarray(np.rint(ground + (ink - ground) * alpha), dtype=np.uint8)

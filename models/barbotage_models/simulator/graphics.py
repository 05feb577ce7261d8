"""What a scanner draws over its picture: text, depth ticks, focus mark, grey bar, calipers, borders, cut-off sectors."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import GreyImage

WORDS = (
    "MSK", "SHOULDER", "L12-5", "Gen", "MI 0.9", "TIS 0.1", "12 MHz", "DR 60", "Gn 52", "4.0 cm", "38 mm", "Map F", "P 100%",
    "FR 25Hz", "FPS 31", "RT", "LT", "SSP", "x 1.2", "10:42:07", "Res", "2D 58%", "C 55", "Z 1.0", "G:66", "Frq 13.0",
)  # fmt: skip
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX)


@dataclass(frozen=True, slots=True)
class Graphics:
    """Which graphics lie over a picture; where and how they look follows from the seed."""

    seed: int = 0
    texts: int = 0
    ticks: bool = False
    focus: bool = False
    bar: bool = False
    calipers: int = 0
    guide: bool = False
    """A dotted needle guide line."""
    border: bool = False
    sector: float = 0.0
    """Share of the width that slanting black corners take on each side at most (negative: wider at the top)."""


def random_graphics(rng: np.random.Generator) -> Graphics:
    """Graphics of a picture that shows some."""
    return Graphics(
        seed=int(rng.integers(2**31)),
        texts=int(rng.integers(0, 4)),
        ticks=rng.random() < 0.5,
        focus=rng.random() < 0.3,
        bar=rng.random() < 0.15,
        calipers=int(rng.choice([0, 2, 4], p=[0.85, 0.12, 0.03])),
        guide=rng.random() < 0.04,
        border=rng.random() < 0.2,
        sector=float(rng.uniform(-0.15, 0.25)) if rng.random() < 0.15 else 0.0,
    )


def shown_part(graphics: Graphics, used: tuple[int, int], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """True where a picture of ``shape`` shows tissue: inside the ``used`` (width, height) and not cut off by the sector's corners."""
    width, height = used
    inside = np.zeros(shape, dtype=np.bool_)
    inside[:height, :width] = True
    if graphics.sector != 0:
        share = np.linspace(0, 1, height)[:, None] if graphics.sector > 0 else np.linspace(1, 0, height)[:, None]
        # Positive: the picture narrows downwards, as a trapezoid seen upside down; negative: it widens.
        cut = np.clip(share - 0.3, 0, 1) / 0.7 * abs(graphics.sector) * width
        columns = np.arange(width)[None, :]
        inside[:height, :width] &= (columns >= cut) & (columns < width - cut)
    return inside


def draw_graphics(picture: GreyImage, graphics: Graphics, used: tuple[int, int]) -> None:
    """Draws onto a picture in place; ``used`` is the (width, height) of its part that shows tissue. Same seed, same drawing."""
    rng = np.random.default_rng(graphics.seed)
    width, height = used
    grey = int(rng.integers(120, 256))
    small = max(1, round(height / 300))
    for _ in range(graphics.texts):
        _text(picture, used, grey, rng)
    if graphics.ticks:
        _ticks(picture, used, grey, small, rng)
    if graphics.focus:
        y, x = int(rng.uniform(0.2, 0.9) * height), int(rng.choice([2, width - 3 - height // 40]))
        side = max(3, height // 45)
        points = np.array([[x, y - side], [x, y + side], [x + side, y]], dtype=np.int32)
        cv2.fillPoly(picture, [points], grey)
    if graphics.bar:
        x, wide = int(rng.choice([3, width - 12])), max(4, width // 45)
        top, tall = int(0.15 * height), int(rng.uniform(0.2, 0.6) * height)
        ramp = np.linspace(255, 0, tall).astype(np.uint8)[:, None]
        picture[top : top + tall, x : x + wide] = np.broadcast_to(ramp, (tall, wide))[:, : picture[0, x : x + wide].size]
    for _ in range(graphics.calipers):
        x, y, arm = int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.1, 0.9) * height), max(3, height // 50)
        cv2.drawMarker(picture, (x, y), grey, int(rng.choice([cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS])), 2 * arm, small)
    if graphics.guide:
        _guide(picture, used, grey, small, rng)
    if graphics.border:
        cv2.rectangle(picture, (0, 0), (width - 1, height - 1), grey // 2, small)


def _text(picture: GreyImage, used: tuple[int, int], grey: int, rng: np.random.Generator) -> None:
    width, height = used
    size = float(rng.uniform(0.028, 0.05)) * height / 20
    font = int(rng.choice(FONTS))
    x = int(rng.choice([rng.uniform(0.0, 0.1), rng.uniform(0.6, 0.85)]) * width)
    y = int(rng.choice([rng.uniform(0.04, 0.12), rng.uniform(0.85, 0.99)]) * height)
    step = int(size * 30 * rng.uniform(1.0, 1.4)) + 1
    for line in range(int(rng.integers(1, 5))):
        where = (x, y + line * step if y < height / 2 else y - line * step)
        cv2.putText(picture, str(rng.choice(WORDS)), where, font, size, grey, 1, cv2.LINE_AA)


def _ticks(picture: GreyImage, used: tuple[int, int], grey: int, small: int, rng: np.random.Generator) -> None:
    width, height = used
    step = height / rng.uniform(3.0, 9.0)
    long = max(2, round(rng.uniform(0.008, 0.03) * width))
    x = int(rng.choice([0, width - long - 1]))
    for number in range(40):
        y = int(number * step / 2)
        if y >= height:
            break
        cv2.line(picture, (x, y), (x + (long if number % 2 == 0 else long // 2), y), grey, small)


def _guide(picture: GreyImage, used: tuple[int, int], grey: int, small: int, rng: np.random.Generator) -> None:
    width, height = used
    from_left = rng.random() < 0.5
    x, y = 0.0 if from_left else float(width), float(rng.uniform(0, 0.4) * height)
    angle = np.deg2rad(rng.uniform(15, 55))
    pace = max(4.0, height / 45)
    for number in range(80):
        here = x + (1 if from_left else -1) * number * pace * np.cos(angle), y + number * pace * np.sin(angle)
        if not (0 <= here[0] < width and here[1] < height):
            break
        cv2.circle(picture, (int(here[0]), int(here[1])), small, grey, -1)

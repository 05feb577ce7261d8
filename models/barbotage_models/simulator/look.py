"""The look of a picture: what scanner, screen and frame grabber do to it. The same for simulated, composited and real pictures.

Order: speckle reduction, edge enhancement, grey map, persistence, scan lines, then the screen: graphics, scaling, JPEG, grabber noise.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.simulator.graphics import Graphics, draw_graphics, random_graphics, shown_part

Float32 = npt.NDArray[np.float32]

PLAIN_SHARE = 0.12
"""Pictures that are left as they are."""
GRAPHICS_SHARE = 0.3
JPEG_SHARE = 0.45


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is shown. The default changes nothing."""

    gamma: float = 1.0
    s_curve: float = 0.0
    """-1 to 1: weight of an S-shaped grey map; negative flattens the middle."""
    black: float = 0.0
    """Grey level, as a share of 255, that becomes black; negative lifts black to grey."""
    white: float = 1.0
    """Grey level, as a share of 255, that becomes white: below 1 bright things saturate."""
    despeckle: float = 0.0
    """Weight of a median of 5 x 5 pixels."""
    edge: float = 0.0
    """Weight of an unsharp mask."""
    persistence: float = 0.0
    """Weight of the frame before."""
    lines: int = 0
    """Scan lines over the picture's width, with linear interpolation between them; 0: as many as columns."""
    grain_grey: float = 0.0
    """Standard deviation of the grabber's noise."""
    screen_scale: float = 1.0
    """Screen pixels per pixel of the picture."""
    jpeg_quality: int = 100
    """100: no compression."""
    graphics: Graphics = field(default_factory=Graphics)


@dataclass(frozen=True, slots=True)
class Shown:
    """Two pictures uint8 as shown, and where they show tissue."""

    before: GreyImage
    picture: GreyImage
    tissue: npt.NDArray[np.bool_]


def random_look(rng: np.random.Generator) -> Look:
    """One scanner's and one screen's look."""
    if rng.random() < PLAIN_SHARE:
        return Look()

    def sometimes(share: float, value: float, otherwise: float = 0.0) -> float:
        return value if rng.random() < share else otherwise

    return Look(
        gamma=float(np.exp(rng.normal(0, 0.22))),
        s_curve=sometimes(0.5, float(rng.uniform(-0.4, 0.9))),
        black=sometimes(0.5, float(rng.uniform(-0.1, 0.1))),
        white=sometimes(0.35, float(rng.uniform(0.6, 1.0)), 1.0),
        despeckle=sometimes(0.35, float(rng.uniform(0.2, 1.0))),
        edge=sometimes(0.3, float(rng.uniform(0.2, 1.3))),
        persistence=sometimes(0.35, float(rng.uniform(0.1, 0.45))),
        lines=int(sometimes(0.4, float(rng.integers(80, 200)))),
        grain_grey=sometimes(0.4, float(rng.uniform(0.5, 4.0))),
        screen_scale=float(rng.uniform(1.0, 2.4)),
        jpeg_quality=int(sometimes(JPEG_SHARE, float(rng.integers(25, 95)), 100)),
        graphics=random_graphics(rng) if rng.random() < GRAPHICS_SHARE else Graphics(),
    )


def shown(before: GreyImage, picture: GreyImage, used: tuple[int, int], look: Look, rng: np.random.Generator) -> Shown:
    """A pair of pictures of equal size with a look; outside the ``used`` (width, height) they stay black."""
    shape = (picture.shape[0], picture.shape[1])
    tissue = shown_part(look.graphics, used, shape)
    first, second = (_mapped(p, look) for p in (before, picture))
    if look.persistence > 0:
        mixed = look.persistence * first.astype(np.float32) + (1 - look.persistence) * second
        second = np.asarray(np.rint(mixed), dtype=np.uint8)
    first, second = (_on_screen(_scan_lines(p, look, used), look, tissue, used, rng) for p in (first, second))
    return Shown(first, second, tissue)


def _mapped(picture: GreyImage, look: Look) -> GreyImage:
    if look.despeckle > 0:
        picture = np.asarray(
            cv2.addWeighted(cv2.medianBlur(picture, 5), look.despeckle, picture, 1 - look.despeckle, 0), dtype=np.uint8
        )
    if look.edge > 0:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.6)
        picture = np.asarray(cv2.addWeighted(picture, 1 + look.edge, soft, -look.edge, 0), dtype=np.uint8)
    return np.asarray(cv2.LUT(picture, grey_map(look)), dtype=np.uint8)


def grey_map(look: Look) -> GreyImage:
    """The table (256,) from grey levels to shown grey levels; it never falls."""
    level = (np.linspace(0, 1, 256) - look.black) / (look.white - look.black)
    level = np.clip(level, 0, 1) ** look.gamma
    level = level + look.s_curve * (level * level * (3 - 2 * level) - level)
    return np.asarray(np.rint(np.clip(level, 0, 1) * 255), dtype=np.uint8)


def _scan_lines(picture: GreyImage, look: Look, used: tuple[int, int]) -> GreyImage:
    width, height = used
    if look.lines == 0 or look.lines >= width:
        return picture
    part = cv2.resize(picture[:height, :width], (look.lines, height), interpolation=cv2.INTER_AREA)
    out = picture.copy()
    out[:height, :width] = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    return out


def _on_screen(
    picture: GreyImage, look: Look, tissue: npt.NDArray[np.bool_], used: tuple[int, int], rng: np.random.Generator
) -> GreyImage:
    """Scaled to the screen, with graphics, compressed, and scaled back; black outside the used part."""
    width, height = used
    part = np.where(tissue, picture, np.uint8(0))[:height, :width]
    has_graphics = look.graphics != Graphics()
    if has_graphics or look.jpeg_quality < 100:
        size = (max(32, round(width * look.screen_scale)), max(32, round(height * look.screen_scale)))
        screen = np.ascontiguousarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        if has_graphics:
            draw_graphics(screen, look.graphics, size)
        if look.jpeg_quality < 100:
            _, data = cv2.imencode(".jpg", screen, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality])
            screen = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        part = np.asarray(cv2.resize(screen, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if look.grain_grey > 0:
        noise = cv2.GaussianBlur(rng.standard_normal(part.shape, dtype=np.float32), (3, 3), 0.5)
        part = np.asarray(np.clip(np.rint(part + noise * np.float32(look.grain_grey)), 0, 255), dtype=np.uint8)
    out = np.zeros_like(picture)
    out[:height, :width] = part
    return out

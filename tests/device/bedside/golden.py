"""The golden pictures of the procedure, and the pictures of docs/bedside.md. To make both anew: python -m tests.device.bedside.golden"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from tests.device.bedside.procedure_views import setups, states, view_of_state

from barbotage_device.bedside.contact_sheet import Moment, contact_sheet
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_models.contract.geometry import GreyImage

SIZES = (ScreenSize(800, 480), ScreenSize(1280, 800))
TILE_WIDTH_PX, TILE_HEIGHT_PX = 80, 48
"""Each picture is kept as mean grey levels of so many cells: a word that changes is seen, a font library's last bit is not."""
GOLDEN = Path(__file__).with_name("golden.png")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "images"
DOCS_SHARE = 0.6

Tile = npt.NDArray[np.uint8]


def views(language: Language) -> dict[str, BedsideView]:
    """Every state, question and set-up, by name."""
    return {name: view_of_state(name, language) for name in states(language)} | setups(language)


def tile(picture: Picture) -> Tile:
    """What is kept of a picture."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (TILE_WIDTH_PX, TILE_HEIGHT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def tiles(language: Language, size: ScreenSize) -> dict[str, Tile]:
    """What is kept of every view."""
    renderer = Renderer(size)
    return {name: tile(renderer.draw(view)) for name, view in views(language).items()}


def kept(language: Language, size: ScreenSize) -> dict[str, Tile]:
    """The tiles of the golden picture: a row for each language and size, a column for each view."""
    sheet = cv2.imread(str(GOLDEN), cv2.IMREAD_GRAYSCALE)
    if sheet is None:
        return {}
    row = _rows().index((language, size)) * TILE_HEIGHT_PX
    names = list(views(language))
    return {
        name: np.asarray(sheet[row : row + TILE_HEIGHT_PX, column * TILE_WIDTH_PX : (column + 1) * TILE_WIDTH_PX], np.uint8)
        for column, name in enumerate(names)
    }


def write_golden() -> None:
    """Keeps every picture as it is drawn now. Look at the pictures of the docs first."""
    rows = [np.hstack(list(tiles(*row).values())) for row in _rows()]
    cv2.imwrite(str(GOLDEN), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def write_docs() -> None:
    """The contact sheets of the docs: every view on the small screen in both languages, some on the large one."""
    for language in Language:
        _write_sheet(f"bedside-{language.value}", views(language), SIZES[0], 3)
    some = {f"{name} ({language.value})": views(language)[name] for name in ("scan", "lavage") for language in Language}
    _write_sheet("bedside-1280x800", some, SIZES[1], 2)


def _rows() -> list[tuple[Language, ScreenSize]]:
    return [(language, size) for language in Language for size in SIZES]


def _write_sheet(name: str, shown: dict[str, BedsideView], size: ScreenSize, columns: int) -> None:
    """A sheet with a calm picture, so that the file is small."""
    renderer = Renderer(size)
    moments = [Moment(title, _small(renderer.draw(replace(view, pixels=_calm(view.pixels))))) for title, view in shown.items()]
    sheet = contact_sheet(moments, columns)
    Image.fromarray(np.ascontiguousarray(sheet[:, :, ::-1])).save(DOCS / f"{name}.png", optimize=True)


def _small(picture: Picture) -> Picture:
    share = DOCS_SHARE * SIZES[0].width_px / picture.shape[1] * (1.25 if picture.shape[1] > SIZES[0].width_px else 1.0)
    return np.asarray(cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _calm(pixels: GreyImage) -> GreyImage:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2.5), dtype=np.uint8)


if __name__ == "__main__":
    write_golden()
    write_docs()

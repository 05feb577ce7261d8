"""Still pictures: PNG, JPEG, BMP, TIFF (every page), PNM, WebP, JPEG 2000, to 8-bit grey."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.region import ColourOrder, to_grey
from barbotage_device.capture.settings import CaptureSettings, Stamp, frame_of, one_line
from barbotage_device.errors import SourceError
from barbotage_models.contract.geometry import GreyImage

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000")
_GREY_MODES = ("1", "L", "LA", "La")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")

_READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged bytes."""


class ImageSource:
    """One picture file as a source of one frame (one per page of a TIFF). EVERY_FRAME.

    A truncated or damaged file is an error, never a half-grey picture: Pillow is used because cv2 fills in what is missing.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, path: Path, settings: CaptureSettings) -> None:
        self._path = path
        self._settings = settings

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    def frames(self) -> Iterator[Frame]:
        """The picture, or the pages of a TIFF. Raises SourceError when it cannot be used."""
        for sequence, picture in enumerate(read_pictures(self._path)):
            stamp = Stamp(sequence * self._settings.period_ns, sequence, self.name)
            yield frame_of(picture, self._settings.region, self._settings.scale, stamp)

    def close(self) -> None:
        """Nothing is held between frames."""


def is_picture(path: Path) -> bool:
    """Whether the file's content begins like one of the picture formats. Reads the header only."""
    try:
        with _strict_pillow(), Image.open(path, formats=FORMATS):
            return True
    except Image.DecompressionBombWarning:
        return True  # a picture, if an unusable one; reading it says so
    except Image.DecompressionBombError:
        return True
    except _READ_ERRORS:
        return False


def read_pictures(path: Path) -> Iterator[GreyImage]:
    """Each picture of a file, uint8 (h, w). Raises SourceError, naming the file, when it is damaged, too large or deeper than 8 bits."""
    page = 0
    more = True
    while more:
        try:
            with _strict_pillow(), Image.open(path, formats=FORMATS) as image:
                image.seek(page)
                picture = _grey_of(image, path)
                pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise SourceError(f"{path}: the picture is too large to be an ultrasound picture") from error
        except _READ_ERRORS as error:
            raise SourceError(f"{path}: the picture is damaged or of an unknown kind ({one_line(error)})") from error
        yield picture
        page += 1
        more = page < pages


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Pillow's chatter off, its warning about decompression bombs an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _grey_of(image: Image.Image, path: Path) -> GreyImage:
    if _is_deep_colour(image):
        raise SourceError(f"{path}: the picture has 16 bits per colour; save it with 8")
    if image.mode in _DEEP_MODES:
        return _eight_bits_of(np.asarray(image), path)
    if image.mode == "F":
        raise SourceError(f"{path}: the picture holds floating-point values; save it with 8 bits")
    if image.mode in _GREY_MODES:
        return to_grey(np.array(image.convert("L")), ColourOrder.RGB)
    return to_grey(np.array(image.convert("RGB")), ColourOrder.RGB)


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colour to 8 without a word; its raw mode tells."""
    return image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[-1]) for tile in getattr(image, "tile", ()))


def _eight_bits_of(values: npt.NDArray[Any], path: Path) -> GreyImage:
    """The 8-bit picture in a 16-bit file, when there clearly is one.

    That is: no value above 255, or every value an 8-bit one times 257 or 256 (how programs widen 8 bits). Anything
    else needs a window that the file does not state, so it is refused.
    """
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 255:
        return values.astype(np.uint8)
    if low >= 0 and high <= 65535:
        top = values >> 8
        if bool(np.all(values == top * 257)) or bool(np.all(values == top * 256)):
            return top.astype(np.uint8)
    raise SourceError(
        f"{path}: the picture has 16-bit grey values ({low} to {high}); save it with 8 bits, in the window that shows it best"
    )

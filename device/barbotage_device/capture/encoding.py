"""Pictures to bytes and back, as a session stores them: JPEG, or PNG where nothing may be lost."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from barbotage_device.errors import InvalidInputError, SourceError
from barbotage_models.contract.geometry import GreyImage

JPEG = "jpeg"
PNG = "png"
MIN_JPEG_QUALITY = 50
"""Below it the blocks of the compression are seen as structure in the speckle."""
MAX_JPEG_QUALITY = 100
DEFAULT_JPEG_QUALITY = 90
"""40.6 dB, SSIM 0.991 on speckle, 1.6 times smaller than the best lossless codec; measured, see docs/session.md."""
PNG_PARAMETERS: tuple[int, ...] = ()
"""OpenCV's own choice (SUB filter, run lengths, fastest) takes 5.8 ms for 640x480 of simulated speckle; with a level named, even 1, it tries
every filter: 9.4 ms, and 8 % larger. The same with 4.11 and 4.14."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are stored. ``quality`` is that of JPEG, None for PNG, which loses nothing."""

    image_format: str = JPEG
    quality: int | None = DEFAULT_JPEG_QUALITY

    def __post_init__(self) -> None:
        """Raises InvalidInputError for another format, or a quality that the format does not have."""
        if self.image_format == PNG and self.quality is None:
            return
        if self.image_format != JPEG or self.quality is None or not MIN_JPEG_QUALITY <= self.quality <= MAX_JPEG_QUALITY:
            raise InvalidInputError(
                f"pictures as {self.image_format} of quality {self.quality}; use {JPEG} from {MIN_JPEG_QUALITY} to {MAX_JPEG_QUALITY}, "
                f"or {PNG} without a quality"
            )

    @property
    def lossless(self) -> bool:
        """Whether what is read back is what was written, byte for byte."""
        return self.image_format == PNG


LOSSLESS = Encoding(PNG, None)


def encoder_of(encoding: Encoding) -> Callable[[GreyImage], bytes]:
    """The function that turns a picture uint8 (h, w) into a file's bytes; it raises InvalidInputError when OpenCV cannot."""
    suffix = ".png" if encoding.lossless else ".jpg"
    parameters = [*PNG_PARAMETERS] if encoding.quality is None else [cv2.IMWRITE_JPEG_QUALITY, encoding.quality]

    def encode(pixels: GreyImage) -> bytes:
        done, data = cv2.imencode(suffix, pixels, parameters)
        if not done:
            raise InvalidInputError(f"a picture of shape {pixels.shape} cannot be written as {encoding.image_format}")
        return data.tobytes()

    return encode


def decode(data: bytes, what: str) -> GreyImage:
    """The picture uint8 (h, w) in a JPEG or PNG file's bytes. Raises SourceError, naming ``what``, when it cannot be read."""
    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if picture is None:
        raise SourceError(f"{what}: the picture cannot be read; run 'barbotage-device sessions verify' on its session")
    return np.asarray(picture, dtype=np.uint8)

"""Pictures to bytes and back."""

import numpy as np
import pytest

from barbotage_device.capture.encoding import JPEG, LOSSLESS, PNG, Encoding, decode, encoder_of
from barbotage_device.errors import InvalidInputError, SourceError

SPECKLE = np.random.default_rng(3).integers(0, 256, (61, 83), dtype=np.uint8)
SMOOTH = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)


@pytest.mark.parametrize("pixels", [SPECKLE, SMOOTH, SPECKLE[3:40, 5:60]], ids=["speckle", "smooth", "a view"])
def test_lossless_gives_every_byte_back(pixels: np.ndarray) -> None:
    assert np.array_equal(decode(encoder_of(LOSSLESS)(pixels), "x"), pixels)


def test_jpeg_is_smaller_and_near() -> None:
    data = encoder_of(Encoding())(SMOOTH)
    assert data[:2] == b"\xff\xd8"
    assert len(data) < len(SMOOTH.tobytes()) / 3
    assert np.abs(decode(data, "x").astype(int) - SMOOTH).max() <= 4


def test_quality_is_that_asked_for() -> None:
    sizes = [len(encoder_of(Encoding(quality=quality))(SPECKLE)) for quality in (60, 90, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 1.5


@pytest.mark.parametrize(("image_format", "quality"), [(JPEG, None), (JPEG, 20), (JPEG, 101), (PNG, 90), ("webp", 90)])
def test_an_impossible_encoding_is_refused(image_format: str, quality: int | None) -> None:
    with pytest.raises(InvalidInputError, match=f"pictures as {image_format}"):
        Encoding(image_format, quality)


@pytest.mark.parametrize("data", [b"", b"not a picture", encoder_of(LOSSLESS)(SPECKLE)[:20]])
def test_bytes_that_are_no_picture_are_told(data: bytes) -> None:
    with pytest.raises(SourceError, match="frame 7: the picture cannot be read"):
        decode(data, "frame 7")

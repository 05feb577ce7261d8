"""Ultrasound DICOM files: header, calibration, and the pictures one at a time, to 8-bit grey."""

import logging
import struct
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import iter_pixels

from barbotage_device.capture.dicom_geometry import Calibration, calibration_of, frame_times_ns
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.region import ColourOrder, Region, to_grey
from barbotage_device.capture.settings import CaptureSettings, Stamp, frame_of, one_line
from barbotage_device.errors import SourceError
from barbotage_models.contract.geometry import GreyImage, Scale

ULTRASOUND_MODALITY = "US"
ULTRASOUND_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("3", "3.1", "6", "6.1"))
"""Ultrasound (Multi-frame) Image Storage and their retired forms, PS3.4 B.5 and earlier editions."""
PREAMBLE_BYTES = 128
MAGIC = b"DICM"

_DECODE_ERRORS = (
    OSError, ValueError, TypeError, AttributeError, KeyError, IndexError, EOFError, RuntimeError, NotImplementedError, InvalidDicomError, struct.error,
)  # fmt: skip
"""What pydicom and its decoders raise on damaged content."""


@dataclass(frozen=True, slots=True)
class _Header:
    data: Any
    width_px: int
    height_px: int
    frames: int
    photometric: str
    syntax: str


class DicomSource:
    """One ultrasound DICOM file, single- or multi-frame. EVERY_FRAME; one frame at a time is in memory.

    Region and scale come from the file's calibration unless the settings override them; a region given by the
    settings keeps the file's scale only where it lies inside the calibrated region.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, path: Path, settings: CaptureSettings) -> None:
        self._path = path
        self._settings = settings
        self._notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the calibration lacks; filled when the first frame is read."""
        return self._notes

    def frames(self) -> Iterator[Frame]:
        """Every frame in order. Raises SourceError: not DICOM, not ultrasound, no pictures, unsupported compression, damaged pixel data."""
        header = _read_header(self._path)
        calibration = calibration_of(header.data, header.width_px, header.height_px)
        times_ns, time_notes = frame_times_ns(header.data, header.frames, self._settings.period_ns)
        self._notes = tuple(f"{self._path}: {note}" for note in (*calibration.notes, *time_notes))
        region, scale = _chosen(self._settings, calibration)
        for index, picture in enumerate(_pictures(self._path, header)):
            yield frame_of(picture, region, scale, Stamp(times_ns[index], index, self.name))

    def close(self) -> None:
        """Nothing is held outside a pass over the frames."""


def is_dicom(head: bytes) -> bool:
    """Whether the first bytes (at least 132) of a file carry the DICOM mark."""
    return head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == MAGIC


def is_ultrasound(path: Path) -> bool:
    """Whether a file is DICOM with ultrasound pictures. Reads the header only."""
    try:
        _read_header(path)
    except SourceError:
        return False
    return True


def _chosen(settings: CaptureSettings, calibration: Calibration) -> tuple[Region | None, Scale | None]:
    if settings.region is None:
        return calibration.region, settings.scale or calibration.scale
    inside = calibration.region is not None and calibration.region.contains(settings.region)
    return settings.region, settings.scale or (calibration.scale if inside else None)


def _read_header(path: Path) -> _Header:
    try:
        with _quiet():
            data = pydicom.dcmread(path, stop_before_pixels=True)
            modality, sop_class = str(data.get("Modality", "")), str(data.get("SOPClassUID", ""))
            rows, columns = int(data.get("Rows", 0) or 0), int(data.get("Columns", 0) or 0)
            frames = int(data.get("NumberOfFrames", 1) or 1)
            photometric = str(data.get("PhotometricInterpretation", ""))
            syntax = data.file_meta.get("TransferSyntaxUID", None)
    except InvalidDicomError as error:
        raise SourceError(f"{path}: not a DICOM file (no DICM mark)") from error
    except _DECODE_ERRORS as error:
        raise SourceError(f"{path}: the DICOM header is damaged ({one_line(error)})") from error
    if modality != ULTRASOUND_MODALITY and sop_class not in ULTRASOUND_CLASSES:
        raise SourceError(f"{path}: the DICOM file is not ultrasound (modality {modality or 'not stated'})")
    if min(rows, columns, frames) < 1:
        raise SourceError(f"{path}: the DICOM file has no pictures")
    _check_syntax(path, syntax)
    return _Header(data, columns, rows, frames, photometric, str(syntax.name))


def _check_syntax(path: Path, syntax: Any) -> None:
    if syntax is None:
        raise SourceError(f"{path}: the DICOM file does not state its transfer syntax")
    try:
        available = bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        available = False
    if not available:
        raise SourceError(
            f"{path}: compressed as {syntax.name}, which cannot be decoded here; export it uncompressed, as RLE, JPEG or JPEG 2000"
        )


def _pictures(path: Path, header: _Header) -> Iterator[GreyImage]:
    # It is a generator that holds the file open; its annotation hides that.
    with closing(cast(Generator[npt.NDArray[Any], None, None], iter_pixels(path))) as decoder:
        for index in range(header.frames):
            try:
                with _quiet():
                    pixels = next(decoder, None)
                    grey = None if pixels is None else _grey_of(pixels, header, path)
            except _DECODE_ERRORS as error:
                raise _undecodable(path, header, index) from error
            if grey is None:
                raise _undecodable(path, header, index)
            yield grey


def _undecodable(path: Path, header: _Header, index: int) -> SourceError:
    """One line of our own: what the decoders say runs over many lines and speaks of arrays."""
    place = f"frame {index + 1} of {header.frames} ({header.syntax})"
    return SourceError(f"{path}: {place} cannot be decoded: its pixel data is missing, damaged or cut short")


def _grey_of(pixels: npt.NDArray[Any], header: _Header, path: Path) -> GreyImage:
    """8-bit grey of one decoded picture. Raises SourceError for grey values of more than 8 bits."""
    if header.photometric == "PALETTE COLOR":
        pixels = _coloured(pixels, header.data)
    elif pixels.dtype != np.uint8:
        raise SourceError(f"{path}: its grey values have {header.data.get('BitsStored', '?')} bits; ultrasound pictures have 8")
    grey = to_grey(pixels, ColourOrder.RGB)
    return np.asarray(255 - grey, dtype=np.uint8) if header.photometric == "MONOCHROME1" else grey


def _coloured(indices: npt.NDArray[Any], header: Any) -> npt.NDArray[np.uint8]:
    """The picture of palette indices, uint8 (h, w, 3).

    16-bit tables keep the colour in their upper byte (PS3.3 C.7.6.3.1.5), those of 8-bit colours in 16-bit words in the lower one.
    pydicom 3.0 does not swap the words of a plain table in a big-endian file (it does for segmented ones), so that is done here.
    """
    coloured = apply_color_lut(indices, header)
    if coloured.dtype == np.uint16:
        if "RedPaletteColorLookupTableData" in header and not header.file_meta.TransferSyntaxUID.is_little_endian:
            coloured = coloured.byteswap()
        if int(coloured.max()) > 255:
            coloured = coloured >> 8
    return np.asarray(coloured, dtype=np.uint8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pydicom's warnings: they concern how a file is written; what matters to a person is said by an error or a note."""
    logger = logging.getLogger("pydicom")
    disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled

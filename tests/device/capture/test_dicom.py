"""Real ultrasound DICOM files (shipped by pydicom and pydicom-data), and copies of them that are broken on purpose."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from barbotage_device.capture.dicom import DicomSource, is_ultrasound
from barbotage_device.capture.dicom_geometry import calibration_of, frame_times_ns
from barbotage_device.capture.files import FileKind, iter_paths, kind_of, open_dicom, open_file
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.opening import notes_of
from barbotage_device.capture.region import Region
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.errors import BarbotageError, NotFoundError, SourceError
from barbotage_models.contract.geometry import GreyImage, Scale

SETTINGS = CaptureSettings()
PERIOD_NS = SETTINGS.period_ns


def real(name: str) -> Path:
    """A file of either package, found without their download helpers."""
    for package, folder in (("pydicom", "data/test_files"), ("data_store", "data")):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        path = Path(spec.submodule_search_locations[0]) / folder / name
        if path.exists():
            return path
    raise AssertionError(f"{name} is in neither package")


def _frames(path: Path, settings: CaptureSettings = SETTINGS) -> list[Frame]:
    return list(DicomSource(path, settings).frames())


def _first(name: str) -> GreyImage:
    return next(iter(DicomSource(real(name), SETTINGS).frames())).pixels


# name, frames, shape of the region, its corner, mm per pixel, ns between frames
WHOLE = [
    ("examples_ybr_color.dcm", 30, (240, 320), (0, 0), None, 33_333_000),
    ("examples_rgb_color.dcm", 1, (240, 320), (0, 0), None, None),
    ("examples_palette.dcm", 1, (350, 800), (0, 0), None, None),
    ("examples_jpeg2k.dcm", 1, (480, 640), (0, 0), None, None),
    ("ExplVR_BigEnd.dcm", 1, (60, 80), (0, 0), None, None),
    ("JPGLosslessP14SV1_1s_1f_8b.dcm", 1, (721, 997), (14, 38), 0.25477, None),
    ("OBXXXX1A.dcm", 1, (459, 680), (120, 60), 0.26229, None),
    ("OBXXXX1A_rle_2frame.dcm", 2, (459, 680), (120, 60), 0.26229, PERIOD_NS),
    ("OBXXXX1A_expb_2frame.dcm", 2, (459, 680), (120, 60), 0.26229, PERIOD_NS),
    ("US1_J2KI.dcm", 1, (480, 640), (0, 0), None, None),
    ("color-pl.dcm", 1, (120, 256), (0, 0), None, None),
    ("gdcm-US-ALOKA-16.dcm", 1, (392, 304), (32, 24), 0.38265, None),
]


@pytest.mark.parametrize(("name", "count", "shape", "corner", "mm_per_px", "period_ns"), WHOLE, ids=[row[0] for row in WHOLE])
def test_real_files_give_their_region_scale_and_times(
    name: str, count: int, shape: tuple[int, int], corner: tuple[int, int], mm_per_px: float | None, period_ns: int | None
) -> None:
    frames = _frames(real(name))
    assert len(frames) == count
    assert {f.pixels.shape for f in frames} == {shape}
    assert {f.pixels.dtype for f in frames} == {np.dtype(np.uint8)}
    assert (frames[0].x0_px, frames[0].y0_px) == corner
    if mm_per_px is None:
        assert frames[0].scale is None
    else:
        assert frames[0].scale is not None
        assert frames[0].scale.x_mm_per_px == pytest.approx(mm_per_px, abs=1e-5)
    assert [f.capture_ns for f in frames] == [i * (period_ns or 0) for i in range(count)]
    assert [f.sequence for f in frames] == list(range(count))
    assert frames[0].pixels.std() > 5


# The same picture stored in two ways must come out the same (tolerance in grey levels, mean).
SAME = [
    ("OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", 0.0),
    ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm", 0.0),
    ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm", 0.0),
    ("color-pl.dcm", "color-px.dcm", 0.0),
    ("US1_UNCR.dcm", "US1_J2KR.dcm", 0.0),
    ("US1_UNCI.dcm", "US1_J2KI.dcm", 1.0),
]


@pytest.mark.parametrize(("one", "other", "tolerance"), SAME, ids=[f"{a}={b}" for a, b, _ in SAME])
def test_storage_does_not_change_the_picture(one: str, other: str, tolerance: float) -> None:
    difference = np.abs(_first(one).astype(int) - _first(other).astype(int))
    assert difference.mean() <= tolerance
    assert _first(one).max() > 150


def test_ybr_is_luma_not_a_mix_of_channels() -> None:
    """The grey of a grey B-mode in YBR_FULL_422 is its Y channel."""
    path = real("examples_ybr_color.dcm")
    luma = pixel_array(path, index=0, raw=True)[..., 0]
    assert np.abs(_frames(path)[0].pixels.astype(int) - luma.astype(int)).mean() < 1.0


def test_monochrome1_is_turned_round(tmp_path: Path) -> None:
    data = pydicom.dcmread(real("OBXXXX1A.dcm"))
    for interpretation in ("MONOCHROME1", "MONOCHROME2"):
        data.PhotometricInterpretation = interpretation
        data.save_as(tmp_path / f"{interpretation}.dcm")
    one, two = (_frames(tmp_path / f"MONOCHROME{n}.dcm")[0].pixels for n in (1, 2))
    assert np.array_equal(one, 255 - two)


def test_eight_bit_palette_entries_in_sixteen_bit_words_are_not_lost(tmp_path: Path) -> None:
    data = pydicom.dcmread(real("OBXXXX1A.dcm"))
    for colour in ("Red", "Green", "Blue"):
        table = np.frombuffer(data[f"{colour}PaletteColorLookupTableData"].value, np.uint16) >> 8
        data[f"{colour}PaletteColorLookupTableData"].value = table.astype(np.uint16).tobytes()
    data.save_as(tmp_path / "low.dcm")
    assert np.array_equal(_frames(tmp_path / "low.dcm")[0].pixels, _first("OBXXXX1A.dcm"))


def test_big_endian_palettes_with_full_sixteen_bit_entries_keep_their_colour(tmp_path: Path) -> None:
    data = pydicom.dcmread(real("OBXXXX1A_expb.dcm"))
    for colour in ("Red", "Green", "Blue"):
        table = np.frombuffer(data[f"{colour}PaletteColorLookupTableData"].value, ">u2") | 0x13
        data[f"{colour}PaletteColorLookupTableData"].value = table.astype(">u2").tobytes()
    data.save_as(tmp_path / "full.dcm")
    assert np.array_equal(_frames(tmp_path / "full.dcm")[0].pixels, _first("OBXXXX1A.dcm"))


def test_a_resized_file_says_why_it_has_no_scale() -> None:
    source = DicomSource(real("examples_ybr_color.dcm"), SETTINGS)
    next(iter(source.frames()))
    assert any("reaches beyond the picture of 320x240" in note for note in notes_of(source))


def test_settings_override_scale_and_region() -> None:
    inside = CaptureSettings(region=Region(200, 100, 64, 64))
    across = CaptureSettings(region=Region(0, 0, 200, 200))
    forced = CaptureSettings(scale=Scale.isotropic(0.1))
    path = real("OBXXXX1A.dcm")
    assert _frames(path, inside)[0].scale is not None
    assert _frames(path, inside)[0].x0_px == 200
    assert _frames(path, across)[0].scale is None
    assert _frames(path, forced)[0].scale == Scale.isotropic(0.1)


def _edited(tmp_path: Path, name: str, edit: Callable[[Any], object]) -> Path:
    data = pydicom.dcmread(real(name))
    edit(data)
    data.save_as(tmp_path / "edited.dcm")
    return tmp_path / "edited.dcm"


def _make_ct(data: Any) -> None:
    data.Modality = "CT"
    data.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")


def _set_syntax(data: Any) -> None:
    data.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")  # MPEG-4, which some scanners use for cines
    data["PixelData"].is_undefined_length = True
    data.PixelData = encapsulate([b"\0" * 64])


def _drop_pixels(data: Any) -> None:
    del data.PixelData


def _drop_size(data: Any) -> None:
    del data.PixelData
    del data.Rows


def _shorten(data: Any) -> None:
    data.PixelData = data.PixelData[:-50_000]


BROKEN: list[tuple[str, str, Callable[[Any], object], str]] = [
    ("not ultrasound", "OBXXXX1A.dcm", _make_ct, "not ultrasound (modality CT)"),
    ("no pixels", "OBXXXX1A.dcm", _drop_pixels, "cannot be decoded"),
    ("no size", "OBXXXX1A.dcm", _drop_size, "has no pictures"),
    ("video syntax", "OBXXXX1A.dcm", _set_syntax, "which cannot be decoded here"),
    ("short pixel data", "OBXXXX1A.dcm", _shorten, "cannot be decoded"),
]


@pytest.mark.parametrize(("name", "edit", "fragment"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_an_unusable_dicom_file_gets_one_clear_line(
    tmp_path: Path, name: str, edit: Callable[[Any], object], fragment: str
) -> None:
    path = _edited(tmp_path, name, edit)
    with pytest.raises(SourceError) as caught:
        _frames(path)
    assert fragment in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "fragment"), [(b"a text file", "not a DICOM file"), (b"", "not a DICOM file"), (b"\0" * 128 + b"DICM", "")]
)
def test_text_named_dcm_is_told(tmp_path: Path, content: bytes, fragment: str) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        _frames(path)
    assert fragment in str(caught.value)
    assert not is_ultrasound(path)


@pytest.mark.parametrize("name", ["OBXXXX1A_rle_2frame.dcm", "examples_ybr_color.dcm", "US1_J2KR.dcm", "OBXXXX1A_2frame.dcm"])
def test_a_file_cut_short_is_an_error_that_names_the_frame(tmp_path: Path, name: str) -> None:
    data = real(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * 0.7)])
    with pytest.raises(SourceError, match=r"frame \d+ of \d+ .* cannot be decoded|header is damaged"):
        _frames(path)


def test_the_frames_before_the_cut_are_delivered(tmp_path: Path) -> None:
    data = real("examples_ybr_color.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    path.write_bytes(data[: int(len(data) * 0.7)])
    frames = DicomSource(path, SETTINGS).frames()
    seen = [next(frames) for _ in range(12)]
    with pytest.raises(SourceError, match=r"frame \d+ of 30"):
        seen.extend(frames)
    assert [frame.sequence for frame in seen] == list(range(19))


def test_dicom_is_found_by_content(tmp_path: Path) -> None:
    path = tmp_path / "IM0001"
    path.write_bytes(real("OBXXXX1A_rle.dcm").read_bytes())
    assert kind_of(path) is FileKind.DICOM
    assert next(iter(open_file(path, SETTINGS).frames())).scale is not None


def _study(root: Path) -> Path:
    for name, copy in (("OBXXXX1A_rle_2frame.dcm", "IM10"), ("examples_rgb_color.dcm", "IM2"), ("MR_small.dcm", "IM3")):
        (root / copy).write_bytes(real(name).read_bytes())
    (root / "notes.txt").write_text("x")
    return root


def test_a_study_folder_plays_its_ultrasound_files(tmp_path: Path) -> None:
    source = open_dicom(_study(tmp_path), SETTINGS)
    frames = list(source.frames())
    assert [Path(f.source).name for f in frames] == ["IM2", "IM10", "IM10"]
    assert [f.capture_ns for f in frames] == [0, PERIOD_NS, 2 * PERIOD_NS]
    assert "2 other files left out" in notes_of(source)[0]


def test_iter_paths_tells_of_a_dicom_file_that_is_no_ultrasound(tmp_path: Path) -> None:
    outcome = {}
    for path, item in iter_paths(_study(tmp_path), SETTINGS):
        assert not isinstance(item, BarbotageError)
        try:
            outcome[path.name] = len(list(item.frames()))
        except SourceError:
            outcome[path.name] = -1
    assert outcome == {"IM2": 1, "IM3": -1, "IM10": 2}


@pytest.mark.parametrize(("make", "error"), [(False, NotFoundError), (True, SourceError)])
def test_a_folder_without_dicom(tmp_path: Path, make: bool, error: type[BarbotageError]) -> None:
    folder = tmp_path / "study"
    if make:
        folder.mkdir()
    with pytest.raises(error):
        open_dicom(folder, SETTINGS)


def test_pydicoms_chatter_does_not_reach_the_user(recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("US1_J2KI.dcm", "OBXXXX1A_rle.dcm", "examples_ybr_color.dcm"):
        _frames(real(name))
    with pytest.raises(SourceError):
        _frames(real("badVR.dcm"))
    assert not recwarn.list
    assert not caplog.records


def _region(**changes: Any) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = 1, 1
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 10, 20, 309, 219
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.01, 0.02
    for keyword, value in changes.items():
        if value is None:
            delattr(item, keyword)
        else:
            setattr(item, keyword, value)
    return item


def _header(*regions: Dataset) -> Dataset:
    header = Dataset()
    header.SequenceOfUltrasoundRegions = list(regions)
    return header


WHERE = Region(10, 20, 300, 200)
CALIBRATIONS = [
    ("cm to mm", [_region()], WHERE, Scale(0.1, 0.2)),
    ("negative axis", [_region(PhysicalDeltaY=-0.02)], WHERE, Scale(0.1, 0.2)),
    ("seconds are no length", [_region(PhysicalUnitsXDirection=4)], WHERE, None),
    ("zero", [_region(PhysicalDeltaX=0.0)], WHERE, None),
    ("mm written as cm", [_region(PhysicalDeltaX=1.0)], WHERE, None),
    ("no delta", [_region(PhysicalDeltaX=None)], WHERE, None),
    ("Doppler only", [_region(RegionSpatialFormat=3, RegionDataType=3)], None, None),
    ("colour box", [_region(RegionDataType=2)], None, None),
    ("no location", [_region(RegionLocationMaxX1=None)], None, None),
    ("inside out", [_region(RegionLocationMaxX1=5)], None, None),
    ("edge one beyond", [_region(RegionLocationMaxX1=400)], Region(10, 20, 390, 200), Scale(0.1, 0.2)),
    ("two beyond", [_region(RegionLocationMaxX1=401)], None, None),
    ("largest of two", [_region(RegionLocationMaxX1=100), _region(), _region(RegionLocationMaxX1=60)], WHERE, Scale(0.1, 0.2)),
    (
        "calibrated before large",
        [_region(RegionLocationMaxX1=100), _region(PhysicalDeltaX=0.0)],
        Region(10, 20, 91, 200),
        Scale(0.1, 0.2),
    ),
    ("none", [], None, None),
]


@pytest.mark.parametrize(("regions", "region", "scale"), [row[1:] for row in CALIBRATIONS], ids=[row[0] for row in CALIBRATIONS])
def test_calibration(regions: list[Dataset], region: Region | None, scale: Scale | None) -> None:
    found = calibration_of(_header(*regions), 400, 300)
    assert (found.region, found.scale) == (region, scale)
    assert (scale is not None) or found.notes


TIMES = [
    ({"FrameTime": "20"}, [0, 20_000_000, 40_000_000], False),
    ({"CineRate": "50"}, [0, 20_000_000, 40_000_000], False),
    ({"RecommendedDisplayFrameRate": "10"}, [0, 100_000_000, 200_000_000], False),
    ({"FrameTimeVector": ["0", "10", "30.5"]}, [0, 10_000_000, 40_500_000], False),
    ({"FrameTimeVector": ["0", "10"], "FrameTime": "20"}, [0, 20_000_000, 40_000_000], False),
    ({"FrameTime": "0"}, [0, 7, 14], True),
    ({"FrameTime": "-5"}, [0, 7, 14], True),
    ({}, [0, 7, 14], True),
]


@pytest.mark.parametrize(("tags", "times", "noted"), TIMES)
def test_frame_times(tags: dict[str, Any], times: list[int], noted: bool) -> None:
    header = Dataset()
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    found, notes = frame_times_ns(header, 3, default_period_ns=7)
    assert found == times
    assert bool(notes) is noted

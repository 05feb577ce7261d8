"""Still pictures and folders: what is read, what is refused, in which order."""

import errno
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from barbotage_device.capture.files import FileKind, iter_paths, kind_of, natural_key, open_file, scan_folder
from barbotage_device.capture.frame import Delivery
from barbotage_device.capture.opening import notes_of
from barbotage_device.capture.region import ColourOrder, Region, to_grey
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.errors import BarbotageError, InvalidInputError, NotFoundError, SourceError
from barbotage_models.contract.geometry import GreyImage, Scale

SETTINGS = CaptureSettings()


def _grey(height: int = 48, width: int = 64, seed: int = 1) -> GreyImage:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "pgm", "webp"])
def test_a_grey_picture_comes_back_pixel_for_pixel(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"frame.{ending}"
    Image.fromarray(_grey()).save(path, lossless=True)  # heard by WebP alone
    source = open_file(path, CaptureSettings(scale=Scale.isotropic(0.1)))
    (frame,) = source.frames()
    assert np.array_equal(frame.pixels, _grey())
    assert (frame.scale, frame.source, frame.sequence) == (Scale.isotropic(0.1), str(path), 0)
    assert source.delivery is Delivery.EVERY_FRAME


@pytest.mark.parametrize(
    ("mode", "colour", "luma"),
    [
        ("RGB", (255, 0, 0), 76),
        ("RGB", (0, 255, 0), 150),
        ("RGBA", (0, 0, 255, 0), 29),
        ("P", 0, 0),
        ("1", 1, 255),
        ("LA", (99, 3), 99),
    ],
)
def test_colour_becomes_luma_and_alpha_is_ignored(tmp_path: Path, mode: str, colour: int | tuple[int, ...], luma: int) -> None:
    Image.new(mode, (40, 40), colour).save(tmp_path / "c.png")  # type: ignore[arg-type,unused-ignore]
    (frame,) = open_file(tmp_path / "c.png", SETTINGS).frames()
    assert np.all(frame.pixels == luma)


def test_every_page_of_a_tiff_is_a_frame(tmp_path: Path) -> None:
    pages = [Image.fromarray(_grey(seed=s)) for s in range(3)]
    pages[0].save(tmp_path / "cine.tif", save_all=True, append_images=pages[1:])
    frames = list(open_file(tmp_path / "cine.tif", SETTINGS).frames())
    assert [int(f.pixels[0, 0]) for f in frames] == [int(_grey(seed=s)[0, 0]) for s in range(3)]
    assert [f.capture_ns for f in frames] == [0, 40_000_000, 80_000_000]


@pytest.mark.parametrize("widen", [lambda v: v, lambda v: v * 257, lambda v: v * 256])
def test_sixteen_bit_files_that_hold_eight_bits_are_read(tmp_path: Path, widen: Callable[[np.ndarray], np.ndarray]) -> None:
    Image.fromarray(widen(_grey().astype(np.uint16))).save(tmp_path / "d.png")
    (frame,) = open_file(tmp_path / "d.png", SETTINGS).frames()
    assert np.array_equal(frame.pixels, _grey())


def _write_png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def _bomb() -> bytes:
    """A PNG header that claims 60000 x 60000 pixels."""
    head = b"IHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [(len(c) - 4).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in (head, data, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


DEEP = np.random.default_rng(5).integers(0, 65536, (48, 64), dtype=np.uint16)
PNG = _write_png(_grey(300, 300))

BAD_FILES = [
    ("missing.png", None, NotFoundError, "no file or folder at"),
    ("empty.png", b"", SourceError, "the file is empty"),
    ("text.png", b"not a picture", SourceError, "damaged or of an unknown kind"),
    ("notes.md", b"# hello", SourceError, "neither a picture, a video nor DICOM"),
    ("dot.png", _write_png(_grey(1, 1)), SourceError, "1x1 pixels is too small"),
    ("narrow.png", _write_png(_grey(64, 31)), SourceError, "31x64 pixels is too small"),
    ("deep.png", _write_png(DEEP), SourceError, "16-bit grey values"),
    ("deepcolour.png", _write_png(np.dstack([DEEP] * 3)), SourceError, "16 bits per colour"),
    ("cut.png", PNG[: len(PNG) // 2], SourceError, "damaged"),
    ("head.png", PNG[:40], SourceError, "damaged"),
    ("cut.jpg", cv2.imencode(".jpg", _grey(300, 300))[1].tobytes()[:20_000], SourceError, "damaged"),
    ("huge.png", _bomb(), SourceError, "too large"),
]


@pytest.mark.parametrize(("name", "content", "error", "fragment"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
def test_an_unusable_file_gets_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, error: type[BarbotageError], fragment: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BarbotageError) as caught:
        list(open_file(path, SETTINGS).frames())
    assert type(caught.value) is error
    assert fragment in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_cut_anywhere_is_an_error_or_the_whole_picture(tmp_path: Path) -> None:
    whole = _write_png(_grey())
    for length in range(1, len(whole), 97):
        path = tmp_path / "cut.png"
        path.write_bytes(whole[:length])
        try:
            frames = list(open_file(path, SETTINGS).frames())
        except SourceError:
            continue
        assert np.array_equal(frames[0].pixels, _grey())


def test_a_float_picture_is_refused(tmp_path: Path) -> None:
    Image.fromarray(_grey().astype(np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(SourceError, match="floating-point"):
        list(open_file(tmp_path / "f.tif", SETTINGS).frames())


def test_a_device_file_is_not_a_picture() -> None:
    with pytest.raises(SourceError, match="not a regular file"):
        open_file(Path("/dev/null"), SETTINGS)


def test_content_decides_before_the_name(tmp_path: Path) -> None:
    (tmp_path / "really_png.avi").write_bytes(PNG)
    (tmp_path / "broken.mp4").write_bytes(b"x" * 500)
    assert kind_of(tmp_path / "really_png.avi") is FileKind.PICTURE
    assert kind_of(tmp_path / "broken.mp4") is FileKind.VIDEO


def _folder(root: Path) -> Path:
    for name in ("f10.png", "f2.png", "sub/f1.png"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_write_png(_grey(seed=len(name))))
    (root / "readme.txt").write_text("x")
    (root / "data.csv").write_text("1,2")
    (root / ".hidden.png").write_bytes(b"junk")
    return root


def test_a_folder_plays_its_pictures_in_natural_order_and_counts_the_rest(tmp_path: Path) -> None:
    source = open_file(_folder(tmp_path), CaptureSettings(fps_hz=10))
    frames = list(source.frames())
    assert [Path(f.source).name for f in frames] == ["f2.png", "f10.png", "f1.png"]
    assert [f.sequence for f in frames] == [0, 1, 2]
    assert [f.capture_ns for f in frames] == [0, 100_000_000, 200_000_000]
    assert notes_of(source) == (f"{tmp_path}: 2 other files left out",)
    assert scan_folder(tmp_path).others == 2


def test_natural_order() -> None:
    names = ["a10", "a2", "B1", "a2b", "2", "10", "x/1"]
    assert sorted(names, key=lambda n: natural_key(Path(n))) == ["2", "10", "a2", "a2b", "a10", "B1", "x/1"]


@pytest.mark.parametrize(
    ("with_text", "fragment"), [(True, "no pictures in this folder (1 other file)"), (False, "(0 other files)")]
)
def test_a_folder_without_pictures_says_so(tmp_path: Path, with_text: bool, fragment: str) -> None:
    if with_text:
        (tmp_path / "a.txt").write_text("x")
    with pytest.raises(SourceError) as caught:
        open_file(tmp_path, SETTINGS)
    assert fragment in str(caught.value)


def test_iter_paths_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(PNG)
    (tmp_path / "2.png").write_bytes(b"")
    (tmp_path / "3.txt").write_text("x")
    (tmp_path / "4.png").write_bytes(PNG)
    found = list(iter_paths(tmp_path, SETTINGS))
    assert [path.name for path, _ in found] == ["1.png", "2.png", "4.png"]
    assert [isinstance(item, BarbotageError) for _, item in found] == [False, True, False]


@pytest.mark.parametrize(("name", "code"), [("nothing_here", 3), ("", 1)])
def test_iter_paths_yields_the_error_of_the_path_itself(tmp_path: Path, name: str, code: int) -> None:
    ((path, item),) = iter_paths(tmp_path / name, SETTINGS)
    assert path == tmp_path / name
    assert isinstance(item, BarbotageError)
    assert item.exit_code == code


def test_a_region_crops_and_says_where_it_lay() -> None:
    picture = _grey(100, 120)
    assert np.array_equal(Region(10, 20, 50, 40).crop(picture), picture[20:60, 10:60])


def test_a_cropped_frame_keeps_its_place_in_the_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (frame,) = open_file(tmp_path / "a.png", CaptureSettings(region=Region(7, 9, 40, 50))).frames()
    assert frame.pixels.shape == (50, 40)
    assert (frame.x0_px, frame.y0_px) == (7, 9)
    assert np.array_equal(frame.pixels, _grey(300, 300)[9:59, 7:47])


@pytest.mark.parametrize("corners", [(-1, 0, 50, 50), (0, -3, 50, 50), (0, 0, 31, 50), (0, 0, 50, 0)])
def test_an_impossible_region_is_refused(corners: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidInputError, match="region"):
        Region(*corners)


@pytest.mark.parametrize("region", [Region(0, 0, 121, 40), Region(100, 0, 40, 40), Region(0, 61, 40, 40)])
def test_a_region_beyond_the_picture_is_refused(region: Region) -> None:
    with pytest.raises(InvalidInputError, match="does not lie inside the picture of 120x100"):
        region.crop(_grey(100, 120))


@pytest.mark.parametrize(("order", "expected"), [(ColourOrder.RGB, 76), (ColourOrder.BGR, 29)])
def test_channel_order_matters(order: ColourOrder, expected: int) -> None:
    red_first = np.zeros((40, 40, 3), np.uint8)
    red_first[:, :, 0] = 255
    assert np.all(to_grey(red_first, order) == expected)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8)])
def test_arrays_that_are_no_picture_are_refused(array: np.ndarray) -> None:
    with pytest.raises(InvalidInputError):
        to_grey(array, ColourOrder.RGB)


@pytest.mark.parametrize("value", [0.0, float("nan"), -0.1, 2.0, float("inf")])
def test_a_scale_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError, match="mm per pixel"):
        Scale.isotropic(value)


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(SourceError, match=r"cannot be read \(Permission denied\)"):
        open_file(path, SETTINGS)

"""Recorded files and folders: what kind each is, told by its content, and the source for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from barbotage_device.capture.chain import ChainedSource
from barbotage_device.capture.dicom import DicomSource, is_dicom, is_ultrasound
from barbotage_device.capture.frame import Source
from barbotage_device.capture.images import ImageSource, is_picture
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.capture.video import VideoSource
from barbotage_device.errors import BarbotageError, NotFoundError, SourceError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".webp", ".jp2"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".wmv", ".gif"})
DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})


class FileKind(StrEnum):
    """What a file holds."""

    PICTURE = "picture"
    VIDEO = "video"
    DICOM = "DICOM"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FolderContent:
    """The usable files under a folder, in natural order of their paths, and how many others there are."""

    files: tuple[tuple[Path, FileKind], ...]
    others: int

    def of_kind(self, kind: FileKind) -> tuple[Path, ...]:
        """The files of one kind."""
        return tuple(path for path, its_kind in self.files if its_kind is kind)


def kind_of(path: Path) -> FileKind:
    """What a file holds: by its first bytes, and only where these say nothing by the ending of its name.

    A damaged "scan.png" is thus still a picture, so that its error is told. Raises NotFoundError for a missing
    file; SourceError for one that cannot be read or is no regular file.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    if is_dicom(head):
        return FileKind.DICOM
    if _begins_like_video(head):
        return FileKind.VIDEO
    if is_picture(path):
        return FileKind.PICTURE
    by_suffix = ((FileKind.PICTURE, PICTURE_SUFFIXES), (FileKind.VIDEO, VIDEO_SUFFIXES), (FileKind.DICOM, DICOM_SUFFIXES))
    return next((kind for kind, suffixes in by_suffix if path.suffix.lower() in suffixes), FileKind.OTHER)


def check_file(path: Path) -> None:
    """Raises NotFoundError when there is nothing at the path, SourceError when it is no regular file."""
    if not path.exists():
        raise NotFoundError(f"no file or folder at {path}; check the path")
    if not path.is_file():
        raise SourceError(f"{path}: not a regular file")


def open_file(path: Path, settings: CaptureSettings) -> Source:
    """The source for a picture, video or DICOM file, or for a folder of pictures.

    The content itself is judged when frames are read. Raises NotFoundError for a missing path; SourceError for an empty file, one of
    another kind, or a folder without pictures.
    """
    if path.is_dir():
        return _open_picture_folder(path, settings)
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty")
    if kind is FileKind.PICTURE:
        return ImageSource(path, settings)
    if kind is FileKind.VIDEO:
        return VideoSource(path, settings)
    if kind is FileKind.DICOM:
        return DicomSource(path, settings)
    raise SourceError(f"{path}: neither a picture, a video nor DICOM")


def open_dicom(path: Path, settings: CaptureSettings) -> Source:
    """The source for a DICOM file, or for every ultrasound DICOM file under a folder.

    Raises NotFoundError for a missing path; SourceError for a folder without any.
    """
    if not path.is_dir():
        check_file(path)
        return DicomSource(path, settings)
    content = scan_folder(path)
    usable = tuple(file for file in content.of_kind(FileKind.DICOM) if is_ultrasound(file))
    others = content.others + len(content.files) - len(usable)
    if not usable:
        raise SourceError(f"{path}: no ultrasound DICOM file in this folder ({_count(others, 'other file')})")
    return ChainedSource(str(path), usable, lambda file: DicomSource(file, settings), settings.period_ns, _left_out(path, others))


def scan_folder(folder: Path) -> FolderContent:
    """What lies under a folder, at any depth. Hidden files and folders are passed over without being counted."""
    files: list[tuple[Path, FileKind]] = []
    others = 0
    for path in sorted(_visible_files(folder), key=lambda path: natural_key(path.relative_to(folder))):
        kind = kind_of(path)
        if kind is FileKind.OTHER:
            others += 1
        else:
            files.append((path, kind))
    return FolderContent(tuple(files), others)


def iter_paths(path: Path, settings: CaptureSettings) -> Iterator[tuple[Path, Source | BarbotageError]]:
    """Each file at or under a path, with its source, or with the error that it cannot be opened for.

    Files of other kinds in a folder are left out (``scan_folder`` counts them); a path that is itself unusable is
    yielded with its error. Never raises a BarbotageError.
    """
    try:
        files = [file for file, _ in scan_folder(path).files] if path.is_dir() else [path]
        if not files:
            raise SourceError(f"{path}: no picture, video or DICOM file in this folder")
    except BarbotageError as error:
        yield path, error
        return
    for file in files:
        try:
            source: Source | BarbotageError = open_file(file, settings)
        except BarbotageError as error:
            source = error
        yield file, source


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """A sort key by which "frame 2" comes before "frame 10", folder by folder."""
    return tuple(
        tuple(
            (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece.casefold())
            for piece in re.split(r"(\d+)", part)
            if piece
        )
        for part in path.parts
    )


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path


def _open_picture_folder(folder: Path, settings: CaptureSettings) -> Source:
    content = scan_folder(folder)
    pictures = content.of_kind(FileKind.PICTURE)
    others = content.others + len(content.files) - len(pictures)
    if not pictures:
        hint = f"; open it as dicom:{folder}" if content.of_kind(FileKind.DICOM) else ""
        raise SourceError(f"{folder}: no pictures in this folder ({_count(others, 'other file')}){hint}")
    return ChainedSource(
        str(folder), pictures, lambda file: ImageSource(file, settings), settings.period_ns, _left_out(folder, others)
    )


def _left_out(folder: Path, others: int) -> tuple[str, ...]:
    return (f"{folder}: {_count(others, 'other file')} left out",) if others else ()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _begins_like_video(head: bytes) -> bool:
    """The marks of MP4/MOV, AVI, Matroska/WebM, GIF, MPEG programme and transport stream, ASF."""
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide")
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[:4] in (b"\x1a\x45\xdf\xa3", b"GIF8", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x30\x26\xb2\x75")
        or (head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47")
    )

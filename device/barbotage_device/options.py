"""What options of the command line stand for: texts of a person to values, or a UsageError that names the option."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barbotage_device.bedside.texts import Language
    from barbotage_device.bedside.view import ScreenSize
    from barbotage_models.contract.geometry import Scale

DEFAULT_SIZE = "800x480"

# Heavy parts (cv2) are imported inside: --help and --version answer at once.


def scale_of(mm_per_px: float | None) -> "Scale | None":
    """The scale of --mm-per-px; None without it. Raises UsageError."""
    from barbotage_device.errors import InvalidInputError, UsageError
    from barbotage_models.contract.geometry import Scale

    if mm_per_px is None:
        return None
    try:
        return Scale.isotropic(mm_per_px)
    except InvalidInputError as error:
        raise UsageError(f"--mm-per-px: {error}") from error


def language_of(text: str) -> "Language":
    """The language of --language. Raises UsageError."""
    from barbotage_device.bedside.texts import Language
    from barbotage_device.errors import UsageError

    try:
        return Language(text)
    except ValueError as error:
        raise UsageError(f"--language {text!r} is not known; use {' or '.join(Language)}") from error


def size_of(text: str) -> "ScreenSize":
    """The size of --size, WIDTHxHEIGHT in pixels. Raises UsageError."""
    from barbotage_device.bedside.view import ScreenSize
    from barbotage_device.errors import InvalidInputError, UsageError

    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise UsageError(f"--size {text!r} is not WIDTHxHEIGHT in pixels, for example {DEFAULT_SIZE}")
    try:
        return ScreenSize(int(width), int(height))
    except InvalidInputError as error:
        raise UsageError(f"--size: {error}") from error

"""The shipped model and its card."""

from importlib.resources import as_file, files
from pathlib import Path

from barbotage_models.errors import InvalidInputError, NotFoundError

NUMBER_FORMATS = {"int8": "barbotage-int8.tflite", "float32": "barbotage-float.tflite"}


def bundled_model(number_format: str = "int8") -> Path:
    """The model file that is shipped, ``int8`` or ``float32``; its card lies beside it.

    Raises InvalidInputError for another format, NotFoundError when the file is not part of this installation.
    """
    if number_format not in NUMBER_FORMATS:
        raise InvalidInputError(f"the number format is {number_format!r}; the bundle has {', '.join(NUMBER_FORMATS)}")
    with as_file(files(__name__) / NUMBER_FORMATS[number_format]) as path:
        if not path.is_file():
            raise NotFoundError(f"no bundled model {path.name}; reinstall, or make it with 'barbotage-models export'")
        return path

"""Which model a command runs: the one named, else the bundled one."""

from pathlib import Path

import cv2

from barbotage_device.runtime.interpreter import LoadedModel, open_fastest, open_model
from barbotage_models.bundle import bundled_model


def choose_model(named: Path | None, threads: int) -> LoadedModel:
    """The verified model. Raises NotFoundError, CardError, ModelError, UsageError, each in one clear line."""
    # OpenCV's pool gains nothing on pictures of this size, and stalls whenever another program keeps a core busy.
    cv2.setNumThreads(1)
    if named is not None:
        return open_model(named, threads)
    return open_fastest((bundled_model("int8"), bundled_model("float32")), threads)

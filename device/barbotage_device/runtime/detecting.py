"""The command ``detect``: every frame of files, folders, videos and DICOM, one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from barbotage_device.capture.files import iter_paths
from barbotage_device.capture.frame import Source
from barbotage_device.capture.settings import CaptureSettings, notes_of
from barbotage_device.console import Console, worst
from barbotage_device.errors import BarbotageError
from barbotage_device.runtime.detection import Detection, as_line, as_record, detect
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.previous import PreviousFrame


@dataclass(slots=True)
class Tally:
    """What was seen in all."""

    files: int = 0
    frames: int = 0
    needles: int = 0
    deposits: int = 0
    codes: list[int] = field(default_factory=list)
    """Exit codes of the inputs that failed."""

    def add(self, detection: Detection) -> None:
        """Counts one frame."""
        self.frames += 1
        self.needles += detection.scene.needle is not None
        self.deposits += bool(detection.scene.deposits)

    def line(self) -> str:
        """One line for people."""
        failed = f", {len(self.codes)} failed" if self.codes else ""
        return f"{self.frames} frames of {self.files} files{failed}: needle in {self.needles}, deposit in {self.deposits}"


class Detecting:
    """Runs the model over inputs and says what it sees, frame by frame, as it goes."""

    def __init__(self, model: LoadedModel, settings: CaptureSettings, console: Console, as_json: bool) -> None:
        self._model = model
        self._settings = settings
        self._console = console
        self._as_json = as_json
        self._tally = Tally()

    def run(self, paths: Iterable[Path]) -> int:
        """The exit code after all inputs: 0, else 3 when one was missing, else 1. One line on stderr for each that failed."""
        for path in paths:
            for file, opened in iter_paths(path, self._settings):
                self._one(file, opened)
        if not self._as_json:
            self._console.result(self._tally.line())
        return worst(self._tally.codes)

    def _one(self, file: Path, opened: Source | BarbotageError) -> None:
        self._tally.files += 1
        if isinstance(opened, BarbotageError):
            self._failed(file, opened)
            return
        previous = PreviousFrame(self._model.card)
        try:
            for frame in opened.frames():
                self._say(detect(self._model, frame, str(file), previous))
        except BarbotageError as error:
            self._failed(file, error)
        finally:
            opened.close()
        for note in notes_of(opened):
            self._console.note(f"note: {note}")

    def _say(self, detection: Detection) -> None:
        self._tally.add(detection)
        if self._as_json:
            self._console.result_json(as_record(detection))
        else:
            self._console.result(as_line(detection))
        self._console.progress(f"{self._tally.frames} frames")

    def _failed(self, file: Path, error: BarbotageError) -> None:
        message = str(error)
        self._tally.codes.append(error.exit_code)
        self._console.error(message if file.name in message else f"{file}: {message}")

"""The present model over a session's frames: what differs from the record, counted, listed and, for the page, kept frame by frame."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.replay import Difference, Replayed, differences, replay
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.rerun_measure import Differences
from barbotage_host.review.rerun_store import RerunWriter, write_differences

MOST_LISTED = 2000
"""Single differences that are kept; the counts and the list of frames are complete."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session run again. ``frames`` were recorded, ``compared`` of them processed live; ``by_kind`` counts frames by what differs.

    ``frames_different`` names them all, ``listed`` holds the first differences in order of the frames. ``changed`` and
    ``frames_changed`` count and name the frames where the operator would have been told something else, ``tip_apart`` says how far
    the tips lie apart (see ``rerun_measure``).
    """

    model: str
    recorded_model: str
    lossless: bool
    frames: int
    compared: int
    by_kind: dict[str, int]
    frames_different: tuple[int, ...]
    changed: dict[str, int]
    frames_changed: tuple[int, ...]
    tip_apart: dict[str, Any] | None
    listed: tuple[Difference, ...]

    @property
    def different(self) -> int:
        """How many of the compared frames differ."""
        return len(self.frames_different)

    def counts(self) -> dict[str, Any]:
        """Without the lists."""
        return {
            "model": self.model,
            "recorded_model": self.recorded_model,
            "lossless": self.lossless,
            "frames": self.frames,
            "compared": self.compared,
            "identical": self.compared - self.different,
            "different": self.different,
            "by_kind": self.by_kind,
            "changed": self.changed,
            "tip_apart": self.tip_apart,
        }

    def document(self) -> dict[str, Any]:
        """With them."""
        return self.counts() | {
            "frames_different": list(self.frames_different),
            "frames_changed": list(self.frames_changed),
            "list": [asdict(one) for one in self.listed],
        }


def run_again(
    reader: SessionReader, model: LoadedModel, progress: Progress, each: Callable[[Replayed], None] | None = None
) -> Outcome:
    """Runs the whole session again; ``each`` sees every frame. Raises SessionError at a damaged frame, ModelError when the network fails."""
    tally = _Tally(reader)
    for one in replay(reader, model):
        tally.add(one)
        if each is not None:
            each(one)
        progress(one.index + 1, reader.frame_count)
    return tally.outcome(model)


def run_again_into(reader: SessionReader, model: LoadedModel, folder: Path, progress: Progress) -> dict[str, Any]:
    """The same with everything that ``rerun_store`` reads put into ``folder``; gives the counts."""
    with RerunWriter(folder, reader.frame_count) as writer:

        def keep(one: Replayed) -> None:
            if one.again is not None:
                writer.add(one.index, one.again["detections"], one.again["guidance"])

        outcome = run_again(reader, model, progress, keep)
    write_differences(folder, outcome.document())
    return outcome.counts()


class _Tally:
    """Counts what differs, frame by frame."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._compared = 0
        self._kinds: Counter[str] = Counter()
        self._listed: list[Difference] = []
        self._different: list[int] = []
        self._measured = Differences()

    def add(self, one: Replayed) -> None:
        if one.recorded is None or one.again is None:
            return
        self._compared += 1
        found = differences(one.index, one.recorded, one.again)
        self._kinds.update({_kind(difference) for difference in found})
        self._listed += found[: MOST_LISTED - len(self._listed)]
        self._different += [one.index] if found else []
        geometry = self._reader.geometry_at(one.sequence)
        self._measured.add(one.index, one.recorded, one.again, None if geometry is None else geometry.scale_mm_per_px)

    def outcome(self, model: LoadedModel) -> Outcome:
        header = self._reader.manifest.header
        return Outcome(
            model=f"{model.card.name} {model.card.version} ({model.card.sha256[:8]})",
            recorded_model=f"{header.model.name} {header.model.version} ({header.model.sha256[:8]})",
            lossless=header.image_format == "png",
            frames=self._reader.frame_count,
            compared=self._compared,
            by_kind=dict(sorted(self._kinds.items())),
            frames_different=tuple(self._different),
            changed=dict(self._measured.changed),
            frames_changed=tuple(self._measured.frames_changed),
            tip_apart=self._measured.tip_apart(),
            listed=tuple(self._listed),
        )


def _kind(difference: Difference) -> str:
    """``guidance.deposits.0.shadow`` belongs to ``guidance.deposits``."""
    return ".".join(difference.what.split(".")[:2])

"""The present model over a session's frames, kept frame by frame on disk with the list of what differs from the record."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.replay import differences, replay
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.rerun_store import RerunWriter, write_differences

MOST_LISTED = 2000
"""Single differences in the list; the counts and the list of frames are complete."""


def run_again(reader: SessionReader, model: LoadedModel, folder: Path, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Fills ``folder`` for ``rerun_store`` and gives the counts: model, frames, compared, identical, different, by_kind.

    Raises SessionError at a damaged frame, ModelError when the network fails.
    """
    kinds: Counter[str] = Counter()
    listed: list[dict[str, Any]] = []
    different: list[int] = []
    compared = 0
    with RerunWriter(folder, reader.frame_count) as writer:
        for one in replay(reader, model):
            if one.again is not None:
                writer.add(one.index, one.again["detections"], one.again["guidance"])
            if one.again is not None and one.recorded is not None:
                compared += 1
                found = differences(one.index, one.recorded, one.again)
                kinds.update({".".join(each.what.split(".")[:2]) for each in found})
                listed += [asdict(each) for each in found[: MOST_LISTED - len(listed)]]
                different += [one.index] if found else []
            progress(one.index + 1, reader.frame_count)
    counts = {
        "model": f"{model.card.name} {model.card.version}",
        "recorded_model": f"{reader.manifest.header.model.name} {reader.manifest.header.model.version}",
        "lossless": reader.manifest.header.image_format == "png",
        "frames": reader.frame_count,
        "compared": compared,
        "identical": compared - len(different),
        "different": len(different),
        "by_kind": dict(sorted(kinds.items())),
    }
    write_differences(folder, counts | {"frames_different": different, "list": listed})
    return counts

"""False alarms over time: what the device shows on real pictures without a needle that move as a hand-held probe moves.

Films of test pictures (never trained on) go through the device's own pipeline: network, seeing, tracking. Said are the share of frames in
which a needle or a deposit is seen in the frame alone, the share in which the tracker shows one, and how often a minute one begins to be
shown. Intervals are of whole films, since the frames of a film are alike. Last line with --json: one JSON object; ends with 1 when
a target is missed.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from barbotage_device.capture.frame import Frame
from barbotage_device.perception.tracks import TrackState
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.geometry import Scale
from barbotage_models.evaluation.intervals import Estimate, mean
from barbotage_models.evaluation.still_sequences import StillSequence, still_sequences
from barbotage_models.training.shards import Split

PERIOD_S = 0.04
SINGLE_TARGET = 0.05
TRACKED_TARGET = 0.01
DEPOSIT_TARGET = 0.03
WARM_UP_FRAMES = 5
"""Not counted after tracking: the tracker cannot have shown anything yet, which would flatter it."""

SHOWN: dict[str, Callable[[Guidance], bool]] = {
    "needle_single_frame": lambda g: g.scene.needle is not None,
    "needle_after_tracking": lambda g: g.tracks.needle.state is TrackState.TRACKING,
    "tip_after_tracking": lambda g: g.tracks.needle.tip is not None,
    "deposit_single_frame": lambda g: bool(g.scene.deposits),
    "deposit_after_tracking": lambda g: bool(g.tracks.deposits),
}
TARGETS = {"needle_single_frame": SINGLE_TARGET, "needle_after_tracking": TRACKED_TARGET, "deposit_single_frame": DEPOSIT_TARGET}


@dataclass(slots=True)
class Seen:
    """Per film, of one sort of thing: the share of frames that show it, and how often it began to be shown."""

    shares: list[float] = field(default_factory=list)
    begins: int = 0

    def add(self, shown: list[bool]) -> None:
        """Takes in a film."""
        self.shares.append(float(np.mean(shown)))
        self.begins += sum(now and not before for before, now in zip([False, *shown], shown, strict=False))


def main() -> int:
    """Measures and prints; 1 when a target is missed."""
    options = _options()
    model = choose_model(options.model, 1)
    films = still_sequences(options.backgrounds, Split(options.split), options.films, options.frames, PERIOD_S, options.seed)
    seen: dict[str, Seen] = {name: Seen() for name in SHOWN}
    loud: list[str] = []
    for film in films:
        shown = watched(model, film)
        for name, values in shown.items():
            seen[name].add(values)
        if any(shown["needle_after_tracking"]):
            loud.append(film.name)
    record = as_record(seen, model, options.frames - WARM_UP_FRAMES, loud)
    print(json.dumps(record) if options.json else "\n".join(_lines(record)))
    return 0 if record["ok"] else 1


def watched(model: LoadedModel, film: StillSequence) -> dict[str, list[bool]]:
    """What is shown in each counted frame of a film."""
    pipeline = Pipeline(model.interpreter, model.card)
    shown: dict[str, list[bool]] = {name: [] for name in SHOWN}
    for number, pixels in enumerate(film.frames):
        frame = Frame(pixels, round(number * PERIOD_S * 1e9), number, Scale.isotropic(CANONICAL_MM_PER_PX), film.name)
        guidance = pipeline.step(frame)
        if number >= WARM_UP_FRAMES:
            for name, is_shown in SHOWN.items():
                shown[name].append(is_shown(guidance))
    return shown


def as_record(seen: dict[str, Seen], model: LoadedModel, frames: int, loud: list[str]) -> dict[str, Any]:
    """The JSON object; ``films_with_needle`` names the pictures on which the tracker showed one."""
    films = len(next(iter(seen.values())).shares)
    minutes = films * frames * PERIOD_S / 60.0
    rows = {name: _row(mean(np.array(one.shares)), one.begins / minutes) for name, one in seen.items()}
    met = {name: rows[name]["share"] <= bound for name, bound in TARGETS.items()}
    return {
        "benchmark": "still_sequences",
        "model": model.interpreter.name,
        "films": films,
        "frames_each": frames,
        "rows": rows,
        "targets": TARGETS,
        "met": met,
        "films_with_needle": loud,
        "ok": all(met.values()),
    }


def _row(share: Estimate, begins_per_minute: float) -> dict[str, Any]:
    return {
        "share": round(share.value, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
        "n_films": share.n,
        "begins_per_minute": round(begins_per_minute, 2),
    }


def _options() -> argparse.Namespace:
    summary = re.split(r"\n\n", __doc__ or "")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--backgrounds", type=Path, required=True, help="folder of folders of real pictures")
    parser.add_argument("--model", type=Path, help="a .tflite with its card; the bundled one by default")
    parser.add_argument(
        "--split", choices=[s.value for s in Split], default=Split.TEST.value, help="val to choose by, test to report"
    )
    parser.add_argument("--quick", action="store_true", help="30 films instead of 200")
    parser.add_argument("--films", type=int)
    parser.add_argument("--frames", type=int, default=30, help="frames of a film")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.films = options.films or (30 if options.quick else 200)
    return options


def _lines(record: dict[str, Any]) -> list[str]:
    lines = [f"{record['films']} films of {record['frames_each']} counted frames, {record['model']}"]
    lines.append(f"{'':<26}{'share':>8}{'95 % interval':>20}{'begins/min':>12}{'target':>9}")
    for name, row in record["rows"].items():
        target = f"{record['targets'][name]:.0%}" if name in record["targets"] else ""
        interval = f"{row['low']:.1%} to {row['high']:.1%}"
        lines.append(
            f"{name.replace('_', ' '):<26}{row['share']:>8.1%}{interval:>20}{row['begins_per_minute']:>12.1f}{target:>9}"
        )
    lines.append("ok" if record["ok"] else "a target is missed")
    return lines


if __name__ == "__main__":
    sys.exit(main())

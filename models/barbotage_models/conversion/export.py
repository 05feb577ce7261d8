"""From weights to the four files of the bundle: int8 and float32 model, each with its card. Needs the extra ``train``.

Nothing is written unless the int8 model passes its gates: all tensors integer, all weights there, parity with float.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from barbotage_models.contract.card import contract_fields, input_fields, parse_card
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.conversion.calibrate import Decisions, calibrate
from barbotage_models.conversion.parity import Parity, check, compare
from barbotage_models.conversion.tflite import to_float, to_int8
from barbotage_models.evaluation.measuring import measure
from barbotage_models.evaluation.report import NO_CALCIFICATION, as_document
from barbotage_models.evaluation.runner import TfliteRunner
from barbotage_models.training.shape import NetworkShape, Weights
from barbotage_models.training.shards import Manifest, Samples, Split, iterate_split, load_split, read_manifest

BASE_NAME = "barbotage"
REPRESENTATIVE_FRAMES = 128
PARITY_FRAMES = 256
TEST_SOURCE = "test split of the training data: worlds and real pictures never trained on"
KNOWN_LIMITS = (
    NO_CALCIFICATION,
    "Research use only: not a medical device, not for diagnosis or treatment decisions.",
    "Real pictures are split by picture, not by patient; pictures of one patient can lie on both sides.",
    "The true scale of the real pictures is unknown; they are shown to the network at a plausible one.",
    "Linear probes at 0.15 mm per pixel, 38.4 mm square. Curved arrays, colour Doppler and compound overlays were never seen.",
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    parity: Parity
    int8_bytes: int
    float_bytes: int


def export(weights: Weights, shape: NetworkShape, data: Path, out: Path, say: Callable[[str], None] = lambda _: None) -> Exported:
    """Converts, checks, calibrates, measures and writes. ``say`` is told what goes on. Deterministic for the same inputs.

    Raises ConversionError or ParityError when a gate fails, InvalidInputError when the weights are for another network, NotFoundError
    when the data are missing.
    """
    manifest = read_manifest(data)
    say("converting to float32 and int8")
    contents = {
        "float32": to_float(weights, shape),
        "int8": to_int8(
            weights, shape, representative_frames(load_split(data, Split.TRAIN, REPRESENTATIVE_FRAMES, shape.planes))
        ),
    }
    say("comparing int8 with float32")
    runners = {name: TfliteRunner(content) for name, content in contents.items()}
    parity = compare(runners["float32"], runners["int8"], load_split(data, Split.VALIDATION, PARITY_FRAMES, shape.planes))
    check(parity)
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for number_format, content in contents.items():
        say(f"calibrating and measuring {number_format}")
        card = build_card(number_format, content, manifest, parity, data, runners[number_format])
        files += write_model(out, number_format, content, card)
    return Exported(tuple(files), parity, len(contents["int8"]), len(contents["float32"]))


def build_card(
    number_format: str, content: bytes, manifest: Manifest, parity: Parity, data: Path, runner: TfliteRunner
) -> dict[str, Any]:
    """The whole card of one model file."""
    decisions = calibrate(runner, iterate_split(data, Split.VALIDATION))
    base = {
        **contract_fields(),
        "input": input_fields(runner.planes),
        "name": BASE_NAME,
        "version": _software_version(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "number_format": number_format,
        "input_values": "grey level 0 to 255",
        "thresholds": asdict(decisions.thresholds),
        "calibration": _calibrations(decisions),
        "calibrated_on": decisions.document,
        "training_data": {
            "seed": manifest.seed,
            "recipe": manifest.recipe,
            "simulator_sha256": manifest.simulator_sha256,
            "frames": manifest.counts,
            "real_pictures": manifest.backgrounds,
        },
        "parity_int8_float32": parity.document(),
        "known_limits": list(KNOWN_LIMITS),
        "licence": "Apache-2.0",
    }
    card = parse_card(json.dumps(base), "the new card")
    (measured,) = measure([(runner, card)], iterate_split(data, Split.TEST))
    return base | {"measured": as_document(measured, TEST_SOURCE)}


def write_model(out: Path, number_format: str, content: bytes, card: dict[str, Any]) -> tuple[Path, Path]:
    """Writes a model and its card; the model first, so that a card never stands beside an older model unnoticed."""
    model = out / f"{BASE_NAME}-{'float' if number_format == 'float32' else number_format}.tflite"
    card_file = model.with_suffix(".card.json")
    for path, data in (
        (model, content),
        (card_file, (json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()),
    ):
        temporary = path.with_name(path.name + ".part")
        temporary.write_bytes(data)
        temporary.replace(path)
    return model, card_file


def representative_frames(samples: Samples) -> GreyImage:
    """Frames (n, 256, 256, planes) that set the int8 ranges: the samples (needles, deposits and neither, as they come) and darkened copies of some."""
    frames = samples.frames[..., None] if samples.frames.ndim == 3 else samples.frames
    dark = (frames[::8] * np.float32(0.25)).astype(np.uint8)
    return np.concatenate([frames, dark, np.zeros_like(frames[:1])])


def _calibrations(decisions: Decisions) -> dict[str, Any]:
    return {"deposit": asdict(decisions.deposit), "needle": asdict(decisions.needle), "tip": asdict(decisions.tip)}


def _software_version() -> str:
    try:
        return version("barbotage")
    except PackageNotFoundError:
        return "0"

"""The model card: what a .tflite file is, how good it was where, and what the device needs to run it.

A JSON file beside the model, ``NAME.tflite`` with ``NAME.card.json``. The device loads the card, checks it against
its own contract, checks the model's SHA-256, and only then runs the model.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIZE_PX
from barbotage_models.contract.output import OUTPUT_SIZE_PX
from barbotage_models.contract.planes import PLANES, PREVIOUS_FRAME_MS
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import CardError, NotFoundError

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a raw score s in (0, 1) into a probability: sigmoid(slope * logit(s) + offset) (Platt 1999)."""

    slope: float
    offset: float

    def probability(self, score: float) -> float:
        """Calibrated probability of a raw score, both in [0, 1]."""
        s = min(max(score, 1e-4), 1 - 1e-4)
        return 1.0 / (1.0 + math.exp(-(self.slope * math.log(s / (1 - s)) + self.offset)))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Decision levels, chosen on validation data when the model was exported. All in [0, 1]."""

    deposit_pixel: float
    """Deposit probability above which a cell belongs to a deposit."""
    deposit_shown: float
    """Calibrated confidence below which a deposit is not shown."""
    bone_pixel: float
    needle_pixel: float
    needle_shown: float
    """Calibrated confidence below which no shaft is shown."""
    tip_shown: float
    """Calibrated confidence below which no tip is shown."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The content of a card. ``raw`` keeps the whole document for people: data, licences, measurements, limits.

    ``planes`` says what the model takes: 1 the frame alone, 2 the frame and the one before, which must not be older than ``previous_frame_ms``.
    """

    name: str
    version: str
    sha256: str
    number_format: str
    thresholds: Thresholds
    deposit_calibration: Calibration
    needle_calibration: Calibration
    tip_calibration: Calibration
    raw: dict[str, Any]
    planes: int = 1
    previous_frame_ms: float = PREVIOUS_FRAME_MS


def card_path(model: Path) -> Path:
    """The card that belongs beside a model file."""
    return model.with_suffix(".card.json")


def load_card(model: Path) -> ModelCard:
    """The verified card of a model file.

    Raises NotFoundError when the model or its card is missing; CardError when the card is malformed, is
    for another geometry or taxonomy, or names another SHA-256 than the file has.
    """
    if not model.is_file():
        raise NotFoundError(f"no model at {model}; run 'barbotage-models export' or name another with --model")
    path = card_path(model)
    if not path.is_file():
        raise NotFoundError(f"the model {model.name} has no card {path.name} beside it; a model without a card is not run")
    card = parse_card(path.read_text(encoding="utf-8"), path.name)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    if digest != card.sha256:
        raise CardError(
            f"{model.name} does not match its card: SHA-256 is {digest[:12]}…, the card says {card.sha256[:12]}…. "
            "Install model and card together."
        )
    return card


def parse_card(text: str, name: str) -> ModelCard:
    """The card in a JSON text; ``name`` is used in messages. Raises CardError."""
    try:
        raw = json.loads(text)
        _check_contract(raw, name)
        return ModelCard(
            name=str(raw["name"]),
            version=str(raw["version"]),
            sha256=str(raw["sha256"]),
            number_format=str(raw["number_format"]),
            thresholds=Thresholds(**{k: float(v) for k, v in raw["thresholds"].items()}),
            deposit_calibration=Calibration(**raw["calibration"]["deposit"]),
            needle_calibration=Calibration(**raw["calibration"]["needle"]),
            tip_calibration=Calibration(**raw["calibration"]["tip"]),
            raw=raw,
            planes=_planes(raw["input"]),
            previous_frame_ms=_previous_frame_ms(raw["input"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CardError(f"{name} is not a model card that this version reads: {error!r}") from error


def contract_fields() -> dict[str, Any]:
    """The part of a card that must equal this software's own contract; ``input_fields`` adds the planes."""
    return {
        "schema_version": SCHEMA_VERSION,
        "input": {"name": "frame", "size_px": CANONICAL_SIZE_PX, "mm_per_px": CANONICAL_MM_PER_PX},
        "output": {"size_px": OUTPUT_SIZE_PX, "classes": [t.name.lower() for t in Tissue]},
    }


def input_fields(planes: int) -> dict[str, Any]:
    """The card's ``input``: the contract's part and, for a model that takes two planes, what they are."""
    fixed: dict[str, Any] = contract_fields()["input"]
    return fixed if planes == 1 else fixed | {"planes": planes, "previous_frame_ms": PREVIOUS_FRAME_MS}


def _planes(fields: dict[str, Any]) -> int:
    planes = fields.get("planes", 1)
    if planes not in PLANES:
        raise ValueError(f"input.planes is {planes!r}, known are {PLANES}")
    return int(planes)


def _previous_frame_ms(fields: dict[str, Any]) -> float:
    value = float(fields.get("previous_frame_ms", PREVIOUS_FRAME_MS))
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"input.previous_frame_ms is {value}, it must be positive")
    return value


def _check_contract(raw: dict[str, Any], name: str) -> None:
    for key, expected in contract_fields().items():
        found = raw.get(key)
        if key == "input" and isinstance(found, dict):
            found = {k: v for k, v in found.items() if k not in ("planes", "previous_frame_ms")}
        if found != expected:
            raise CardError(f"{name}: {key} is {raw.get(key)!r}, this software needs {expected!r}; use a matching model")

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.runtimes import ModelError
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import ModelCard, card_path, load_card
from barbotage_models.contract.geometry import GreyImage, Scale
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import Tissue

PERIOD_NS = 40_000_000
SCALE = Scale.isotropic(0.15)
MakeFrame = Callable[..., Frame]
Rewrite = Callable[[Callable[[bytes], bytes]], Path]


@pytest.fixture(scope="session")
def model() -> Path:
    return bundled_model("int8")


@pytest.fixture(scope="session")
def card(model: Path) -> ModelCard:
    return load_card(model)


@pytest.fixture
def rewritten(model: Path, tmp_path: Path) -> Rewrite:
    """A changed copy of the bundled model whose card agrees with it: only the runtime can tell that it is wrong."""

    def rewrite(change: Callable[[bytes], bytes]) -> Path:
        copy = tmp_path / "copy.tflite"
        content = change(model.read_bytes())
        copy.write_bytes(content)
        document = json.loads(card_path(model).read_text(encoding="utf-8"))
        document["sha256"] = hashlib.sha256(content).hexdigest()
        card_path(copy).write_text(json.dumps(document), encoding="utf-8")
        return copy

    return rewrite


class DrawnInterpreter:
    """Stands at the Interpreter protocol: says what was drawn, so that a test knows what the network 'sees'.

    A bright 48 x 20 px block of the canonical frame is a deposit, a pure black frame makes it fail as a runtime does.
    """

    name = "drawn"
    number_format = "int8"

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:  # noqa: ARG002
        if not pixels.any():
            raise ModelError("the runtime said: failed to invoke")
        cells = pixels.reshape(64, 4, 64, 4).mean(axis=(1, 3))
        classes = np.zeros((64, 64, 4), dtype=np.uint8)
        classes[:, :, Tissue.BACKGROUND] = 255
        bright = cells > 200
        classes[bright] = 0
        classes[bright, Tissue.DEPOSIT] = 255
        return ModelOutput(classes, np.zeros((64, 64), dtype=np.uint8))


@pytest.fixture
def drawn() -> DrawnInterpreter:
    return DrawnInterpreter()


@pytest.fixture
def picture() -> MakeFrame:
    """Makes frames of 256 x 256 px at 0.15 mm with noise and one bright block per (x, y) corner given."""

    def make(sequence: int, *corners: tuple[int, int], scale: Scale | None = SCALE, capture_ns: int | None = None) -> Frame:
        pixels = np.random.default_rng(1).integers(20, 90, (256, 256), dtype=np.uint8)
        for x, y in corners:
            pixels[y : y + 20, x : x + 48] = 250
        return Frame(pixels, PERIOD_NS * sequence if capture_ns is None else capture_ns, sequence, scale, "drawn")

    return make

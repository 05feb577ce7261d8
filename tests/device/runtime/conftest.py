import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import ModelCard, card_path, load_card

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

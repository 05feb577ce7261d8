"""Which frame the network is given as the one before."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.runtimes import ModelError
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import GreyImage, Scale
from barbotage_models.contract.output import ModelOutput

MakeFrame = Callable[..., Frame]
MS = 1_000_000
FIRST = (20, 60)
SECOND = (100, 120)


class Listening:
    """Stands at the Interpreter protocol and notes what it was given."""

    name = "listening"
    number_format = "int8"

    def __init__(self) -> None:
        self.before: list[GreyImage | None] = []

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        if not pixels.any():
            raise ModelError("the runtime said: failed to invoke")
        self.before.append(previous)
        return ModelOutput(np.zeros((64, 64, 4), dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8))


@pytest.fixture
def network() -> Listening:
    return Listening()


def test_the_first_frame_has_none_before_and_the_next_has_the_first(
    network: Listening, card: ModelCard, picture: MakeFrame
) -> None:
    pipeline = Pipeline(network, replace(card, planes=2))
    first = pipeline.step(picture(0, FIRST))
    pipeline.step(picture(1, SECOND))
    pipeline.step(picture(2))
    assert network.before[0] is None
    assert network.before[1] is first.canonical.pixels
    assert network.before[2] is not network.before[1]


def test_a_model_of_one_plane_is_never_given_one(network: Listening, card: ModelCard, picture: MakeFrame) -> None:
    pipeline = Pipeline(network, replace(card, planes=1))
    pipeline.step(picture(0, FIRST))
    pipeline.step(picture(1, SECOND))
    assert network.before == [None, None]


@pytest.mark.parametrize(
    ("after_ms", "scale", "follows"),
    [
        (150, Scale.isotropic(0.15), True),
        (151, Scale.isotropic(0.15), False),
        (0, Scale.isotropic(0.15), False),
        (-40, Scale.isotropic(0.15), False),
        (40, Scale.isotropic(0.2), False),
        (40, None, False),
    ],
    ids=["as late as allowed", "gap", "same instant", "back in time", "other scale", "scale lost"],
)
def test_only_the_frame_just_before_counts(
    network: Listening, card: ModelCard, picture: MakeFrame, after_ms: int, scale: Scale | None, follows: bool
) -> None:
    pipeline = Pipeline(network, replace(card, planes=2))
    pipeline.step(picture(0, FIRST, capture_ns=1000 * MS))
    pipeline.step(picture(1, SECOND, scale=scale, capture_ns=(1000 + after_ms) * MS))
    assert (network.before[1] is not None) is follows


def test_a_frame_on_which_the_network_failed_is_not_one_before(network: Listening, card: ModelCard, picture: MakeFrame) -> None:
    pipeline = Pipeline(network, replace(card, planes=2))
    first = pipeline.step(picture(0, FIRST))
    with pytest.raises(ModelError):
        pipeline.step(replace(picture(1), pixels=np.zeros((256, 256), dtype=np.uint8)))
    pipeline.step(picture(2, SECOND))
    assert network.before[1] is first.canonical.pixels

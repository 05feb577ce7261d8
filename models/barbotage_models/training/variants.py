"""The ways of training that are compared, each by name: every one adds an ingredient to the one before; the last is what is shipped."""

from dataclasses import replace

from barbotage_models.training.fit import FitSettings
from barbotage_models.training.losses import LossSettings
from barbotage_models.training.mining import Mining
from barbotage_models.training.shape import NetworkShape

SHIPPED_SHAPE = NetworkShape(
    planes=2,
    stem=24,
    encoder=(32, 64, 160, 256),
    blocks=(2, 3, 4, 4),
    kernels=(3, 3, 5, 5),
    tip_kernel=5,
)
"""0.46 M weights. Measured with random weights (int8, LiteRT, one thread, CPU time): 1.46 times the plain network's inference, 0.21 of
SSD-MobileNetV2 320; its depth lies at low resolution, where it costs least, and its width at stride 2, where thin shafts and motion are seen."""

_PLAIN = FitSettings(
    network=NetworkShape(planes=1),
    losses=LossSettings(balance=0.0, dice_per_frame=False),
    mining=Mining(share=0.0),
)
_TWO_PLANES = replace(_PLAIN, network=NetworkShape(planes=2))
_LARGER = replace(_TWO_PLANES, network=SHIPPED_SHAPE)
_BALANCED = replace(_LARGER, losses=LossSettings())
_MINED = replace(_BALANCED, mining=Mining())

VARIANTS: dict[str, FitSettings] = {
    "plain": _PLAIN,
    "two-planes": _TWO_PLANES,
    "larger": _LARGER,
    "balanced": _BALANCED,
    "mined": _MINED,
    "one-plane": replace(_MINED, network=replace(SHIPPED_SHAPE, planes=1)),
    "no-average": replace(_MINED, average_decay=0.0),
}
WHAT: dict[str, str] = {
    "plain": "one plane, small network, pooled Dice, every sample in turn",
    "two-planes": "and the frame before",
    "larger": "and the larger network",
    "balanced": "and small things weighted up, Dice per frame",
    "mined": "and hard samples more often: what is shipped",
    "one-plane": "shipped, but without the frame before",
    "no-average": "shipped, but without averaged weights",
}


def shipped(planes: int) -> FitSettings:
    """How the shipped model is trained, with one plane or two."""
    settings = VARIANTS["mined"]
    return replace(settings, network=replace(settings.network, planes=planes))

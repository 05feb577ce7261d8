"""Hands that follow a script: what ``sim:SCENARIO`` shows, with nobody at the guidance."""

from collections.abc import Callable, Iterator

import numpy as np

from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.errors import NotFoundError
from barbotage_models.simulator.scenario.live import Hands, LiveScene, Start, shoulder_start

Script = Callable[[LiveScene], Iterator[Hands]]


def scan(_scene: LiveScene) -> Iterator[Hands]:
    """The probe is held on the deposit; no needle comes."""
    while True:
        yield Hands(advance_mm_s=-20.0)


def procedure(scene: LiveScene) -> Iterator[Hands]:
    """Approach, five cycles of lavage, withdrawal, and again."""
    while True:
        yield from _reach(scene)
        for _ in range(5):
            for plunger in (1.0,) * 14 + (0.0,) * 14:
                yield Hands(plunger=plunger)
        while scene.pose.inserted_mm > 6.0:
            yield Hands(advance_mm_s=-12.0)
        for _ in range(30):
            yield Hands()


def slip(scene: LiveScene) -> Iterator[Hands]:
    """The needle goes on while it slips out of the plane, and comes back: what prompt number one is for."""
    while True:
        for _ in range(60):
            yield Hands(advance_mm_s=7.0, turn_deg_s=2.0 if scene.pose.angle_deg < 26 else 0.0)
        for direction in (1.0, -1.0):
            for _ in range(40):
                yield Hands(advance_mm_s=2.5 * direction, tilt_deg_s=5.0 * direction)
        while scene.pose.inserted_mm > 6.0:
            yield Hands(advance_mm_s=-12.0)


def _reach(scene: LiveScene) -> Iterator[Hands]:
    """Turns and advances until the true tip lies at the true centre of the deposit."""
    target = scene.world.deposits[0].centre
    while True:
        pose, tip = scene.pose, scene.pose.tip
        reach = abs(target.x_mm - pose.entry.x_mm)
        wanted = float(np.rad2deg(np.arctan2(target.z_mm - pose.entry.z_mm, reach)))
        left = float(np.hypot(target.x_mm - pose.entry.x_mm, target.z_mm - pose.entry.z_mm)) - pose.inserted_mm
        if left < 0.4 or tip.distance_mm(target) < 0.6:
            return
        yield Hands(advance_mm_s=min(6.0, 1.5 * left), turn_deg_s=float(np.clip(1.5 * (wanted - pose.angle_deg), -6, 6)))


SCENARIOS: dict[str, tuple[Script, ShadowType, EntrySide]] = {
    "procedure": (procedure, ShadowType.FAINT, EntrySide.LEFT),
    "procedure-right": (procedure, ShadowType.CLEAR, EntrySide.RIGHT),
    "soft": (procedure, ShadowType.NONE, EntrySide.LEFT),
    "hard": (procedure, ShadowType.CLEAR, EntrySide.LEFT),
    "scan": (scan, ShadowType.FAINT, EntrySide.LEFT),
    "slip": (slip, ShadowType.FAINT, EntrySide.LEFT),
}
"""What may follow ``sim:``."""


def scenario_start(name: str, seed: int = 0) -> tuple[Start, Script]:
    """The start and the script of a scenario. Raises NotFoundError for an unknown name."""
    if name not in SCENARIOS:
        raise NotFoundError(f"no simulated scenario {name!r}; there are: {', '.join(sorted(SCENARIOS))}")
    script, shadow, side = SCENARIOS[name]
    return shoulder_start(seed, shadow, side), script

"""Events are told once, when something begins."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.recording.edges import PEDAL, Edges, Happening, Turn
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.card import ModelCard

MakeFrame = Callable[..., Frame]
FINE = Condition(frames=6, drops=0, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=None)
UNSEEN = Prompt(PromptKind.TIP_NOT_SEEN, Priority.HIGH, 5)
STEEP = Prompt(PromptKind.STEEP_ANGLE, Priority.LOW, 7)


@pytest.fixture
def guidance(drawn: Interpreter, card: ModelCard, picture: MakeFrame) -> Guidance:
    """One deposit is followed."""
    pipeline = Pipeline(drawn, card)
    for sequence in range(6):
        pipeline.step(picture(sequence, (100, 120)))
    assert pipeline.last is not None
    return pipeline.last


def _said(kind: str, priority: str, shown: bool) -> Happening:
    return Happening("prompt", {"kind": kind, "priority": priority, "shown": shown})


PROMPTS: list[tuple[str, list[Prompts], list[list[Happening]]]] = [
    ("raised once", [Prompts(UNSEEN), Prompts(UNSEEN)], [[_said("tip-not-seen", "high", True)], []]),
    ("held back, then shown", [Prompts(UNSEEN, (STEEP,)), Prompts(STEEP)], [
        [_said("steep-angle", "low", False), _said("tip-not-seen", "high", True)], [_said("steep-angle", "low", True)]]),
    ("interrupted and back", [Prompts(STEEP), Prompts(UNSEEN, (STEEP,)), Prompts(STEEP)], [
        [_said("steep-angle", "low", True)], [_said("tip-not-seen", "high", True)], []]),
    ("gone and raised again", [Prompts(STEEP), Prompts(None), Prompts(STEEP)], [
        [_said("steep-angle", "low", True)], [], [_said("steep-angle", "low", True)]]),
]  # fmt: skip


@pytest.mark.parametrize(("prompts", "expected"), [row[1:] for row in PROMPTS], ids=[row[0] for row in PROMPTS])
def test_prompts(guidance: Guidance, prompts: list[Prompts], expected: list[list[Happening]]) -> None:
    edges = Edges()
    told = [edges.update(Turn(replace(guidance, prompts=one), None, FINE)) for one in prompts]
    assert [sorted(one, key=lambda each: str(each.value)) for one in told] == expected


def test_a_target_is_accepted_changed_and_released(guidance: Guidance) -> None:
    edges = Edges()
    steps = [(None, PEDAL), (1, PEDAL), (1, PEDAL), (2, "device"), (None, "operator")]
    told = [edges.update(Turn(guidance, accepted, FINE, by)) for accepted, by in steps]
    assert [[(one.kind, one.value["identity"], one.by) for one in each] for each in told] == [
        [],
        [("target-accepted", 1, PEDAL)],
        [],
        [("target-released", 1, "device"), ("target-accepted", 2, "device")],
        [("target-released", 2, "operator")],
    ]
    accepted = told[1][0].value
    deposit = guidance.tracks.deposits[0].deposit
    assert accepted["sequence"] == 5
    assert accepted["longest_mm"] == pytest.approx(deposit.longest_mm, abs=1e-4)
    assert accepted["centre_px"] == pytest.approx([123.5, 129.5], abs=4.0)


def test_the_needle_in_the_target_is_told_when_it_comes_in(guidance: Guidance) -> None:
    edges = Edges()
    inside = replace(guidance, aim=replace(guidance.aim, in_target=True))
    told = [edges.update(Turn(one, None, FINE)) for one in (guidance, inside, inside, guidance, inside)]
    assert [[one.kind for one in each] for each in told] == [[], ["needle-in-target"], [], [], ["needle-in-target"]]


def test_troubles_are_told_when_they_come_and_go() -> None:
    edges = Edges()
    conditions = [
        FINE,
        replace(FINE, lost="unplugged"),
        replace(FINE, lost="still"),
        FINE,
        replace(FINE, model_error="bad"),
        FINE,
    ]
    told = [edges.update(Turn(None, None, condition)) for condition in conditions]
    assert [[(one.kind, one.value) for one in each] for each in told] == [
        [],
        [("source-lost", {"why": "unplugged"})],
        [],
        [("source-back", {})],
        [("model-error", {"failing": True, "why": "bad"})],
        [("model-error", {"failing": False, "why": None})],
    ]

"""The watch joins what gauge and counter do: presses of the line are counted from ``begin`` on, each once, frame by frame."""

from collections.abc import Callable

from barbotage_device.capture.frame import Frame
from barbotage_device.procedure.lavage import CountedFrom, LavageCycle
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.lavage_watch import LavageWatch
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_models.contract.card import ModelCard

MakeFrame = Callable[..., Frame]
PRESS_KPA = (0.0,) * 10 + (30.0,) * 10 + (0.0,) * 40


def test_presses_count_from_the_beginning_of_the_lavage_on_and_once(
    drawn: Interpreter, card: ModelCard, picture: MakeFrame
) -> None:
    pipeline, watch = Pipeline(drawn, card), LavageWatch()
    told: list[LavageCycle] = []
    for sequence, kpa in enumerate(PRESS_KPA * 3):
        guidance = pipeline.step(picture(sequence, (100, 120)))
        if sequence == 5:
            watch.accept(guidance.tracks.deposits[0].deposit)
        if sequence == len(PRESS_KPA):
            assert watch.counts is None
            watch.begin()
        watch.line(LineSample(guidance.frame.capture_ns, kpa))
        told += watch.update(guidance)
    assert watch.counts is not None
    assert watch.counts.pressure.cycles == 2
    # The drawn deposit lies still: presses that move nothing are not cycles.
    assert (told, watch.counts.fused.cycles, watch.counts.ineffective) == ([], 0, 2)


def test_without_a_cavity_the_line_alone_counts(drawn: Interpreter, card: ModelCard, picture: MakeFrame) -> None:
    pipeline, watch = Pipeline(drawn, card), LavageWatch()
    told: list[LavageCycle] = []
    watch.begin()
    for sequence, kpa in enumerate(PRESS_KPA * 2):
        guidance = pipeline.step(picture(sequence, (100, 120)))
        watch.line(LineSample(guidance.frame.capture_ns, kpa))
        told += watch.update(guidance)
    assert [(one.count, one.counted_from) for one in told] == [(1, CountedFrom.PRESSURE), (2, CountedFrom.PRESSURE)]

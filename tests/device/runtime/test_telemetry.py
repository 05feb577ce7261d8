"""What a host hears of a run: the values of the topics, at which pace, and the events."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.link.cbor import decode, encode
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.status import Condition
from barbotage_device.runtime.telemetry import About, Pace, Teller, guidance_value
from barbotage_models.contract.card import ModelCard

MakeFrame = Callable[..., Frame]
MS = 1_000_000
FINE = Condition(frames=5, drops=2, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=21_400_000)


@dataclass
class Ear:
    """Hears everything, when it listens."""

    listening: bool = True
    published: list[tuple[str, int, Any]] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)

    def publish(self, topic: str, t_ns: int, value: Any) -> None:
        self.published.append((topic, t_ns, value))

    def event(self, topic: str, t_ns: int, value: Any) -> None:  # noqa: ARG002
        self.events.append((topic, value))

    def values(self, topic: str) -> list[Any]:
        return [value for each, _, value in self.published if each == topic]


@dataclass
class Session:
    """A session being recorded."""

    id: str = "01SESSION"
    recorder_drops: int = 3


@dataclass
class Bench:
    ear: Ear
    teller: Teller
    lines: list[tuple[int, str]]
    now_ns: int = 0

    def after(self, ms: float) -> None:
        self.now_ns += round(ms * MS)


@pytest.fixture
def bench() -> Bench:
    ear = Ear()
    lines: list[tuple[int, str]] = []
    made = Bench(
        ear, Teller(ear, About("sim:x", True), lambda: made.now_ns, lambda level, text: lines.append((level, text))), lines
    )
    return made


@pytest.fixture
def pipeline(drawn: Interpreter, card: ModelCard, picture: MakeFrame) -> Pipeline:
    made = Pipeline(drawn, card)
    for sequence in range(6):
        made.step(picture(sequence, (100, 120)))
    return made


@pytest.fixture
def guidance(pipeline: Pipeline) -> Guidance:
    assert pipeline.last is not None
    return pipeline.last


@pytest.mark.parametrize(("rate_hz", "passed"), [(12.5, 12.5), (25, 25), (30, 25), (60, 25), (200, 25)])
def test_a_pace_lets_through_its_rate_whatever_the_rate_of_those_that_ask(rate_hz: float, passed: float) -> None:
    pace = Pace(25.0)
    assert sum(pace.due(round(number * 1e9 / rate_hz)) for number in range(round(10 * rate_hz))) == pytest.approx(
        10 * passed, abs=1
    )


def test_a_pace_does_not_make_up_for_a_rest() -> None:
    pace = Pace(25.0)
    assert pace.due(0)
    assert sum(pace.due(5_000_000_000 + number * MS) for number in range(40)) <= 2


def test_guidance_is_plain_numbers_of_what_the_screen_shows(guidance: Guidance) -> None:
    aim = replace(guidance.aim, distance_mm=12.3456, advance_mm=-0.004, miss_mm=None, angle_deg=31.26, confidence=0.98765)
    shown = Prompts(Prompt(PromptKind.NEAR_BONE, Priority.HIGH, 0))
    value = guidance_value(replace(guidance, aim=aim, prompts=shown))
    assert value == {
        "sequence": 5,
        "tip_to_target_mm": 12.35,
        "advance_mm": 0.0,
        "miss_mm": None,
        "angle_deg": 31.3,
        "angle_error_deg": None,
        "certainty": "unknown",
        "confidence": 0.988,
        "in_target": False,
        "deposits": 1,
        "target": None,
        "prompt": "near-bone",
        "priority": "high",
        "stale": False,
    }
    assert decode(encode(value)) == value


def test_without_a_scale_no_length_leaves_the_device(drawn: Interpreter, card: ModelCard, picture: MakeFrame) -> None:
    seen = Pipeline(drawn, card).step(picture(0, (100, 120), scale=None))
    value = guidance_value(replace(seen, aim=replace(seen.aim, distance_mm=5.0, advance_mm=4.0, miss_mm=1.0)))
    assert [value[key] for key in value if key.endswith("_mm")] == [None, None, None]


def test_status_tells_how_the_run_stands_twice_a_second(bench: Bench, guidance: Guidance) -> None:
    for turn in range(51):
        bench.teller.turn(guidance, replace(FINE, frames=5 + turn), None)
        bench.after(40)
    told = bench.ear.values("status")
    assert len(told) == 5
    assert (told[0]["rate_hz"], told[1]["rate_hz"]) == (None, 25.0)
    assert told[-1] == {
        "rate_hz": 25.0,
        "latency_ms": 21.4,
        "frames": 55,
        "source_drops": 2,
        "recorder_drops": 0,
        "source": "sim:x",
        "state": "live",
        "scale_known": True,
        "recording": None,
        "simulated": True,
    }
    assert decode(encode(told[-1])) == told[-1]


@pytest.mark.parametrize(
    ("changes", "seen", "state"),
    [
        ({}, True, "live"),
        ({}, False, "no-image"),
        ({"lost": "unplugged"}, True, "lost"),
        ({"model_error": "cannot invoke"}, False, "model-error"),
        ({"frame_age_ns": 201_000_000}, True, "stale"),
    ],
)
def test_status_names_the_state(bench: Bench, guidance: Guidance, changes: dict[str, Any], seen: bool, state: str) -> None:
    bench.teller.turn(guidance if seen else None, replace(FINE, **changes), None)
    assert bench.ear.values("status")[0]["state"] == state


def test_a_picture_frozen_by_the_operator_is_told_as_such(bench: Bench, guidance: Guidance) -> None:
    bench.teller.operator("frozen", {"on": True})
    bench.teller.turn(guidance, FINE, None)
    bench.teller.operator("frozen", {"on": False})
    bench.after(500)
    bench.teller.turn(guidance, FINE, None)
    assert [each["state"] for each in bench.ear.values("status")] == ["frozen", "live"]
    assert bench.ear.events == [("frozen", {"on": True}), ("frozen", {"on": False})]


def test_the_same_guidance_is_told_once(bench: Bench, guidance: Guidance) -> None:
    for _ in range(3):
        bench.teller.turn(guidance, FINE, None)
        bench.after(100)
    bench.teller.turn(replace(guidance, stale=True), FINE, None)
    assert [each["stale"] for each in bench.ear.values("guidance")] == [False, True]


def test_nothing_is_made_for_nobody(bench: Bench, guidance: Guidance) -> None:
    bench.ear.listening = False
    bench.teller.turn(guidance, FINE, None)
    assert bench.ear.published == []
    bench.ear.listening = True
    bench.after(500)
    bench.teller.turn(replace(guidance), replace(FINE, frames=15), None)
    assert bench.ear.values("status")[0]["rate_hz"] == 20.0, "counted while nobody listened"


def test_without_a_recording_the_run_itself_tells_what_happens(bench: Bench, guidance: Guidance) -> None:
    shown = replace(guidance, prompts=Prompts(Prompt(PromptKind.NEAR_BONE, Priority.HIGH, 0)))
    bench.teller.turn(guidance, FINE, None)
    bench.teller.operator("target-accepted", {})
    bench.teller.turn(shown, FINE, 1)
    bench.teller.operator("bookmark", {})
    bench.teller.turn(shown, replace(FINE, lost="unplugged"), 1)
    assert [kind for kind, _ in bench.ear.events] == ["prompt", "target-accepted", "bookmark", "source-lost"]
    assert bench.ear.events[0][1] == {"kind": "near-bone", "priority": "high", "shown": True}


def test_with_a_recording_events_come_from_it_and_name_the_session(bench: Bench, guidance: Guidance) -> None:
    bench.teller.recording = Session()
    bench.teller.turn(guidance, replace(FINE, lost="unplugged"), 1)
    assert bench.ear.events == [], "the recording tells them"
    bench.teller.happened("session-ended", {})
    assert bench.ear.events == [("session-ended", {"id": "01SESSION"})]
    assert bench.ear.values("status")[0]["recording"] == "01SESSION"
    assert bench.ear.values("status")[0]["recorder_drops"] == 3
    bench.after(500)
    bench.teller.turn(guidance, replace(FINE, recording_stopped="disk full"), 1)
    assert bench.ear.values("status")[1]["recording"] is None


def test_lines_of_the_log_carry_the_number_of_their_level(bench: Bench) -> None:
    bench.teller.say("warning", "source lost: unplugged")
    assert bench.lines == [(30, "source lost: unplugged")]

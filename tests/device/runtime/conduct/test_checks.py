"""The checks of the device: what fails which, and that only what is new is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.device.runtime.conduct.stage import CALM

from barbotage_device.capture.frame import Frame
from barbotage_device.procedure.entries import DEVICE_CHECKS, check_entry
from barbotage_device.runtime.conduct.checks import Board, DeviceChecks, checked
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.card import ModelCard

S, MS = 1_000_000_000, 1_000_000
NOW_UTC_NS = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * S
FINE = Condition(frames=20, drops=0, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=30 * MS)


@pytest.fixture
def guidance(drawn: Interpreter, card: ModelCard, picture: Callable[..., Frame]) -> Guidance:
    return Pipeline(drawn, card).step(picture(0, (100, 120)))


@pytest.fixture
def unscaled(drawn: Interpreter, card: ModelCard, picture: Callable[..., Frame]) -> Guidance:
    return Pipeline(drawn, card).step(picture(0, (100, 120), scale=None))


@pytest.mark.parametrize(
    ("condition", "latency_ms", "health", "utc_ns", "failed"),
    [
        (FINE, 30.0, CALM, NOW_UTC_NS, set()),
        (replace(FINE, lost="unplugged"), 30.0, CALM, NOW_UTC_NS, {"frames"}),
        (replace(FINE, frames=0), None, CALM, NOW_UTC_NS, {"frames"}),
        (replace(FINE, model_error="cannot invoke"), 30.0, CALM, NOW_UTC_NS, {"model"}),
        (FINE, 150.0, CALM, NOW_UTC_NS, {"latency"}),
        (replace(FINE, recording_stopped="disk full"), 30.0, CALM, NOW_UTC_NS, {"disk"}),
        (FINE, 30.0, replace(CALM, disk_free_mb=100.0, cpu_celsius=85.0), NOW_UTC_NS, {"disk", "temperature"}),
        (FINE, 30.0, replace(CALM, disk_free_mb=None, cpu_celsius=None), NOW_UTC_NS, set()),
        (FINE, 30.0, CALM, 0, {"clock"}),
    ],
)
def test_what_fails(
    guidance: Guidance, condition: Condition, latency_ms: float | None, health: Health, utc_ns: int, failed: set[str]
) -> None:
    found = checked(guidance, condition, latency_ms, health, utc_ns)
    assert set(found) == set(DEVICE_CHECKS) - ({"latency"} if latency_ms is None else set())
    assert {name for name, one in found.items() if not one.passed} == failed


def test_without_a_scale_and_before_the_first_guidance(unscaled: Guidance) -> None:
    assert not checked(unscaled, FINE, 30.0, CALM, NOW_UTC_NS)["scale"].passed
    nothing = checked(None, FINE, 30.0, CALM, NOW_UTC_NS)
    assert (nothing["model"].passed, nothing["scale"].passed) == (False, False)


def test_only_what_is_new_or_changed_is_told_once_a_second(guidance: Guidance) -> None:
    checks = DeviceChecks(Board(lambda: CALM, lambda: NOW_UTC_NS))
    told: list[list[str]] = []
    for turn in range(75):
        condition = replace(FINE, lost="unplugged" if turn >= 40 else None)
        events = checks.update(guidance, condition, turn * 40 * MS)
        for event in events:
            check_entry(event.kind, event.value)
        told.append([f"{event.value['check']} {event.value['passed']}" for event in events])
    spoken = [each for each in told if each]
    assert [len(each) for each in spoken] == [7, 1]
    assert spoken[1] == ["frames False"]


def test_frames_that_come_slowly_do_not_make_the_latency_come_and_go(guidance: Guidance) -> None:
    checks = DeviceChecks(Board(lambda: CALM, lambda: NOW_UTC_NS))
    assert not checks.made
    told = [event.value for turn in range(30) for event in checks.update(guidance, FINE, turn * 300 * MS)]
    assert [(one["passed"], one["detail"]) for one in told if one["check"] == "latency"] == [(True, "30 ms in the median")]
    assert checks.made

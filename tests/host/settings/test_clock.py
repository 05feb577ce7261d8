"""``barbotage time``: how far apart two clocks are, how sure that is, and setting the device's."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.support.link_device import StillClock
from tests.support.served import Bench, served

from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError
from barbotage_device.link.values import Values
from barbotage_host.settings.clock import GOOD_NS, Clocks, compare, set_clock

MS = 1_000_000
S = 1000 * MS


@dataclass
class Line:
    """A device whose clock is ``offset_ns`` ahead, behind a line with these delays there and back; time passes only on the line."""

    offset_ns: int
    delays: Callable[[], tuple[int, int]]
    now_ns: int = 10**18
    sets: list[int] = field(default_factory=list)

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now_ns, lambda: self.now_ns - 10**17)

    @property
    def client(self) -> LinkClient:
        return cast("LinkClient", self)

    def call(self, method: str, params: dict[str, Any] | None = None) -> Values:
        there, back = self.delays()
        self.now_ns += there
        answer = {"utc_ns": self.now_ns + self.offset_ns}
        if method == "clock.set" and params is not None:
            answer = {"step_ns": params["utc_ns"] - self.now_ns - self.offset_ns}
            self.offset_ns += answer["step_ns"]
            self.sets.append(answer["step_ns"])
        self.now_ns += back
        return Values(answer, method)


def steady(there: int, back: int) -> Callable[[], tuple[int, int]]:
    return lambda: (there, back)


@pytest.mark.parametrize(("there", "back"), [(5 * MS, 5 * MS), (1 * MS, 9 * MS), (9 * MS, 0)])
def test_the_true_offset_lies_within_the_uncertainty(there: int, back: int) -> None:
    line = Line(3 * S, steady(there, back))
    found = compare(line.client, line.clocks)
    assert found.uncertainty_ns == (there + back) // 2
    assert abs(found.offset_ns - 3 * S) <= found.uncertainty_ns


def test_the_quickest_exchange_counts() -> None:
    delays = iter([(300 * MS, 0), (2 * MS, 2 * MS), (100 * MS, 700 * MS)] * 5)
    line = Line(S, lambda: next(delays))
    found = compare(line.client, line.clocks)
    assert (found.offset_ns, found.uncertainty_ns) == (S, 2 * MS)


def test_setting_is_corrected_by_half_of_the_round_trip() -> None:
    line = Line(-7 * S, steady(40 * MS, 40 * MS))
    step_ns, after = set_clock(line.client, line.clocks)
    assert step_ns == 7 * S
    assert (line.offset_ns, after.offset_ns) == (0, 0)
    assert len(line.sets) == 1


def test_a_request_that_came_late_is_made_good() -> None:
    def delays() -> Iterator[tuple[int, int]]:
        yield from [(MS, MS)] * 8
        yield 400 * MS, MS  # lost once, repeated
        while True:
            yield MS, MS

    each = delays()
    line = Line(S, lambda: next(each))
    step_ns, after = set_clock(line.client, line.clocks)
    assert len(line.sets) == 2
    assert abs(after.offset_ns) < GOOD_NS
    assert step_ns == -S


def test_a_clock_that_does_not_stay_set_is_an_error() -> None:
    line = Line(S, steady(MS, MS))
    real = line.call

    def forgetful(method: str, params: dict[str, Any] | None = None) -> Values:
        answer = real(method, params)
        line.offset_ns = S
        return answer

    line.call = forgetful  # type: ignore[method-assign]
    with pytest.raises(LinkError, match=r"off by \+1\.000 s"):
        set_clock(line.client, line.clocks)


@pytest.fixture
def bench(tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(StillClock, "offset_ns", 3600 * S)
    with served(tmp_path, capsys, monkeypatch) as made:
        yield made


def test_both_clocks_are_shown_and_the_device_is_set(bench: Bench) -> None:
    before = bench.json("time")
    assert abs(before["offset_ns"] - 3600 * S) <= before["uncertainty_ns"]
    assert "+3600.0" in bench.run("time").out
    done = bench.json("time", "set")
    assert abs(done["step_ns"] + 3600 * S) < S
    after = bench.json("time")
    assert abs(after["offset_ns"]) <= after["uncertainty_ns"] + GOOD_NS
    assert "clock set by -3600.0" in bench.run("logs").out
    assert bench.run("time", "sett").code == 2


def test_no_clock_is_set_during_a_procedure_or_without_permission(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.procedure.append(True)
    assert bench.run("time", "set").code == 4
    bench.procedure.clear()

    def refuse(_self: object, _utc_ns: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(StillClock, "set_utc_ns", refuse)
    said = bench.run("time", "set")
    assert said.code == 4
    assert "CAP_SYS_TIME" in said.err
    assert bench.json("time")["offset_ns"] > 3599 * S

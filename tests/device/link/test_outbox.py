"""Urgent frames go first, little is handed over ahead of the wire, and nothing that waits grows without bound."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cable import Line
from tests.support.link import Memory, connected, make_device, make_host, start_fetch

from barbotage_device.link.bulk_sender import BulkSender
from barbotage_device.link.framing import FrameType
from barbotage_device.link.messages import Event, Get, Telemetry
from barbotage_device.link.methods import Caller, Method
from barbotage_device.link.outbox import (
    AHEAD_LIVE_S,
    EVENT_REPEAT_S,
    MAX_CONTROL,
    MAX_EVENTS,
    MAX_LOG_LINES,
    MAX_TOPICS,
    USB_WRITE_BYTES,
    Outbox,
    Pacer,
)
from barbotage_device.link.roles import Role
from barbotage_device.link.values import Values


def make_outbox(bytes_per_s: float | None = None) -> Outbox:
    bulk = BulkSender()
    bulk.offer(1, Memory(bytes(100_000)))
    return Outbox(bulk, Pacer(bytes_per_s))


def drain(outbox: Outbox, now_s: float = 0.0) -> list[FrameType]:
    kinds = []
    while (frame := outbox.next_frame(now_s)) is not None:
        kinds.append(frame.type)
    return kinds


def test_the_most_urgent_goes_first_whatever_the_order_of_arrival() -> None:
    outbox = make_outbox()
    outbox.log(b"log")
    outbox.bulk.ask(Get(1, 0, 2000, 1000))
    outbox.telemetry(Telemetry("guidance", 1, None), 0.0)
    outbox.event(Event(1, "prompt", 1, None), 0.0)
    outbox.control(FrameType.RESPONSE, b"")
    assert drain(outbox) == [
        FrameType.RESPONSE,
        FrameType.EVENT,
        FrameType.TELEMETRY,
        FrameType.DATA,
        FrameType.DATA,
        FrameType.LOG,
    ]


@given(st.lists(st.sampled_from("cetbl"), max_size=40))
def test_no_frame_overtakes_a_more_urgent_one(arrivals: list[str]) -> None:
    outbox = make_outbox()
    for index, kind in enumerate(arrivals):
        if kind == "c":
            outbox.control(FrameType.RESPONSE, bytes((index,)))
        elif kind == "e":
            outbox.event(Event(index, "e", 0, None), 0.0)
        elif kind == "t":
            outbox.telemetry(Telemetry(f"t{index}", 0, None), 0.0)
        elif kind == "b":
            outbox.bulk.ask(Get(1, index * 10, 10, 10))
        else:
            outbox.log(bytes((index,)))
    order = [FrameType.RESPONSE, FrameType.EVENT, FrameType.TELEMETRY, FrameType.DATA, FrameType.LOG]
    ranks = [order.index(kind) for kind in drain(outbox)]
    assert ranks == sorted(ranks)
    assert len(ranks) == len(arrivals)


def test_of_a_topic_only_the_newest_value_is_sent() -> None:
    outbox = make_outbox()
    for value in range(5):
        outbox.telemetry(Telemetry("guidance", value, value), 0.0)
        outbox.telemetry(Telemetry("health", value, value), 0.0)
    sent = [outbox.next_frame(0.0) for _ in range(3)]
    assert [frame.payload for frame in sent if frame] == [Telemetry(t, 4, 4).encode() for t in ("guidance", "health")]
    assert outbox.counts.telemetry_replaced == 8


def test_everything_that_waits_is_bounded() -> None:
    outbox = make_outbox()
    for index in range(2000):
        outbox.control(FrameType.RESPONSE, b"")
        outbox.event(Event(index, "e", 0, None), 0.0)
        outbox.telemetry(Telemetry(f"topic {index}", 0, None), 0.0)
        outbox.log(b"")
    kinds = drain(outbox)
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {
        FrameType.RESPONSE: MAX_CONTROL,
        FrameType.EVENT: MAX_EVENTS,
        FrameType.TELEMETRY: MAX_TOPICS,
        FrameType.LOG: MAX_LOG_LINES,
    }


def test_events_are_sent_again_until_they_are_acknowledged() -> None:
    outbox = make_outbox()
    for sequence in (1, 2, 3):
        outbox.event(Event(sequence, "e", 0, None), 10.0)
    assert len(drain(outbox, 10.0)) == 3
    assert drain(outbox, 10.5) == []
    outbox.acknowledge(1)
    outbox.acknowledge(3)
    assert len(drain(outbox, 10.0 + EVENT_REPEAT_S)) == 1
    outbox.acknowledge(2)
    assert outbox.next_due_s(20.0) is None


@pytest.mark.parametrize("rate", [11_520.0, 92_160.0, 300_000.0])
def test_little_is_handed_over_ahead_while_live_data_flow(rate: float) -> None:
    pacer = Pacer(rate)
    pacer.live(5.0)
    handed = 0
    while pacer.allowance_bytes(5.0) > 0:
        pacer.sent(100, 5.0)
        handed += 100
    assert handed <= AHEAD_LIVE_S * rate + 100
    assert 5.0 < pacer.next_s(5.0) <= 5.0 + handed / rate


def test_what_the_driver_holds_counts() -> None:
    pacer = Pacer(92_160.0)
    assert pacer.allowance_bytes(5.0, 0) > 0
    assert pacer.allowance_bytes(5.0, 5000) <= 0


def test_without_a_rate_one_write_is_bounded() -> None:
    assert Pacer(None).allowance_bytes(0.0) == USB_WRITE_BYTES


@pytest.mark.parametrize(("baud", "oldest_ms"), [(921_600, 20.0), (3_000_000, 10.0)])
def test_telemetry_is_young_on_arrival_while_a_file_is_fetched(baud: int, oldest_ms: float) -> None:
    host, device = make_host(baud), make_device(baud)
    wire = connected(host, device, Line(baud=baud))
    data = random.Random(1).randbytes(400_000)
    transfer, arrived = start_fetch(wire, host, device, data)
    ages_ms: list[float] = []
    device.subscribe(("guidance",), 60.0)
    due_s = wire.now_s

    def each(now_s: float) -> None:
        nonlocal due_s
        while now_s >= due_s:
            due_s += 1 / 30
            device.telemetry(Telemetry("guidance", int(now_s * 1e9), bytes(180)), now_s)
        ages_ms.extend(now_s * 1e3 - message.t_ns / 1e6 for message in host.live.telemetry)
        host.live.telemetry.clear()

    wire.each_step, wire.fine = each, True
    took_s = wire.run(lambda: transfer.over)
    assert arrived == data
    assert len(ages_ms) >= took_s * 29
    assert sorted(ages_ms)[int(len(ages_ms) * 0.99)] <= oldest_ms
    assert len(data) / took_s / (baud / 10) >= 0.85


def test_telemetry_nobody_listens_to_is_not_kept() -> None:
    device = make_device()
    device.telemetry(Telemetry("guidance", 1, None), 1.0)
    assert device.output(1.0) == b""


def test_events_cross_a_noisy_line_each_once() -> None:
    host, device = make_host(115_200), make_device(115_200)
    wire = connected(host, device, Line(baud=115_200, ber=1e-4))

    def acknowledge(values: Values, _caller: Caller) -> dict[str, object]:
        device.outbox.acknowledge(values.whole("sequence"))
        return {}

    device.methods.add({"event.ack": Method(Role.VIEWER, acknowledge)})
    device.wants_events = True
    for sequence in range(20):
        device.event(Event(sequence, "prompt", sequence, {"n": sequence}), wire.now_s)
        wire.idle(0.05)
    wire.run(lambda: device.outbox.next_due_s(wire.now_s) is None)
    assert sorted(event.sequence for event in host.live.events) == list(range(20))

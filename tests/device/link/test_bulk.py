"""Files arrive exactly, at nearly the rate of the line, over clean, noisy and cut lines; in virtual time."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.cable import Line
from tests.support.link import Memory, VirtualLine, connected, make_device, make_host, start_fetch

from barbotage_device.link.block_size import MIN_BLOCK_BYTES, BlockSize
from barbotage_device.link.bulk_receiver import MAX_ASKED, MAX_FRAGMENTS, BulkReceiver, LineRate
from barbotage_device.link.bulk_sender import MAX_GETS, BulkSender
from barbotage_device.link.errors import Code
from barbotage_device.link.framing import MAX_BLOCK_BYTES, FrameType
from barbotage_device.link.host_end import State
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.messages import Get, parse_data, parse_gone


def content(count_bytes: int) -> bytes:
    return random.Random(count_bytes).randbytes(count_bytes)


@pytest.mark.parametrize(
    ("line", "size_bytes", "fraction"),
    [
        (Line(baud=115_200), 200_000, 0.96),
        (Line(baud=921_600), 600_000, 0.97),
        (Line(baud=3_000_000), 600_000, 0.97),
        (Line(baud=921_600, ber=1e-6), 600_000, 0.95),
        (Line(baud=921_600, ber=1e-5), 600_000, 0.90),
        (Line(baud=921_600, ber=1e-4), 200_000, 0.70),
        (Line(baud=921_600, latency_ms=16), 600_000, 0.95),
        (Line(baud=921_600, drop=1e-4), 400_000, 0.82),
        (Line(baud=921_600, burst=1e-5, burst_len=200), 600_000, 0.80),
    ],
    ids=lambda value: (
        str(value) if not isinstance(value, Line) else f"{value.baud}-{value.ber}-{value.latency_ms}-{value.drop}-{value.burst}"
    ),
)
def test_a_file_arrives_exactly_at_nearly_the_rate_of_the_line(line: Line, size_bytes: int, fraction: float) -> None:
    host, device = make_host(line.baud), make_device(line.baud)
    wire = connected(host, device, line)
    data = content(size_bytes)
    transfer, arrived = start_fetch(wire, host, device, data)
    took_s = wire.run(lambda: transfer.over)
    assert arrived == data
    assert size_bytes / took_s / (line.baud / 10) >= fraction


def test_without_errors_nothing_is_sent_twice() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    transfer, arrived = start_fetch(wire, host, device, content(5_000_000))
    wire.run(lambda: transfer.over)
    assert arrived == content(5_000_000)
    assert device.sender.sent_bytes == 5_000_000
    assert (transfer.receiver.counts.gaps, transfer.receiver.counts.timeouts) == (0, 0)


def test_a_silent_cut_costs_little_more_than_its_time() -> None:
    host, device = make_host(921_600), make_device(921_600)
    wire = connected(host, device, Line(baud=921_600))
    transfer, arrived = start_fetch(wire, host, device, content(500_000))
    wire.run(lambda: transfer.receiver.missing.total < 250_000)
    wire.cut(True)
    wire.idle(2.0)
    left = transfer.receiver.missing.total
    wire.cut(False)
    took_s = wire.run(lambda: transfer.over)
    assert arrived == content(500_000)
    assert took_s < left / 92_160 + 1.2


def test_a_fetch_goes_on_where_another_one_stopped() -> None:
    missing = Intervals([(10, 20), (3000, 90_000), (99_999, 100_000)])
    host, device = make_host(), make_device()
    wire = connected(host, device)
    wanted = missing.total
    transfer, arrived = start_fetch(wire, host, device, content(100_000), missing)
    wire.run(lambda: transfer.over)
    assert device.sender.sent_bytes == wanted
    assert arrived[3000:90_000] == content(100_000)[3000:90_000]
    assert arrived[:10] == bytes(10)


@pytest.mark.parametrize("size_bytes", [0, 1, 255, 1024, 4096, 8192, 8193])
def test_files_of_awkward_sizes_arrive(size_bytes: int) -> None:
    host, device = make_host(921_600), make_device(921_600)
    wire = connected(host, device, Line(baud=921_600))
    transfer, arrived = start_fetch(wire, host, device, content(size_bytes))
    wire.run(lambda: transfer.over, 2.0)
    assert arrived == content(size_bytes)


def test_a_loss_at_the_end_is_noticed_by_the_marker_and_not_by_a_timer() -> None:
    receiver = BulkReceiver(1, 3000, Intervals([(0, 3000)]), LineRate.of_baud(921_600))
    gets = [receiver.next_get(0.0) for _ in range(4)]
    assert [(get.offset, get.length) for get in gets if get] == [(0, 3000), (3000, 0)]
    receiver.on_data(0, bytes(1000), 0.01)
    receiver.on_data(3000, b"", 0.03)
    again = receiver.next_get(0.03)
    assert again is not None
    assert (again.offset, again.length) == (1000, 2000)
    assert receiver.counts.timeouts == 0


def test_a_block_of_a_later_get_proves_what_was_expected_before_it_lost() -> None:
    receiver = BulkReceiver(1, 1 << 20, Intervals([(0, 1 << 20)]), LineRate.of_baud(921_600))
    gets = []
    while (get := receiver.next_get(0.0)) is not None:
        gets.append(get)
    assert len(gets) >= 3
    receiver.on_data(gets[2].offset, bytes(100), 0.05)
    again = receiver.next_get(0.05)
    assert again is not None
    assert again.offset == 0
    assert receiver.counts.timeouts == 0


def test_late_and_double_blocks_are_taken_once() -> None:
    receiver = BulkReceiver(1, 2000, Intervals([(0, 2000)]), LineRate())
    receiver.next_get(0.0)
    assert receiver.on_data(1000, b"b" * 500, 0.1) == [(1000, b"b" * 500)]
    assert receiver.on_data(900, b"c" * 200, 0.1) == [(900, b"c" * 100)]
    assert receiver.on_data(1000, b"b" * 500, 0.2) == []
    assert receiver.on_data(1900, b"x" * 200, 0.2) == []
    assert receiver.counts.repeated_bytes == 600


def test_when_nothing_comes_everything_is_asked_again_after_growing_waits() -> None:
    receiver = BulkReceiver(1, 5000, Intervals([(0, 5000)]), LineRate.of_baud(921_600))
    while receiver.next_get(0.0):
        pass
    waits = []
    now_s = 0.0
    for _ in range(5):
        deadline_s = receiver.deadline_s()
        assert deadline_s is not None
        assert receiver.next_get(deadline_s - 0.001) is None
        waits.append(round(deadline_s - now_s, 3))
        now_s = deadline_s
        get = receiver.next_get(now_s)
        assert get is not None
        assert get.offset == 0
        while receiver.next_get(now_s):
            pass
    assert waits == [0.25, 0.5, 1.0, 1.0, 1.0]


@given(st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=600), st.floats(0, 0.2)), max_size=40))
def test_whatever_comes_only_missing_bytes_are_handed_on_each_once(blocks: list[tuple[int, bytes, float]]) -> None:
    receiver = BulkReceiver(1, 5000, Intervals([(0, 5000)]), LineRate())
    seen = Intervals()
    now_s = 0.0
    for offset, data, wait_s in blocks:
        now_s += wait_s
        receiver.next_get(now_s)
        for start, piece in receiver.on_data(offset, data, now_s):
            assert data[start - offset : start - offset + len(piece)] == piece
            assert seen.within(start, start + len(piece)) == []
            seen.add(start, start + len(piece))
        assert seen.total + receiver.missing.total == 5000
        assert receiver.outstanding_bytes >= 0


def test_a_hostile_sender_cannot_make_the_receiver_remember_without_bound() -> None:
    size = 20 * MAX_FRAGMENTS
    receiver = BulkReceiver(1, size, Intervals([(0, size)]), LineRate())
    for offset in range(5, size, 10):
        receiver.on_data(offset, b"x", 0.0)
    assert len(receiver.missing) <= MAX_FRAGMENTS
    assert receiver.on_data(0, b"x", 0.0) == [(0, b"x")]


def test_outstanding_gets_and_queued_gets_are_bounded() -> None:
    receiver = BulkReceiver(1, 1 << 30, Intervals((i * 64, i * 64 + 8) for i in range(500)), LineRate())
    while receiver.next_get(0.0):
        pass
    assert len(receiver._asked) == MAX_ASKED
    sender = BulkSender()
    sender.offer(1, Memory(bytes(10_000_000)))
    for index in range(2 * MAX_GETS):
        sender.ask(Get(1, index * 1000, 1000, 500))
    assert len(sender._queue) == MAX_GETS
    sender.ask(Get(1, 0, 1 << 40, 500))
    assert len(sender._queue) == MAX_GETS


def test_gets_are_answered_in_order_in_blocks_no_longer_than_asked() -> None:
    sender = BulkSender()
    data = content(5000)
    sender.offer(3, Memory(data))
    for get in (Get(3, 100, 1000, 400), Get(3, 5000, 0, 1), Get(3, 0, 50, 9_999_999)):
        sender.ask(get)
    blocks = []
    while (frame := sender.next_frame(MAX_BLOCK_BYTES)) is not None:
        assert frame[0] is FrameType.DATA
        block = parse_data(frame[1])
        assert block.data == data[block.offset : block.offset + len(block.data)]
        blocks.append((block.offset, len(block.data)))
    assert blocks == [(100, 400), (500, 400), (900, 200), (5000, 0), (0, 50)]


def test_a_get_asked_again_replaces_the_one_that_waits() -> None:
    sender = BulkSender()
    sender.offer(1, Memory(bytes(1000)))
    for _ in range(3):
        sender.ask(Get(1, 0, 1000, 1000))
    assert sender.next_frame(1000) is not None
    assert sender.next_frame(1000) is None


@pytest.mark.parametrize(("get", "code"), [(Get(9, 0, 10, 10), Code.STALE_HANDLE), (Get(1, 995, 10, 10), Code.INPUT_OUTPUT)])
def test_what_cannot_be_served_is_answered_gone(get: Get, code: Code) -> None:
    sender = BulkSender()
    sender.offer(1, Memory(bytes(1000)))
    sender.ask(get)
    frame = sender.next_frame(100)
    assert frame is not None
    assert frame[0] is FrameType.GONE
    assert parse_gone(frame[1]) == (get.handle, code)


def test_a_fetch_of_a_closed_handle_ends() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    transfer, _ = start_fetch(wire, host, device, content(1_000_000))
    wire.run(lambda: transfer.receiver.missing.total < 900_000)
    device.sender.withdraw(1)
    wire.run(lambda: transfer.over)
    assert transfer.receiver.gone == Code.STALE_HANDLE


def test_a_full_disk_ends_the_fetch_and_nothing_else() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    transfer, _ = start_fetch(wire, host, device, content(500_000))

    def full(_offset: int, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    transfer.sink = full
    wire.run(lambda: transfer.over)
    assert transfer.error is not None
    host.end_transfer(transfer)
    wire.idle(0.1)
    assert not device.sender.waiting
    assert host.state is State.UP


@pytest.mark.parametrize(
    ("errors_per_byte", "lowest", "highest"),
    [(0.0, 4096, 4096), (1e-5, 1200, 2400), (1e-4, 400, 750), (1e-2, MIN_BLOCK_BYTES, MIN_BLOCK_BYTES)],
)
def test_the_block_follows_the_rate_of_losses(errors_per_byte: float, lowest: int, highest: int) -> None:
    blocks = BlockSize(4096)
    rng = random.Random(1)
    for _ in range(4000):
        blocks.arrived(1000)
        if rng.random() < errors_per_byte * 1000:
            blocks.gap()
    assert lowest <= blocks.best_bytes <= highest


def test_the_block_grows_again_when_the_line_has_become_quiet() -> None:
    blocks = BlockSize(4096)
    for _ in range(1000):
        blocks.arrived(500)
        blocks.gap()
    assert blocks.best_bytes == MIN_BLOCK_BYTES
    for _ in range(12_000):
        blocks.arrived(1000)
    assert blocks.best_bytes > 2000


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ber=st.sampled_from([0.0, 1e-6, 1e-5, 1e-4]),
    drop=st.sampled_from([0.0, 1e-4]),
    burst=st.sampled_from([0.0, 1e-4]),
    latency_ms=st.sampled_from([0, 5, 40]),
    baud=st.sampled_from([0, 115_200, 3_000_000]),
    seed=st.integers(0, 1000),
    size_bytes=st.integers(0, 60_000),
)
def test_files_arrive_exactly_over_any_line(
    ber: float, drop: float, burst: float, latency_ms: int, baud: int, seed: int, size_bytes: int
) -> None:
    line = Line(baud=baud, ber=ber, drop=drop, burst=burst, latency_ms=latency_ms, seed=seed)
    host, device = make_host(baud), make_device(baud)
    wire = connected(host, device, line)
    transfer, arrived = start_fetch(wire, host, device, content(size_bytes))
    wire.run(lambda: transfer.over, 300.0)
    assert arrived == content(size_bytes)


def test_two_files_at_once_do_not_disturb_each_other() -> None:
    host, device = make_host(), make_device()
    wire: VirtualLine = connected(host, device)
    first, one = start_fetch(wire, host, device, content(300_000))
    device.sender.offer(2, Memory(content(200_000)))
    two = bytearray(200_000)

    def sink(offset: int, piece: bytes) -> None:
        two[offset : offset + len(piece)] = piece

    second = host.fetch(BulkReceiver(2, 200_000, Intervals([(0, 200_000)]), host.line), sink, wire.now_s)
    wire.run(lambda: first.over and second.over)
    assert one == content(300_000)
    assert two == content(200_000)

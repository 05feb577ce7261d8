"""What the terminal shows: old distances never look new, every size fits, words carry what colours repeat, nothing from a device is obeyed."""

import io
import itertools
from typing import Any

import pytest
from rich.console import Console

from barbotage_device.link.messages import DeviceHello, Event, LogLine, Telemetry
from barbotage_host.live.board import Board
from barbotage_host.live.digits import HEIGHT, large
from barbotage_host.live.lines import event_line, plain, telemetry_line
from barbotage_host.live.screen import draw

STATUS = {
    "rate_hz": 29.7, "latency_ms": 41.2, "frames": 900, "source_drops": 3, "recorder_drops": 1, "source": "v4l2", "state": "live",
    "scale_known": True, "recording": "01JZXW5S3M3Q5C8R1T9V7N2K4P", "simulated": False,
}  # fmt: skip
GUIDANCE = {
    "sequence": 899, "tip_to_target_mm": 12.34, "advance_mm": 11.9, "miss_mm": 2.1, "angle_deg": 31.0, "angle_error_deg": -7.4,
    "certainty": "confirmed", "confidence": 0.93, "in_target": False, "deposits": 2, "target": 1, "prompt": "tip-not-seen",
    "priority": "high", "stale": False,
}  # fmt: skip
HEALTH = {"rss_mb": 200.0, "peak_rss_mb": 210.0, "cpu_celsius": 61.0, "throttled": True, "disk_free_mb": 20_000.0}
HELLO = DeviceHello(bytes(16), bytes(8), "0.1", "Pi", "D1", secured=True, paired=True)


def make_board(**topics: dict[str, Any]) -> Board:
    """A board that heard these topics at 100 s."""
    board = Board(hz=10.0, port="/dev/ttyACM0")
    board.on_connected(HELLO, board.port, 99.0)
    for topic, value in topics.items():
        board.on_telemetry(Telemetry(topic, 1, value), 100.0)
    return board


def shown(board: Board, columns: int = 80, rows: int = 24, now_s: float = 100.1) -> list[str]:
    """The display as plain text."""
    console = Console(width=columns, height=rows, file=io.StringIO(), color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(draw(board, columns, rows, now_s))
    return capture.get().rstrip("\n").split("\n")


def test_all_that_matters_is_on_one_screen_in_words() -> None:
    screen = "\n".join(shown(make_board(status=STATUS, guidance=GUIDANCE, health=HEALTH)))
    for part in (
        "connected  D1", "v4l2: live", "recording 01JZXW5S3M3Q5C8R1T9V7N2K4P", "!!! tip not seen", "confirmed  █████████░ 0.93",
        "angle error -7°", "30 Hz", "41 ms", "3 source, 1 recorder", "61 °C", "THROTTLED", "20.0 GB free", "/dev/ttyACM0", "target 1",
    ):  # fmt: skip
        assert part in screen, f"{part!r} is not in\n{screen}"
    for row in large("12.3"):
        assert row.rstrip() in screen


@pytest.mark.parametrize(("columns", "rows"), itertools.product((20, 40, 59, 60, 80, 200), (4, 12, 19, 20, 24, 60)))
def test_it_fits_every_terminal(columns: int, rows: int) -> None:
    board = make_board(status=STATUS, guidance=GUIDANCE, health=HEALTH)
    for index in range(100):
        board.on_event(Event(index, "bookmark", 1, {"text": "x" * 200}), 100.0)
    lines = shown(board, columns, rows)
    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 12)])
@pytest.mark.parametrize(
    ("change", "now_s", "words"),
    [
        ({"stale": True}, 100.1, []),
        ({}, 102.0, []),
        ({}, 104.0, ["STALE: nothing new for 4 s"]),
        ({"tip_to_target_mm": None}, 100.1, []),
        ({"tip_to_target_mm": float("nan")}, 100.1, []),
        ({"tip_to_target_mm": "12.3"}, 100.1, []),
    ],
)
def test_a_distance_that_is_old_or_no_number_is_not_shown(
    columns: int, rows: int, change: dict[str, Any], now_s: float, words: list[str]
) -> None:
    screen = "\n".join(shown(make_board(status=STATUS, guidance=GUIDANCE | change), columns, rows, now_s))
    assert "12.3" not in screen
    assert large("12.3")[0] not in screen
    assert all(word in screen for word in words), screen
    before = "\n".join(shown(make_board(status=STATUS, guidance=GUIDANCE), columns, rows))
    assert "12.3 mm" in before or large("12.3")[0] in before


def test_a_lost_connection_is_said_and_hides_the_distance_at_once() -> None:
    board = make_board(status=STATUS, guidance=GUIDANCE)
    board.on_lost("the line is silent", 100.05)
    screen = "\n".join(shown(board, now_s=103.05))
    assert "CONNECTION LOST 3 s ago, trying again" in screen
    assert "lost: the line is silent" in screen
    assert "v4l2: was live" in screen
    assert "was recording" in screen
    assert large("12.3")[0] not in screen


def test_a_status_that_stopped_coming_is_said_in_the_past_although_health_still_comes() -> None:
    board = make_board(status=STATUS)
    board.on_telemetry(Telemetry("health", 2, HEALTH), 110.0)
    screen = "\n".join(shown(board, now_s=110.1))
    assert "connected" in screen
    assert "was live" in screen
    assert "was recording" in screen


def test_missing_topics_are_dashes_and_no_scale_is_said() -> None:
    screen = "\n".join(shown(make_board(health=HEALTH)))
    assert "no source: no picture told" in screen
    assert "frames  -   latency -   drops - source, - recorder" in screen
    screen = "\n".join(shown(make_board(status=STATUS | {"scale_known": False}, guidance=GUIDANCE | {"tip_to_target_mm": None})))
    assert "tip to target: no scale" in screen
    assert "NO SCALE" in screen


def test_nothing_that_a_device_says_is_obeyed_by_the_terminal() -> None:
    evil = "a\x1b[2Jb\x07\r\n"
    board = make_board(
        status=STATUS | {"source": evil, "recording": evil}, guidance=GUIDANCE | {"prompt": evil, "certainty": evil}
    )
    board.on_event(Event(1, evil, 1, {evil: evil}), 100.0)
    board.on_log(LogLine(40, 1, evil), 100.0)
    board.on_lost(evil, 100.0)
    line = telemetry_line(board, Telemetry("status", 1, {}), 100.0) or ""
    for text in (*shown(board), line, event_line(Event(1, evil, 1, {evil: evil}))):
        assert text.isprintable(), repr(text)


def test_lines_say_status_with_guidance_events_and_health_where_there_is_no_status() -> None:
    board = make_board(status=STATUS, guidance=GUIDANCE, health=HEALTH)
    line = telemetry_line(board, Telemetry("status", 1, STATUS), 100.1) or ""
    assert all(part in line for part in ("live", "30 Hz", "drops 3+1", "tip to target 12.3 mm", "prompt tip-not-seen"))
    assert telemetry_line(board, Telemetry("health", 1, HEALTH), 100.1) is None
    assert telemetry_line(board, Telemetry("guidance", 1, GUIDANCE), 100.1) is None
    assert "61 °C" in (telemetry_line(make_board(health=HEALTH), Telemetry("health", 1, HEALTH), 100.1) or "")
    assert (
        event_line(Event(1, "prompt", 1, {"kind": "near-bone", "shown": True, "outline": [1]}))
        == "event   prompt  kind near-bone, shown True"
    )


def test_values_become_plain_json() -> None:
    assert plain({"a": [float("inf"), b"\x01\xff", {1: None}], "b": True}) == {"a": [None, "01ff", {"1": None}], "b": True}


def test_the_link_is_reckoned_from_the_counters_of_both_ends() -> None:
    board = make_board()
    board.on_counts({"received_bytes": 1000, "missed": 1, "damaged": 2, "mended": 3}, {"missed": 10}, 0.004, 100.0)
    board.on_counts({"received_bytes": 5000, "missed": 1, "damaged": 2, "mended": 3}, {"missed": 10, "mended": 1}, 0.004, 102.0)
    assert (board.link.received_bytes_per_s, board.link.lost_frames, board.link.mended) == (2000.0, 13, 4)
    assert board.link.round_trip_ms == pytest.approx(4.0)


def test_large_digits_have_one_height_and_every_digit_its_own_shape() -> None:
    shapes = {tuple(large(digit)) for digit in "0123456789-."}
    assert len(shapes) == 12
    assert all(len(rows) == HEIGHT and len(set(map(len, rows))) == 1 for rows in shapes)

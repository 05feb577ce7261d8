"""The display of a device in a terminal: every line of it, for any size. Words and shapes carry the meaning, colour only repeats it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from barbotage_host.devices.words import duration, size
from barbotage_host.live.board import Board, number, printable, word
from barbotage_host.live.digits import HEIGHT, large

NOTHING = "-"
LARGE_FROM = (60, 20)
"""Columns and rows from which on the distance is shown in large digits."""
LARGE_WIDTH = 40
BAR_CELLS = 10
BYTES_PER_MB = 1e6
PRIORITY_MARKS = {"high": "!!!", "medium": "!!", "low": "!"}
CERTAINTY_WORDS = {"confirmed": "confirmed", "shaft-only": "shaft only", "unknown": "unknown"}
STATE_WORDS = {"no-image": "no image", "lost": "source lost", "frozen": "frozen picture", "stale": "old picture"}
GOOD, CARE, BAD, DIM, STRONG = "green", "yellow", "bold red", "dim", "bold"


def draw(board: Board, columns: int, rows: int, now_s: float) -> Group:
    """The whole display, ``rows`` lines of at most ``columns`` cells."""
    lines = [*_heading(board, now_s), *_guidance(board, columns, rows, now_s), *_figures(board, columns >= LARGE_FROM[0], now_s)]
    room = rows - len(lines)
    if room >= 2:
        lines.append(Text("─" * columns, DIM))
        lines += [
            Text(f"{duration(now_s - each.at_s):>6} ago  {each.kind}  {each.text}") for each in list(board.news)[1 - room :]
        ]
    for line in lines:
        line.truncate(columns, overflow="ellipsis")
    return Group(*lines[:rows])


def _heading(board: Board, now_s: float) -> list[Text]:
    device = board.device
    first = Text()
    if board.connected:
        age_s = board.age_s(now_s)
        if board.stale(now_s):
            first.append(f"STALE: nothing new for {duration(age_s or 0.0)}", BAD)
        else:
            first.append("connected" if age_s is not None else "connected, nothing told yet", GOOD)
    else:
        first.append(f"CONNECTION LOST {duration(now_s - board.since_s)} ago, trying again", BAD)
    first.append(f"  {board.name or (device and printable(device.serial)) or NOTHING}", STRONG)
    if device is not None and not device.secured:
        first.append("  LABORATORY SETTING: NOT SECURED", BAD)
    return [first, _source(board, now_s)]


def _source(board: Board, now_s: float) -> Text:
    """What the device looks at and records; what is not known to hold now is said in the past."""
    status = board.value("status")
    state, recording = word(status, "state"), word(status, "recording")
    now = board.holds("status", now_s)
    line = Text().append(f"{word(status, 'source') or 'no source'}: ", DIM)
    if state:
        line.append(("" if now else "was ") + STATE_WORDS.get(state, state), GOOD if state == "live" and now else CARE)
    else:
        line.append("no picture told", CARE)
    if status.get("simulated") is True:
        line.append("  SIMULATED", CARE)
    if recording:
        return line.append(f"  ● {'' if now else 'was '}recording {recording}", BAD)
    return line.append("  ○ not recording" if now else "", DIM)


def _guidance(board: Board, columns: int, rows: int, now_s: float) -> list[Text]:
    guidance = board.guidance(now_s)
    distance_mm = number(guidance, "tip_to_target_mm")
    facts = _guidance_facts(board, guidance)
    if columns < LARGE_FROM[0] or rows < LARGE_FROM[1]:
        first = Text("tip to target ").append(_mm(distance_mm), STRONG)
        if guidance.get("in_target") is True:
            first.append("  IN TARGET", GOOD)
        return [first, *facts]
    digits = large(NOTHING if distance_mm is None else f"{distance_mm:.1f}")
    label = "tip to target, mm" if distance_mm is not None else f"tip to target: {_why_none(board, guidance)}"
    left = ["", *digits, "", label + ("   IN TARGET" if guidance.get("in_target") is True else "")]
    right = [Text(), *facts]
    lines = []
    for index in range(HEIGHT + 3):
        line = Text().append(f"  {left[index]}"[:LARGE_WIDTH].ljust(LARGE_WIDTH), STRONG)
        lines.append(line.append_text(right[index]) if index < len(right) else line)
    return [*lines, Text("─" * columns, DIM)]


def _guidance_facts(board: Board, guidance: Mapping[str, Any]) -> list[Text]:
    kind, priority = word(guidance, "prompt"), word(guidance, "priority")
    style = BAD if priority == "high" else CARE
    prompt = Text("prompt      ")
    if kind:
        prompt.append(f"{PRIORITY_MARKS.get(priority or '', '!')} {kind.replace('-', ' ')}", style)
    else:
        prompt.append(NOTHING)
    certainty = word(guidance, "certainty")
    confidence = number(guidance, "confidence")
    sure = Text(f"certainty   {CERTAINTY_WORDS.get(certainty, certainty) if certainty else NOTHING}  ")
    sure.append(_bar(confidence), GOOD if certainty == "confirmed" else CARE)
    deposits = number(guidance, "deposits")
    count = NOTHING if deposits is None else f"{deposits:.0f}"
    target = guidance.get("target")
    chosen = NOTHING if not isinstance(target, int | str) else printable(str(target))
    scale = board.value("status").get("scale_known") is False
    return [
        prompt,
        Text(f"angle error {_degrees(number(guidance, 'angle_error_deg'))}   angle {_degrees(number(guidance, 'angle_deg'))}"),
        Text(f"advance     {_mm(number(guidance, 'advance_mm'))}   miss {_mm(number(guidance, 'miss_mm'))}"),
        sure,
        Text(f"deposits    {count}   target {chosen}" + ("   NO SCALE" if scale else "")),
    ]


def _figures(board: Board, wide: bool, now_s: float) -> list[Text]:
    status, link = board.value("status"), board.link
    age_s = board.age_s(now_s)
    rate = NOTHING if link.received_bytes_per_s is None else f"{size(link.received_bytes_per_s)}/s"
    trip = NOTHING if link.round_trip_ms is None else f"{link.round_trip_ms:.0f} ms"
    drops, missed = (_count(status, key) for key in ("source_drops", "recorder_drops"))
    frames, latency = _with_unit(status, "rate_hz", "Hz"), _with_unit(status, "latency_ms", "ms")
    age = NOTHING if age_s is None else f"{age_s:.1f} s old"
    if not wide:
        return [
            Text(f"frames  {frames}  {latency}  drops {drops}+{missed}"),
            _health(board.value("health"), wide),
            Text(f"link    {rate}  {trip}  {link.lost_frames} lost"),
            Text(f"newest  {age}", DIM),
        ]
    return [
        Text(f"frames  {frames}   latency {latency}   drops {drops} source, {missed} recorder"),
        _health(board.value("health"), wide),
        Text(f"link    {rate}   round trip {trip}   frames {link.lost_frames} lost, {link.mended} mended"),
        Text(f"newest  {age}   {board.port}", DIM),
    ]


def _health(health: Mapping[str, Any], wide: bool) -> Text:
    heat, free, memory = (number(health, key) for key in ("cpu_celsius", "disk_free_mb", "rss_mb"))
    line = Text(f"board   {NOTHING if heat is None else f'{heat:.0f} °C'}")
    if health.get("throttled") is True:
        line.append("  THROTTLED", BAD)
    line.append(f"   disk {NOTHING if free is None else size(free * BYTES_PER_MB)} free")
    if wide:
        line.append(f"   memory {NOTHING if memory is None else size(memory * BYTES_PER_MB)}")
    return line


def _why_none(board: Board, guidance: Mapping[str, Any]) -> str:
    if not guidance:
        return "no guidance"
    if board.value("status").get("scale_known") is False:
        return "no scale"
    return "not known"


def _mm(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f} mm"


def _degrees(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f}°"


def _count(value: Mapping[str, Any], key: str) -> str:
    found = number(value, key)
    return NOTHING if found is None else f"{found:.0f}"


def _with_unit(value: Mapping[str, Any], key: str, unit: str) -> str:
    found = number(value, key)
    return NOTHING if found is None else f"{found:.0f} {unit}"


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    full = round(BAR_CELLS * min(1.0, max(0.0, share)))
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {share:.2f}"

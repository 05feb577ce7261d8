"""The display of a device where there is no terminal: one line for each status and event, or JSON for each message."""

import math
from typing import Any

from barbotage_device.link.messages import Event, LogLine, Telemetry
from barbotage_host.devices.words import size
from barbotage_host.live.board import Board, number, printable, summary, word

STATUS_FOR_S = 5.0
"""So long after a status, health needs no line of its own."""
NOTHING = "-"
BYTES_PER_MB = 1e6


def telemetry_line(board: Board, message: Telemetry, now_s: float) -> str | None:
    """The line for a message that the board has taken already; None when it needs none."""
    if message.topic == "status":
        return _status_line(board, now_s)
    if message.topic == "guidance":
        return None  # part of the next status
    status = board.topics.get("status")
    if message.topic == "health":
        recent = status is not None and now_s - status.at_s < STATUS_FOR_S
        return None if recent else _health_line(board)
    return f"{printable(message.topic)}  {summary(message.value)}"


def event_line(event: Event) -> str:
    """The line for an event."""
    return f"event   {printable(event.topic)}  {summary(event.value)}".rstrip()


def log_line(line: LogLine) -> str:
    """The line for a line of the log."""
    return f"log     {printable(line.text)}"


def telemetry_object(message: Telemetry) -> dict[str, Any]:
    """The JSON object for a message."""
    return {"type": "telemetry", "topic": message.topic, "t_ns": message.t_ns, "value": plain(message.value)}


def event_object(event: Event) -> dict[str, Any]:
    """The JSON object for an event."""
    return {"type": "event", "sequence": event.sequence, "topic": event.topic, "t_ns": event.t_ns, "value": plain(event.value)}


def log_object(line: LogLine) -> dict[str, Any]:
    """The JSON object for a line of the log."""
    return {"type": "log", "level": line.level, "t_ns": line.t_ns, "text": line.text}


def plain(value: Any) -> Any:
    """A value of a message as JSON knows values: bytes become hexadecimal, what is no number becomes null."""
    match value:
        case bytes():
            return value.hex()
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
    return value


def _status_line(board: Board, now_s: float) -> str:
    status, guidance = board.value("status"), board.guidance(now_s)
    prompt, certainty = word(guidance, "prompt"), word(guidance, "certainty")
    parts = [
        word(status, "state") or NOTHING,
        _number(status, "rate_hz", "Hz"),
        _number(status, "latency_ms", "ms"),
        f"drops {_number(status, 'source_drops')}+{_number(status, 'recorder_drops')}",
        f"recording {word(status, 'recording') or 'no'}",
        f"tip to target {_number(guidance, 'tip_to_target_mm', 'mm', 1)}",
        f"angle error {_number(guidance, 'angle_error_deg', 'deg')}",
        f"certainty {certainty or NOTHING}",
        f"prompt {prompt or NOTHING}",
        f"deposits {_number(guidance, 'deposits')}",
    ]
    return "status  " + "  ".join(parts) + ("  SIMULATED" if status.get("simulated") is True else "")


def _health_line(board: Board) -> str:
    health = board.value("health")
    free = number(health, "disk_free_mb")
    parts = [
        _number(health, "cpu_celsius", "°C"),
        f"disk {NOTHING if free is None else size(free * BYTES_PER_MB)} free",
        f"memory {_number(health, 'rss_mb', 'MB')}",
    ]
    return "health  " + "  ".join(parts) + ("  THROTTLED" if health.get("throttled") is True else "")


def _number(value: Any, key: str, unit: str = "", decimals: int = 0) -> str:
    found = number(value, key)
    return NOTHING if found is None else f"{found:.{decimals}f} {unit}".rstrip()

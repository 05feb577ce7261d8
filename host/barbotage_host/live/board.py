"""What was heard from a device lately, and how the link does. No I/O, no clock: time comes in as ``now_s``, monotonic."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from barbotage_device.link.messages import DeviceHello, Event, LogLine, Telemetry

KEPT_NEWS = 200
STALE_AFTER_S = 2.5
"""The slowest topic comes each second: two were missed."""
GUIDANCE_FOR_S = 1.0
"""The device itself hides guidance after 0.2 s (bedside/view.py); the link and a busy terminal may add to that."""
RATE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A topic's newest value, and when it came."""

    value: Mapping[str, Any]
    at_s: float


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened: an event, a line of the log, the connection."""

    at_s: float
    kind: str
    text: str


@dataclass(slots=True)
class LinkFigures:
    """How the link does. ``lost_frames`` were noticed missing or damaged at either end, ``mended`` saved; since the connection began."""

    received_bytes_per_s: float | None = None
    round_trip_ms: float | None = None
    lost_frames: int = 0
    mended: int = 0


@dataclass(slots=True)
class Board:
    """Everything that a display of the device needs. ``hz``: how often guidance was asked for at most."""

    hz: float
    name: str = ""
    port: str = ""
    device: DeviceHello | None = None
    connected: bool = False
    since_s: float = 0.0
    """When the connection came or went."""
    why: str = ""
    """Why it went."""
    topics: dict[str, Heard] = field(default_factory=dict)
    news: deque[News] = field(default_factory=lambda: deque(maxlen=KEPT_NEWS))
    link: LinkFigures = field(default_factory=LinkFigures)
    _counted: tuple[float, int] | None = None

    def on_connected(self, device: DeviceHello, port: str, now_s: float) -> None:
        """The connection has come, or come back."""
        self.device, self.port, self.connected, self.since_s, self.why = device, port, True, now_s, ""
        self.link, self._counted = LinkFigures(), None
        self.news.append(News(now_s, "connection", "connected"))

    def on_lost(self, why: str, now_s: float) -> None:
        """The connection is gone."""
        if self.connected:
            self.connected, self.since_s = False, now_s
            self.news.append(News(now_s, "connection", f"lost: {printable(why)}"))
        self.why = printable(why)

    def on_telemetry(self, message: Telemetry, now_s: float) -> None:
        """A topic's newest value."""
        self.topics[message.topic] = Heard(message.value if isinstance(message.value, dict) else {}, now_s)

    def on_event(self, event: Event, now_s: float) -> None:
        """Something has happened."""
        self.news.append(News(now_s, printable(event.topic), summary(event.value)))

    def on_log(self, line: LogLine, now_s: float) -> None:
        """A line of the device's log."""
        self.news.append(News(now_s, "log", printable(line.text)))

    def on_counts(self, here: Mapping[str, int], there: Mapping[str, Any], round_trip_s: float | None, now_s: float) -> None:
        """The counters of this end and of the device's, and how long an answer took."""
        received = here["received_bytes"]
        if self._counted is not None and now_s - self._counted[0] >= RATE_EVERY_S / 2:
            self.link.received_bytes_per_s = max(0, received - self._counted[1]) / (now_s - self._counted[0])
        self._counted = (now_s, received)
        if round_trip_s is not None:
            self.link.round_trip_ms = 1000.0 * round_trip_s
        ends = (here, there)
        self.link.lost_frames = sum(int(number(end, key) or 0) for end in ends for key in ("missed", "damaged"))
        self.link.mended = sum(int(number(end, "mended") or 0) for end in ends)

    def value(self, topic: str) -> Mapping[str, Any]:
        """A topic's newest value, empty when it was never heard."""
        heard = self.topics.get(topic)
        return {} if heard is None else heard.value

    def guidance(self, now_s: float) -> Mapping[str, Any]:
        """The newest guidance; empty when it is too old, or marked as stale by the device: an old distance must not look like a new one."""
        heard = self.topics.get("guidance")
        if heard is None or not self.connected or now_s - heard.at_s > max(GUIDANCE_FOR_S, 2.5 / self.hz):
            return {}
        return {} if heard.value.get("stale") is True else heard.value

    def age_s(self, now_s: float) -> float | None:
        """Since the newest telemetry of any topic; None before the first."""
        newest = max((heard.at_s for heard in self.topics.values()), default=None)
        return None if newest is None else now_s - newest

    def stale(self, now_s: float) -> bool:
        """Whether all that is shown is old."""
        age_s = self.age_s(now_s)
        return age_s is not None and age_s > max(STALE_AFTER_S, 2.5 / self.hz)

    def holds(self, topic: str, now_s: float) -> bool:
        """Whether a topic's newest value can be taken for what is the case now."""
        heard = self.topics.get(topic)
        return self.connected and heard is not None and now_s - heard.at_s <= max(STALE_AFTER_S, 2.5 / self.hz)


def number(value: Mapping[str, Any], key: str) -> float | None:
    """A finite number of a message, None when there is none."""
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def word(value: Mapping[str, Any], key: str) -> str | None:
    """A text of a message, fit for a terminal; None when there is none."""
    found = value.get(key)
    return printable(found) if isinstance(found, str) and found else None


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def summary(value: Any) -> str:
    """An event's value in a few words: outlines and other long parts are left out."""
    if not isinstance(value, dict):
        return "" if value is None else printable(str(value))
    short = {key: each for key, each in value.items() if each is not None and not isinstance(each, dict | list | bytes)}
    return ", ".join(f"{printable(str(key))} {printable(str(each))}" for key, each in short.items())

"""What a session tells of its procedure as a whole: states, checklist, agents, cycles, outcome, and the sessions it goes on from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.checklist import Item, check_answer, checklist_of
from barbotage_device.procedure.events import PHASE, EventKind
from barbotage_device.runtime.conduct.continuing import ORIENTATION
from barbotage_device.session.events import Event
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.continued import Find, Link, links_of
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.states import Stretch, stretches, totals

E = EventKind
TIME_DECIMALS = 6
DURATION_DECIMALS = 3
ENTRIES = tuple(
    kind.value
    for kind in (
        E.DEVICE_CHECK, E.PLAN, E.MEASURE, E.AGENT, E.NEEDLE, E.TIP_VERIFIED, E.TURBIDITY, E.SYRINGE, E.PASS, E.DISTENSION,
        E.RESIDUAL, E.COMPLICATION, E.PAIN, E.PATIENT_EVENT, E.SIGN,
    )
)  # fmt: skip
"""Records that are listed one by one, as they were typed."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event of the procedure; ``session`` names the earlier session that holds it, None for the one that is shown."""

    event: Event
    session: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a session holds, read once."""

    reader: SessionReader
    index: FrameIndex
    events: Sequence[Event]


def procedure_document(session: Told, find: Find) -> dict[str, Any]:
    """The procedure as JSON values; ``find`` gives the sessions that it goes on from.

    ``followed``: whether a procedure was followed at all (else only phases may be known). ``complete``: whether every session that it
    began in is held; without one of them, what is not recorded here may be recorded there. Entries of an earlier session name it in
    ``session`` and have no time, since its clock is another.
    """
    index, events = session.index, session.events
    links = links_of(events, find)
    earlier = [link.earlier for link in reversed(links) if link.earlier is not None]
    told = [_Entry(event, part.manifest.id) for part in earlier for event in part.events]
    told += [_Entry(event, None) for event in events]
    return {
        "followed": any(_is_of_procedure(one.event) for one in told),
        "complete": all(link.earlier is not None for link in links),
        "continued": _continued(links[0]) if links else None,
        "totals": {state: round(seconds, DURATION_DECIMALS) for state, seconds in totals(session_stretches(session)).items()},
        "checklist": _checklist(told),
        "entries": [_entry(one, index) for one in told if one.event.kind in ENTRIES],
        "cycles": _cycles(told),
        "orientation": next((one.event.value for one in reversed(told) if one.event.kind == ORIENTATION), None),
    }


def session_stretches(session: Told) -> list[Stretch]:
    """The stays in states of a session, from its first frame to its last event or frame."""
    started_ns = session.reader.manifest.header.started_capture_ns
    lasts = [*(event.at_ns for event in session.events[-1:]), *(int(ns) for ns in session.index.capture_ns[-1:])]
    return stretches(session.events, started_ns, max(lasts, default=started_ns))


def state_rows(session: Told) -> list[dict[str, Any]]:
    """The stays with their seconds and frames; ``to_frame`` is the first frame of what follows, for the last the number of frames."""
    index, stays = session.index, session_stretches(session)
    starts = [index.at_time(stay.begin_ns) for stay in stays]
    ends = [*starts[1:], len(index)]
    return [_state_row(stay, index, frames) for stay, frames in zip(stays, zip(starts, ends, strict=False), strict=True)]


def _state_row(stay: Stretch, index: FrameIndex, frames: tuple[int, int]) -> dict[str, Any]:
    return {
        "phase": stay.state,
        "from": stay.before,
        "by": stay.by,
        **stay.told,
        "t_s": round(index.seconds(stay.begin_ns), TIME_DECIMALS),
        "duration_s": round(stay.duration_s, DURATION_DECIMALS),
        "from_frame": frames[0],
        "to_frame": frames[1],
    }


def _is_of_procedure(event: Event) -> bool:
    """Whether only a procedure records this: a demo says its phases too, but neither how they were entered nor what was asked."""
    return event.kind in (E.DEVICE_CHECK, E.ANSWER, E.RESTART) or (event.kind == PHASE and "trigger" in event.value)


def _continued(link: Link) -> dict[str, Any]:
    earlier = link.earlier
    return {
        "session": link.session,
        "identity": None if earlier is None else earlier.identity,
        "started_utc_ns": None if earlier is None else earlier.manifest.header.started_utc_ns,
        "unchanged": link.unchanged,
    }


def _checklist(told: Sequence[_Entry]) -> list[dict[str, Any]]:
    """Every item in the order of the list, with its newest answer and what was told with it; answer None: not recorded."""
    answers = [one for one in told if one.event.kind == E.ANSWER and _is_answer(one.event)]
    held = checklist_of(one.event.value for one in answers).answers
    sources = {one.event.value["item"]: one.session for one in answers}
    rows = []
    for item in Item:
        value = dict(held.get(item, {}))
        rows.append(
            {"item": item.value, "answer": value.pop("answer", None), "details": value, "session": sources.get(item.value)}
        )
    return rows


def _is_answer(event: Event) -> bool:
    try:
        check_answer(event.value)
    except UsageError:
        return False
    return True


def _entry(told: _Entry, index: FrameIndex) -> dict[str, Any]:
    event, here = told.event, told.session is None
    return {
        "kind": event.kind,
        "by": event.by,
        "value": event.value,
        "session": told.session,
        "t_s": round(index.seconds(event.at_ns), TIME_DECIMALS) if here else None,
        "frame": index.at_time(event.at_ns) if here else None,
    }


def _cycles(told: Sequence[_Entry]) -> dict[str, Any]:
    """How many lavage cycles the procedure has, by what counted them. The newest number counts: cycles before may lie in a session not held."""
    values = [one.event.value for one in told if one.event.kind == E.CYCLE]
    numbers = [value["count"] for value in values if isinstance(value.get("count"), int)]
    return {
        "count": max([len(values), *numbers[-1:]]),
        "here": sum(one.session is None for one in told if one.event.kind == E.CYCLE),
        "from": dict(Counter(str(value.get("from")) for value in values)),
    }

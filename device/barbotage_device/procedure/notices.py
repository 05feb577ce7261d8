"""The one prompt to show in the present state, among those of the guidance and those of the procedure.

``guidance.prompter`` decides with hysteresis what is raised; here it is decided what belongs to the state, what a patient event
silences, and what was said a moment ago. Everything held back is named with its reason, for the record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from barbotage_device.guidance.prompt import Priority, PromptKind, Prompts
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.settings import NS_PER_S
from barbotage_device.procedure.standing import OwnPrompt, Standing
from barbotage_device.procedure.states import State

S = State
Kind = PromptKind | OwnPrompt

_NEEDLE_IN = (S.ANAESTHESIA, S.ADVANCE, S.VERIFY_TIP, S.LAVAGE, S.FRAGMENT, S.BURSA_INJECT)
_LOOKING = (S.SCAN, S.PLAN, *_NEEDLE_IN, S.POST_SCAN)

GUIDANCE_STATES: Mapping[PromptKind, tuple[State, ...]] = MappingProxyType(
    {
        PromptKind.TIP_NOT_SEEN: (*_NEEDLE_IN, S.PAUSE),
        PromptKind.PROBE_MOVED: (S.ADVANCE, S.LAVAGE, S.FRAGMENT),
        PromptKind.NEAR_BONE: (*_NEEDLE_IN, S.PAUSE),
        PromptKind.PAST_TARGET: (S.ADVANCE, S.VERIFY_TIP, S.LAVAGE),
        PromptKind.STEEP_ANGLE: (S.PLAN, S.ANAESTHESIA, S.ADVANCE),
        PromptKind.LOW_QUALITY: (S.SCAN, S.ADVANCE, S.VERIFY_TIP, S.POST_SCAN),
        PromptKind.STALE: (*_LOOKING, S.PAUSE, S.ABORT),
    }
)
"""In which states a prompt of the guidance says something that the operator can act on.

FRAGMENT passes through and past the deposit on purpose, VERIFY_TIP moves the probe on purpose; PAUSE keeps what a needle left in the patient needs.
"""


class Held(StrEnum):
    """Why a raised prompt is not shown."""

    NOT_HERE = "not-in-this-state"
    SILENCED = "patient-event"
    REPEATED = "repeated"
    OUTRANKED = "outranked"


@dataclass(frozen=True, slots=True)
class Notice:
    """A raised prompt, since when."""

    kind: Kind
    priority: Priority
    since_ns: int


@dataclass(frozen=True, slots=True)
class Notices:
    """What to show, at most one, and what was held back and why."""

    shown: Notice | None
    held: tuple[tuple[Notice, Held], ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What was raised since when, and when each kind was last begun to be shown. One per procedure; begins empty."""

    since_ns: Mapping[Kind, int] = field(default_factory=dict)
    told_ns: Mapping[Kind, int] = field(default_factory=dict)


def choose(
    memory: Memory,
    procedure: Procedure,
    raised: tuple[Prompts, Iterable[Standing]],
    now_ns: int,
    settings: PrompterSettings | None = None,
) -> tuple[Memory, Notices]:
    """The notice to show now, with the memory to give to the next call.

    ``raised`` is what ``Prompter.update`` and ``standing`` gave. The highest priority wins, then the guidance's own order, then the order of
    OwnPrompt. A notice taken down is not begun again within the prompter's ``repeat_s``, HIGH excepted. After a patient event only HIGH is shown.
    """
    wanted = settings or PrompterSettings()
    notices = _raised(memory, *raised, now_ns)
    told = dict(memory.told_ns)
    shown: Notice | None = None
    held: list[tuple[Notice, Held]] = []
    for notice in sorted(notices, key=lambda one: -one.priority):
        why = _held(notice, procedure, now_ns) or (Held.OUTRANKED if shown is not None else None)
        if why is None and not _may_begin(notice, told.get(notice.kind), now_ns, wanted.repeat_s):
            why = Held.REPEATED
        if why is not None:
            held.append((notice, why))
            continue
        shown = notice
        if told.get(notice.kind, -1) < notice.since_ns:
            told[notice.kind] = now_ns
    return Memory({one.kind: one.since_ns for one in notices}, told), Notices(shown, tuple(held))


def _raised(memory: Memory, prompts: Prompts, own: Iterable[Standing], now_ns: int) -> list[Notice]:
    """Everything raised, the guidance's in its own order of importance and before the procedure's.

    What the prompter holds back for its own hold-off is among it: that rule is applied here, once, to all.
    """
    guided = [*([] if prompts.shown is None else [prompts.shown]), *prompts.suppressed]
    order = {kind: place for place, kind in enumerate(PromptKind)}
    found = [Notice(one.kind, one.priority, memory.since_ns.get(one.kind, one.since_ns)) for one in guided]
    found.sort(key=lambda one: order[PromptKind(one.kind)])
    return found + [Notice(one.kind, one.priority, memory.since_ns.get(one.kind, now_ns)) for one in own]


def _held(notice: Notice, procedure: Procedure, now_ns: int) -> Held | None:
    states = GUIDANCE_STATES.get(notice.kind) if isinstance(notice.kind, PromptKind) else None
    if states is not None and procedure.state not in states:
        return Held.NOT_HERE
    if notice.priority is not Priority.HIGH and procedure.is_silent(now_ns):
        return Held.SILENCED
    return None


def _may_begin(notice: Notice, told_ns: int | None, now_ns: int, repeat_s: float) -> bool:
    """Whether it goes on being shown, was never shown, may be shown again, or must not wait."""
    if told_ns is None or told_ns >= notice.since_ns or notice.priority is Priority.HIGH:
        return True
    return now_ns - told_ns >= repeat_s * NS_PER_S

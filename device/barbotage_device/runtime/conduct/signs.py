"""What the screen shows of the procedure beside question and buttons: proposal, prompt, lines of the panel, the ends of the picture."""

from barbotage_device.bedside.procedure_signs import Notice as NoticeSign
from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.bedside.texts import Texts
from barbotage_device.guidance.prompt import PromptKind
from barbotage_device.perception.tracks import TrackState
from barbotage_device.procedure.entries import DEVICE_CHECKS, PLANES
from barbotage_device.procedure.events import EventKind, Proposal, Reason, Refusal
from barbotage_device.procedure.guidance_side import enters_elsewhere
from barbotage_device.procedure.notices import Notice
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.settings import NS_PER_MIN, NS_PER_S, ProcedureSettings
from barbotage_device.procedure.standing import OwnPrompt
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import NEXT
from barbotage_device.procedure.times import time_in_ns
from barbotage_device.runtime.pipeline import Guidance
from barbotage_models.contract.taxonomy import EntrySide

E, S = EventKind, State
Facts = tuple[tuple[Said, str], ...]


def proposal_said(procedure: Procedure) -> Said | None:
    """What a tap of the pedal accepts now."""
    proposal = procedure.proposal
    return None if proposal is None else _proposed(procedure, proposal)


def _proposed(procedure: Procedure, proposal: Proposal) -> Said:
    if proposal.event is E.CONFIRM:
        to = NEXT.get(procedure.state, procedure.state)
        return Said("propose-confirm", {"to": f"phase-{to}"})
    plane = proposal.value.get("plane")
    return Said(f"propose-{proposal.event}", {} if plane is None else {"plane": f"plane-{plane}"})


def notice_sign(notice: Notice | None, settings: ProcedureSettings) -> NoticeSign | None:
    """The one prompt to show."""
    if notice is None:
        return None
    values = {"minutes": f"{settings.long_lavage_min:g}"} if notice.kind is OwnPrompt.LONG_LAVAGE else {}
    return NoticeSign(Said(prompt_key(notice.kind), values), notice.priority)


def prompt_key(kind: PromptKind | OwnPrompt) -> str:
    """The text key of a prompt: the value of its kind, as the screen's catalogue has it."""
    return kind.value


def refusal_said(refusal: Refusal) -> Said:
    """Why nothing was done."""
    return Said(f"refused-{refusal.reason}")


INVALID = Said(f"refused-{Reason.INVALID}")
NOTHING_PROPOSED = Said(f"refused-{Reason.NOTHING_PROPOSED}")
NOT_HERE = Said(f"refused-{Reason.NOT_HERE}")


def facts(procedure: Procedure, guidance: Guidance | None, now_ns: int, texts: Texts) -> Facts:
    """The lines of the panel in the present state, the most important first."""
    found: list[tuple[Said, str]] = []
    if _from_elsewhere(procedure, guidance):
        found.append((Said("enters-elsewhere"), ""))
    if procedure.is_silent(now_ns) and procedure.silent_until_ns is not None:
        found.append((Said("silenced"), f"{(procedure.silent_until_ns - now_ns) // NS_PER_S} s"))
    if procedure.run_side_differs:
        found.append((Said("device-side"), texts("answer-no")))
    shown = procedure.paused_from or procedure.state
    if shown is S.CHECK_DEVICE:
        found += _checks(procedure, texts)
    if shown in (S.SCAN, S.VERIFY_TIP, S.POST_SCAN):
        found += _planes(procedure, shown, texts)
    if shown in (S.LAVAGE, S.FRAGMENT, S.BURSA_INJECT):
        found += _lavage(procedure, now_ns, texts)
    return tuple(found)


def _checks(procedure: Procedure, texts: Texts) -> Facts:
    """What failed, then what passed; a check not made yet is not shown."""
    made = {str(value["check"]): value["passed"] is True for value in procedure.all_of(E.DEVICE_CHECK)}
    names = sorted((name for name in DEVICE_CHECKS if name in made), key=lambda name: made[name])
    return tuple((Said(f"device-{name}"), texts("answer-yes" if made[name] else "answer-no")) for name in names)


def _planes(procedure: Procedure, shown: State, texts: Texts) -> Facts:
    """The axis said, and in which axes it was done already."""
    plane = "answer-not-recorded" if procedure.plane is None else f"plane-{procedure.plane}"
    done, key = procedure.planes_verified, "event-tip-verified"
    if shown is not S.VERIFY_TIP:
        done, key = procedure.planes_measured("after" if shown is S.POST_SCAN else "before"), "event-measurement"
    words = ", ".join(texts(f"plane-{one}") for one in PLANES if one in done)
    return ((Said("event-plane"), texts(plane)), *(((Said(key), words),) if words else ()))


def _lavage(procedure: Procedure, now_ns: int, texts: Texts) -> Facts:
    found = [(Said("event-lavage-cycle"), str(procedure.cycles))]
    turbidity = procedure.last_of(E.TURBIDITY)
    if turbidity is not None:
        found.append((Said("event-turbidity"), texts(f"turbidity-{turbidity['turbidity']}")))
    syringes = len(procedure.all_of(E.SYRINGE))
    if syringes:
        found.append((Said("event-syringe-change"), str(syringes)))
    minutes = time_in_ns(procedure, (S.LAVAGE, S.FRAGMENT), now_ns) // NS_PER_MIN
    return (*found, (Said("phase-lavage"), f"{minutes} min"))


def _from_elsewhere(procedure: Procedure, guidance: Guidance | None) -> bool:
    """Whether a tracked needle comes from the side opposite to the plan."""
    plan = procedure.last_of(E.PLAN)
    if plan is None or guidance is None or guidance.tracks.needle.state is not TrackState.TRACKING:
        return False
    return enters_elsewhere(EntrySide(plan["side"]), guidance.tracks.needle.side)

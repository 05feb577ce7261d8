"""What the panel and the strip say: pure text, without a pixel. Nothing in mm leaves this module without a scale."""

from dataclasses import dataclass
from enum import StrEnum

from barbotage_device.bedside.calipers import length_mm
from barbotage_device.bedside.procedure_signs import ProcedureSigns
from barbotage_device.bedside.texts import NARROW_SPACE, Texts, texts_in
from barbotage_device.bedside.view import BedsideView, DisplayState, display_state, guidance_age_ns, is_slow, known
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_device.perception.scene import Deposit

ABSENT = "–"
"""Stands where a value is not known: never a zero, never the last one."""
BONE_SHOWN_BELOW_MM = 10.0
"""Clearance to bone is told below this (a needle's length of reaction at 10 mm/s is 1 s; choice of the project)."""
CONFIDENCE_SEGMENTS = 5
CONFIDENCE_HIGH = 0.85
CONFIDENCE_MEDIUM = 0.6
"""Words for the calibrated probability; choice of the project, not a published scale."""
FACTS_BESIDE_NUMBERS = 2
"""Rows for which there is room above the buttons of a procedure."""
UNBROKEN_SPACE = "\u00a0"
PAIR_MARKS = ("+", "×")
"""How the ends of the first and of the second pair of calipers are drawn."""
NS_PER_MS = 1_000_000
GUIDING = (DisplayState.CONFIRMED, DisplayState.SHAFT_ONLY)
"""States in which the needle is drawn and told."""
MARKING = (*GUIDING, DisplayState.SEARCHING, DisplayState.LOST, DisplayState.FROZEN)
"""States in which deposits and bone are drawn and told."""


class Slot(StrEnum):
    """The places of the panel."""

    PHASE = "phase"
    SLOW = "slow"
    STATE = "state"
    SCALE_BANNER = "scale-banner"
    DISTANCE = "distance"
    ANGLE = "angle"
    TURN = "turn"
    CONFIDENCE = "confidence"
    FACT = "fact"
    ADVANCE = "advance"
    MISS = "miss"
    CYCLES = "cycles"
    DEPOSIT = "deposit"
    DEPTH = "depth"
    SHADOW = "shadow"
    BONE = "bone"
    HEALTH = "health"
    NOTICE = "notice"
    POD = "pod"
    BOARD = "board"


ROWS = (Slot.FACT, Slot.ADVANCE, Slot.MISS, Slot.CYCLES, Slot.DEPOSIT, Slot.DEPTH, Slot.SHADOW, Slot.BONE)
"""The small rows, in the order in which they stand; there is room for six: once cycles are counted, the shadow is not told any more."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words for one place. ``unit`` stands beside a big ``value`` in smaller type; ``level`` is the number of filled segments."""

    slot: Slot
    label: str
    value: str = ""
    unit: str = ""
    level: int = 0


class StripForm(StrEnum):
    """What a line of the strip is, beside a prompt."""

    PLAIN = "plain"
    PROPOSAL = "proposal"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class StripLine:
    """The words of the strip; ``priority`` is None when they are no prompt but what ``form`` says."""

    text: str
    priority: Priority | None
    form: StripForm = StripForm.PLAIN


@dataclass(frozen=True, slots=True)
class PairingWords:
    """The words of a pairing; ``code`` in two halves, as it is read out."""

    title: str
    name: str
    role: str
    code: tuple[str, str]
    hint: str
    left: str


def panel_lines(view: BedsideView) -> tuple[Line, ...]:
    """Every line of the panel, from top to bottom."""
    texts, state = texts_in(view.language), display_state(view)
    lines = [*_header(view, texts, state), *_distance(view, texts, state), *_angle(view, texts, state)]
    lines.append(_confidence(view, texts, state))
    lines += _calipers(view, texts)
    if view.procedure is not None:
        lines += [Line(Slot.FACT, texts.said(said), value) for said, value in view.procedure.facts]
    if state in GUIDING:
        lines += _course(view, texts, state)
    if state in MARKING:
        lines += _lavage(view, texts)
        lines += _deposit(view, texts)
    clearance = known(view.aim.clearance_mm)
    if state in GUIDING and view.measurable and clearance is not None and clearance < BONE_SHOWN_BELOW_MM:
        lines.append(Line(Slot.BONE, texts("bone"), texts.format_mm(clearance)))
    lines.append(_health(view, texts))
    lines.append(Line(Slot.NOTICE, texts("research-use")))
    if view.pod is not None and not view.pod.connected:
        lines.append(Line(Slot.POD, texts("pod-absent")))
    lines += [Line(Slot.BOARD, texts.said(said)) for said in view.board]
    return tuple(lines)


def facts_listed(view: BedsideView) -> bool:
    """Whether the facts of the procedure take the place of distance and angle: there are more than rows, and no needle to be told of."""
    signs = view.procedure
    return signs is not None and len(signs.facts) > FACTS_BESIDE_NUMBERS and display_state(view) not in GUIDING


def strip_line(view: BedsideView) -> StripLine:
    """The first line of the strip."""
    return strip_lines(view)[0]


def strip_lines(view: BedsideView) -> tuple[StripLine, ...]:
    """What the strip says, up to three things: the prompt, what was just answered, what waits for the pedal; else one sentence on the state.

    The words are empty when there is nothing to say. A proposal always shows while the pedal would accept it.
    """
    raised = _raised(view)
    lines = (*(() if raised is None else (raised,)), *_said_of_pedal(view))
    return lines or (_state_line(view),)


def _raised(view: BedsideView) -> StripLine | None:
    """The prompt to show, or else that nothing is recorded any more. With a procedure its notice stands for the guidance's own prompt."""
    texts, signs = texts_in(view.language), view.procedure
    if signs is not None and signs.notice is not None:
        return StripLine(_noticed(signs, view, texts), signs.notice.priority)
    if signs is None and view.prompts.shown is not None:
        return StripLine(_prompt_text(view.prompts.shown.kind.value, view, texts), view.prompts.shown.priority)
    return StripLine(texts("recording-stopped"), Priority.MEDIUM) if view.recording_stopped else None


def _noticed(signs: ProcedureSigns, view: BedsideView, texts: Texts) -> str:
    said = signs.notice.said if signs.notice is not None else None
    if said is None:
        return ""
    return _prompt_text(said.key, view, texts) if said.key == PromptKind.LOW_QUALITY else texts.said(said)


def _said_of_pedal(view: BedsideView) -> list[StripLine]:
    """What was just answered, for a moment, and what waits for the pedal."""
    signs, texts = view.procedure, texts_in(view.language)
    if signs is None:
        return []
    told = ((signs.answer, StripForm.ANSWER), (signs.proposal, StripForm.PROPOSAL))
    return [StripLine(texts.said(said), None, form) for said, form in told if said is not None]


def _state_line(view: BedsideView) -> StripLine:
    texts, state = texts_in(view.language), display_state(view)
    if is_slow(view):
        return StripLine(texts("say-slow", age=texts.format_ms(guidance_age_ns(view) / NS_PER_MS)), None)
    if state is DisplayState.CONFIRMED:
        return StripLine(texts("say-in-target") if view.aim.in_target else "", None)
    return StripLine(texts(f"say-{state.value}"), None)


def link_banner(view: BedsideView) -> str:
    """What is said for as long as the link to a PC is unsecured; empty when it is secured or not there."""
    return texts_in(view.language)("link-unsecured") if view.link.unsecured else ""


def pairing_words(view: BedsideView) -> PairingWords | None:
    """What stands in the panel while a PC is to be paired."""
    notice, texts = view.link.pairing, texts_in(view.language)
    if notice is None:
        return None
    half = len(notice.code) // 2
    return PairingWords(
        title=texts("pairing-title"),
        name=notice.name,
        role=texts("pairing-role", role=texts(f"role-{notice.role}")),
        code=(notice.code[:half], notice.code[half:]),
        hint=texts("pairing-hint"),
        left=texts("pairing-left", left=f"{notice.seconds_left}{NARROW_SPACE}s"),
    )


def pairing_line(view: BedsideView) -> tuple[StripLine, ...]:
    """The pairing in one line, where there is no room for its plate; none when no PC is to be paired."""
    words = pairing_words(view)
    return () if words is None else (StripLine(f"{words.title} {UNBROKEN_SPACE.join(words.code)}", None, StripForm.ANSWER),)


def told_deposit(view: BedsideView) -> Deposit | None:
    """The deposit whose size the panel tells: the target's, or without a target the longest one."""
    deposits = view.tracks.deposits
    if view.aim.target is not None:
        return next((d.deposit for d in deposits if d.identity == view.aim.target.identity), None)
    return max((d.deposit for d in deposits), key=lambda d: d.longest_mm, default=None)


def _header(view: BedsideView, texts: Texts, state: DisplayState) -> list[Line]:
    phase = f"phase-{view.phase_text_key if view.procedure is None else view.procedure.state}"
    lines = [Line(Slot.PHASE, texts(phase) if texts.has(phase) else "")]
    if is_slow(view):
        lines.append(Line(Slot.SLOW, texts("slow"), texts.format_ms(guidance_age_ns(view) / NS_PER_MS)))
    lines.append(Line(Slot.STATE, texts(f"state-{state.value}")))
    return lines


def _distance(view: BedsideView, texts: Texts, state: DisplayState) -> list[Line]:
    if not view.measurable:
        return [Line(Slot.SCALE_BANNER, texts("scale-unknown"), texts("no-measures"))]
    distance = known(view.aim.distance_mm) if state is DisplayState.CONFIRMED else None
    label = texts("in-target") if state is DisplayState.CONFIRMED and view.aim.in_target else texts("distance")
    if distance is None:
        return [Line(Slot.DISTANCE, label, ABSENT)]
    return [Line(Slot.DISTANCE, label, texts.number(distance), "mm")]


def _angle(view: BedsideView, texts: Texts, state: DisplayState) -> list[Line]:
    angle = known(view.aim.angle_deg) if state in GUIDING else None
    lines = [Line(Slot.ANGLE, texts("angle"), ABSENT if angle is None else texts.format_deg(angle))]
    error = known(view.aim.angle_error_deg) if state in GUIDING else None
    if error is not None:
        value = "" if view.aim.turn is Turn.HOLD else texts.format_deg(abs(error))
        lines.append(Line(Slot.TURN, texts(f"turn-{view.aim.turn.value}"), value))
    return lines


def _confidence(view: BedsideView, texts: Texts, state: DisplayState) -> Line:
    confidence = known(view.aim.confidence) if state in GUIDING else None
    if confidence is None:
        return Line(Slot.CONFIDENCE, texts("confidence"), ABSENT)
    word = "high" if confidence >= CONFIDENCE_HIGH else "medium" if confidence >= CONFIDENCE_MEDIUM else "low"
    level = max(1, min(CONFIDENCE_SEGMENTS, round(confidence * CONFIDENCE_SEGMENTS)))
    return Line(Slot.CONFIDENCE, texts("confidence"), texts(f"confidence-{word}"), level=level)


def _course(view: BedsideView, texts: Texts, state: DisplayState) -> list[Line]:
    lines: list[Line] = []
    if not view.measurable:
        return lines
    advance = known(view.aim.advance_mm) if state is DisplayState.CONFIRMED else None
    miss = known(view.aim.miss_mm)
    if advance is not None:
        lines.append(Line(Slot.ADVANCE, texts("beyond" if advance < 0 else "advance"), texts.format_mm(abs(advance))))
    if miss is not None:
        lines.append(Line(Slot.MISS, texts("miss"), texts.format_mm(abs(miss))))
    return lines


def _deposit(view: BedsideView, texts: Texts) -> list[Line]:
    deposit = told_deposit(view)
    if deposit is None:
        return [Line(Slot.DEPOSIT, texts("deposit"), texts("deposit-none"))]
    lines = []
    if view.measurable:
        size = texts.format_size_mm(deposit.longest_mm, deposit.perpendicular_mm)
        lines += [Line(Slot.DEPOSIT, texts("deposit"), size), Line(Slot.DEPTH, texts("depth"), texts.format_mm(deposit.depth_mm))]
    if not _cycles(view):
        lines.append(Line(Slot.SHADOW, texts("shadow"), texts(f"shadow-{deposit.shadow.value}")))
    return lines


def _cycles(view: BedsideView) -> int:
    """Lavage cycles counted in this run."""
    return 0 if view.pod is None else view.pod.cycles


def _lavage(view: BedsideView, texts: Texts) -> list[Line]:
    cycles = _cycles(view)
    return [Line(Slot.CYCLES, texts("cycles"), str(cycles))] if cycles else []


def _health(view: BedsideView, texts: Texts) -> Line:
    latency = known(view.latency_ms)
    told = ABSENT if latency is None else texts.format_ms(latency)
    return Line(Slot.HEALTH, f"{texts('latency')} {told}", f"{texts('drops')} {view.drops}", unit=told)


def _calipers(view: BedsideView, texts: Texts) -> list[Line]:
    """One row for each pair; without a scale they say nothing but that."""
    pairs, lines = () if view.calipers is None else view.calipers.pairs, []
    for number, (pair, mark) in enumerate(zip(pairs, PAIR_MARKS, strict=False), start=1):
        length = length_mm(pair, view.scale) if view.measurable else None
        told = texts("scale-unknown") if length is None else texts.format_mm(length)
        lines.append(Line(Slot.FACT, f"{texts('calipers', n=number)} ({mark})", told))
    return lines


def _prompt_text(key: str, view: BedsideView, texts: Texts) -> str:
    words, reason = texts(key), view.tracks.quality.reason
    if key == PromptKind.LOW_QUALITY and reason and texts.has(reason):
        return f"{words} ({texts(reason)})"
    return words

"""Which question stands and which buttons, at most four, for a procedure and a place on the screen. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from barbotage_device.bedside.procedure_signs import MOST_BUTTONS, Button, Question, Said
from barbotage_device.bedside.texts import Texts
from barbotage_device.procedure.checklist import QUESTIONS, Item
from barbotage_device.procedure.entries import ABORT_REASONS, COMPLICATIONS, RESIDUALS, SKIP_REASONS, TURBIDITIES
from barbotage_device.procedure.events import EventKind
from barbotage_device.procedure.fields import Choice
from barbotage_device.procedure.guidance_side import Body
from barbotage_device.procedure.needs import hindrance
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import NEXT, SKIPPABLE, TABLE, Refuse
from barbotage_device.runtime.conduct.forms import form_of, lines_of, summary_of, title_of, typing_of, unit_of, word_key
from barbotage_device.runtime.conduct.place import Page, Place
from barbotage_device.runtime.conduct.questions import checklist_question, failed_checks

E, S = EventKind, State
Buttons = tuple[Button, ...]
BACK = Button("back", Said("button-back"))
CANCEL = Button("back", Said("button-cancel"))


@dataclass(frozen=True, slots=True)
class Around:
    """What pages need to know beside the procedure. ``offer``: when and in which state an unfinished session stands, as texts."""

    deposit_seen: bool = False
    offer: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: the question in the panel's place, None where the panel shows its lines, and the buttons.

    ``lines`` stand for the lines of the state, where a page has its own.
    """

    question: Question | None
    buttons: Buttons
    lines: tuple[tuple[Said, str], ...] = ()


def paged(things: Iterable[Button], more: int) -> Buttons:
    """At most MOST_BUTTONS of them: all, or the part ``more`` (it wraps) with a button that leads to the next part."""
    every = tuple(things)
    if len(every) <= MOST_BUTTONS:
        return every
    each = MOST_BUTTONS - 1
    begin = more % -(-len(every) // each) * each
    return (*every[begin : begin + each], Button("more", Said("button-more")))


def shown(procedure: Procedure, place: Place, around: Around, texts: Texts) -> Shown:
    """The page at a place. A page that the state does not have any more shows the state's actions."""
    if place.page is Page.OFFER and around.offer is not None:
        buttons = (Button("continue", Said("continue-session"), main=True), Button("new", Said("new-session")))
        return Shown(Question(Said("unfinished-session", around.offer)), buttons)
    if place.page is Page.CHECKLIST:
        return _checklist(procedure, place, texts)
    if form_of(place) is not None:
        return _form(place, texts)
    question, things = _listed(procedure, place, around)
    if question is None and place.page is not Page.ENTRIES:
        question = failed_checks(procedure, texts)
    return Shown(question, paged(things, place.more))


def _listed(procedure: Procedure, place: Place, around: Around) -> tuple[Question | None, Buttons]:
    """The pages that only list buttons."""
    match place.page:
        case Page.ENTRIES:
            return None, (*_entries(procedure), BACK)
        case Page.PLANE:
            return Question(Said("event-plane")), (*_words("plane", ("long", "short"), "plane-"), BACK)
        case Page.PLAN:
            return Question(Said("event-plan")), (*_words("plan", ("left", "right"), "picture-"), BACK)
        case Page.MARKER:
            return Question(Said("marker-test")), (*_words("marker", ("left", "right"), "picture-"), open_(Page.TOWARD), BACK)
        case Page.TOWARD:
            return Question(Said("marker-toward")), (*_words("toward", tuple(Body), "body-"), BACK)
        case Page.SKIP:
            return Question(Said("ask-why-skip")), (*_words("skip", SKIP_REASONS, "skip-"), CANCEL)
        case Page.ABORT:
            return Question(Said("ask-why-abort")), (*_words("abort", ABORT_REASONS, "abort-"), CANCEL)
        case Page.TURBIDITY:
            return Question(Said("event-turbidity")), (*_words("turbidity", TURBIDITIES, "turbidity-"), BACK)
        case Page.DISTENSION:
            return Question(Said("event-bursa-distension")), (*_words("distension", ("yes", "no", "unknown"), "answer-"), BACK)
        case Page.RESIDUAL:
            return Question(Said("event-residual")), (*_words("residual", RESIDUALS, "residual-"), BACK)
        case Page.COMPLICATION:
            return Question(Said("event-complication")), (*_words("complication", COMPLICATIONS, "complication-"), BACK)
        case _:
            return None, home(procedure, around)


def home(procedure: Procedure, around: Around) -> Buttons:
    """Every action of the state, the most important first; pause, or resume, is always among the first three."""
    state = procedure.state
    if state is S.SEALED:
        return (Button("end", Said("button-done"), main=True),)
    main = Button("resume", Said("event-resume"), main=True) if state is S.PAUSE else _main(procedure)
    own = [one for one in _OWN.get(state, ()) if one is not None]
    own = [*_planes(procedure), *own] if state in _PLANE_FIRST else [*own, *_planes(procedure)]
    own = [*_target(procedure, around), *own]
    rest = [open_(Page.ENTRIES, "button-entries")] if _entries(procedure) else []
    rest += [Button("patient-event", Said("event-patient-event"))]
    rest += [open_(Page.SKIP, "button-skip")] if state in SKIPPABLE else []
    rest += [open_(Page.ABORT, "button-abort")] if _allowed(procedure, E.ABORT) else []
    pause = [Button("pause", Said("event-pause"))] if _allowed(procedure, E.PAUSE) else []
    return (main, *own[:1], *pause, *own[1:], *rest)


def open_(page: Page, key: str | None = None) -> Button:
    """The button that opens a page."""
    return Button(f"open:{page}", Said(key or _OPENERS[page]))


def _main(procedure: Procedure) -> Button:
    """What a hurried hand should hit: accept what is proposed, else go on, which shows as disabled while something is missing."""
    if procedure.proposal is not None:
        return Button("accept", Said("button-accept"), main=True)
    free = procedure.state in NEXT and hindrance(procedure, skipping=False) is None
    return Button("confirm", Said("event-confirm"), main=True, enabled=free)


def _target(procedure: Procedure, around: Around) -> Buttons:
    """Accept by hand where nothing is proposed; release stands last among a state's own."""
    if procedure.target is None and around.deposit_seen and _allowed(procedure, E.TARGET):
        return (Button("target", Said("event-target-accepted")),)
    return ()


def _planes(procedure: Procedure) -> Buttons:
    """The axis that is not said; both, on a page of their own, while none is."""
    if not _allowed(procedure, E.PLANE):
        return ()
    if procedure.plane is None:
        return (open_(Page.PLANE),)
    return _words("plane", ("short" if procedure.plane == "long" else "long",), "plane-")


def _entries(procedure: Procedure) -> Buttons:
    """What can be typed now."""
    kinds = {page: kind for page, kind in _ENTRY_KINDS.items() if _allowed(procedure, kind)}
    found = [open_(page) for page in kinds]
    if procedure.target is not None and _allowed(procedure, E.RELEASE):
        found.append(Button("release", Said("event-target-released")))
    return (*found, open_(Page.MARKER))


def _words(verb: str, words: Iterable[str], prefix: str) -> Buttons:
    return tuple(Button(f"{verb}:{word}", Said(f"{prefix}{word}")) for word in words)


def _allowed(procedure: Procedure, kind: EventKind) -> bool:
    return not isinstance(TABLE[procedure.state, kind], Refuse)


def _checklist(procedure: Procedure, place: Place, texts: Texts) -> Shown:
    """One item a page: its answers, then the way on. A typed item has only the way on: its answer is entered on the keypad."""
    item = tuple(Item)[min(place.item, len(Item) - 1)]
    field = QUESTIONS[item].answer
    on = Button("next", Said("button-next" if procedure.checklist.answer(item) is not None else "button-leave"))
    things: list[Button] = []
    if isinstance(field, Choice):
        things = list(_words(f"answer:{item}", field.words, "answer-"))
    things.insert(2, on)
    if procedure.checklist.answer(item) is not None:
        things.append(Button(f"cleared:{item}", Said("button-clear")))
    things.append(Button("back", Said("button-back" if place.item else "button-done")))
    if place.item:
        things.append(Button("open:home", Said("button-done")))
    return Shown(checklist_question(procedure, item, place, texts), paged(things, place.more))


def _form(place: Place, texts: Texts) -> Shown:
    """One field a page, then what was typed, to be recorded."""
    form = form_of(place)
    assert form is not None  # noqa: S101  asked for only where there is one
    # Not recorded yet: what is typed, never what is answered.
    names, so_far = form.names, summary_of(form.fields, place.draft, texts)
    if place.item >= len(names):
        record = Button("record", Said("button-enter"), main=True, enabled=not form.missing(place.draft))
        return Shown(None, (record, BACK, CANCEL_ALL), lines_of(place, form, texts))
    name = names[place.item]
    field, typing = form.fields[name], typing_of(form.fields[name])
    things: list[Button] = []
    if isinstance(field, Choice):
        things = [Button(f"choose:{word}", Said(word_key(name, word) or word)) for word in field.words]
    required = getattr(field, "required", False)
    things.insert(
        2,
        Button(
            "next",
            Said("button-leave" if name not in place.draft else "button-next"),
            enabled=not required or name in place.draft,
        ),
    )
    things += [BACK, CANCEL_ALL]
    where = f"{place.item + 1}/{len(names)}"
    typed = so_far if typing is None else place.typed.text
    question = Question(title_of(place.page, name), where, "", typing, typed, unit_of(field), place.typed.layer)
    return Shown(question, paged(things, place.more))


CANCEL_ALL = Button("open:home", Said("button-cancel"))
_OPENERS: Mapping[Page, str] = {
    Page.CHECKLIST: "phase-check-case",
    Page.AGENT: "event-agent",
    Page.NEEDLE: "event-needle",
    Page.PAIN: "event-pain",
    Page.SIGN: "event-signature",
    Page.COMPLICATION: "event-complication",
    Page.RESIDUAL: "event-residual",
    Page.TURBIDITY: "event-turbidity",
    Page.DISTENSION: "event-bursa-distension",
    Page.PLANE: "event-plane",
    Page.PLAN: "event-plan",
    Page.MARKER: "marker-end",
    Page.TOWARD: "marker-toward",
}
_ENTRY_KINDS: Mapping[Page, EventKind] = {
    Page.CHECKLIST: E.ANSWER,
    Page.AGENT: E.AGENT,
    Page.NEEDLE: E.NEEDLE,
    Page.COMPLICATION: E.COMPLICATION,
    Page.PAIN: E.PAIN,
    Page.RESIDUAL: E.RESIDUAL,
    Page.SIGN: E.SIGN,
}
_PLANE_FIRST = (S.SCAN, S.VERIFY_TIP)
"""States in which the axis of the picture is what the hand says most often."""
_OWN: Mapping[State, Buttons] = {
    S.CHECK_DEVICE: (open_(Page.MARKER),),
    S.CHECK_CASE: (open_(Page.CHECKLIST),),
    S.SCAN: (Button("measure", Said("event-measurement")),),
    S.PLAN: (open_(Page.PLAN),),
    S.ANAESTHESIA: (open_(Page.AGENT), open_(Page.NEEDLE)),
    S.VERIFY_TIP: (Button("tip-verified", Said("event-tip-verified")),),
    S.LAVAGE: (
        open_(Page.TURBIDITY),
        Button("syringe-change", Said("event-syringe-change")),
        Button("fragment", Said("event-fragment")),
    ),
    S.FRAGMENT: (
        Button("needling-pass", Said("event-needling-pass")),
        open_(Page.TURBIDITY),
        Button("syringe-change", Said("event-syringe-change")),
    ),
    S.BURSA_INJECT: (open_(Page.AGENT), open_(Page.DISTENSION)),
    S.POST_SCAN: (Button("measure", Said("event-measurement")), open_(Page.RESIDUAL)),
    S.CLOSE: (open_(Page.COMPLICATION), open_(Page.RESIDUAL), open_(Page.SIGN)),
    S.ABORT: (open_(Page.COMPLICATION), open_(Page.SIGN)),
}
"""What belongs to a state itself, the most frequent first."""

"""The procedure of one run: every turn and every wish goes through it; it records, follows and says what the screen shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from barbotage_device.bedside.procedure_signs import Notice, ProcedureSigns, Said
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.guidance.held_target import FOUND_AGAIN_S
from barbotage_device.guidance.prompt import Priority, Prompts
from barbotage_device.guidance.target import find_deposit
from barbotage_device.procedure.automation import automate
from barbotage_device.procedure.events import PHASE, By, Event, EventKind, Record
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.notices import Memory, choose
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.procedure.procedure import Procedure, applied, begin
from barbotage_device.procedure.resume import resume
from barbotage_device.procedure.settings import NS_PER_S
from barbotage_device.procedure.standing import OwnPrompt, Standing, standing
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import TABLE, Refuse
from barbotage_device.procedure.watch import Watch
from barbotage_device.runtime.conduct.checks import Board, DeviceChecks, SideCheck
from barbotage_device.runtime.conduct.continuing import CONTINUED, ORIENTATION, Unfinished
from barbotage_device.runtime.conduct.hand import Hand
from barbotage_device.runtime.conduct.orientation import Lie, end_of
from barbotage_device.runtime.conduct.pages import Around, shown
from barbotage_device.runtime.conduct.place import Page, Place, first_place
from barbotage_device.runtime.conduct.prompts import ToldPrompts, prompt_happenings
from barbotage_device.runtime.conduct.seen import best_deposit, live_of, stamped, target_deposit, unsaved_frames
from barbotage_device.runtime.conduct.settings import ConductSettings
from barbotage_device.runtime.conduct.signs import NOTHING_PROPOSED, facts, notice_sign, proposal_said, refusal_said
from barbotage_device.runtime.conduct.washing import Washing
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Clock, Guidance, Pipeline
from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.taxonomy import EntrySide

ANSWER_S = 3.0
"""How long a refusal or a confirmation is shown: one short line is read in less."""
CONFIRMED = "event-"
"""Begins the key of what is answered when something was recorded."""
E, S = EventKind, State


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a procedure is conducted with.

    ``clock`` is the monotonic clock of ``capture_ns``, None for a source with a time of its own (then the newest frame's). ``language``
    tells that of the screen now.
    """

    pipeline: Pipeline
    outlets: Outlets
    clock: Clock | None
    board: Board
    language: Callable[[], Language]


@dataclass(slots=True)
class _Known:
    """What changes from turn to turn beside the procedure itself."""

    watch: Watch = field(default_factory=Watch)
    memory: Memory = field(default_factory=Memory)
    prompts: ToldPrompts = field(default_factory=dict)
    guidance: Guidance | None = None
    followed_ns: int | None = None
    notice: Notice | None = None
    answer: tuple[Said, int] | None = None


class Conductor:
    """Conducts one procedure. All methods belong to the loop's thread and return at once.

    ``offer`` is an unfinished procedure: nothing begins before a hand says whether it is gone on with.
    """

    def __init__(self, around: Surroundings, settings: ConductSettings | None = None, offer: Unfinished | None = None) -> None:
        self._pipeline, self._outlets, self._clock = around.pipeline, around.outlets, around.clock
        self._language = around.language
        self._settings = settings or ConductSettings()
        self._lie, self._washing, self._checks = Lie(self._settings.probe), Washing(), DeviceChecks(around.board)
        self._side = SideCheck(self._settings.side)
        self._known = _Known()
        self._offer = offer
        self._procedure = begin(self.now_ns)
        self._hand = Hand(self)
        self.place = Place(Page.OFFER) if offer is not None else first_place(self._procedure.state)
        """Which page the screen shows."""
        self.ended = False
        """Whether a hand has ended the run, once everything was sealed."""
        self._outlets.leave_to_procedure()

    @property
    def procedure(self) -> Procedure:
        """The procedure as it stands."""
        return self._procedure

    @property
    def now_ns(self) -> int:
        """The capture clock."""
        if self._clock is not None:
            return self._clock()
        last = self._pipeline.last
        return 0 if last is None else last.frame.capture_ns

    @property
    def guidance(self) -> Guidance | None:
        """What is known now; None before the first frame and while the network fails."""
        return self._known.guidance

    def turn(self, guidance: Guidance | None, condition: Condition) -> None:
        """Takes how things stand after one turn of the loop; call it at every turn, also when no frame came."""
        known, now_ns = self._known, self.now_ns
        known.guidance = guidance
        if self._offer is not None:
            return
        if self._procedure.state is S.SEALED:
            known.notice = None
            return
        for cycle in self._washing.update(guidance):
            value = {"from": cycle.counted_from.value, "confidence": cycle.confidence, "begin_ns": cycle.begin_ns}
            self.act(Event(E.CYCLE, By.DEVICE, value), min(cycle.end_ns, now_ns))
        if self._procedure.state in (S.CHECK_DEVICE, S.PAUSE):
            for event in self._checks.update(guidance, condition, now_ns):
                self.act(event)
        for event in self._side.update(self._procedure):
            self.act(event)
        self._follow_target(guidance)
        live = live_of(guidance, self._procedure, self._washing.count, unsaved_frames(self._outlets.recording))
        live = replace(live, pulsations=self._washing.pulsations)
        known.watch, events = automate(known.watch, self._procedure, live, now_ns, self._settings.procedure)
        for event in events:
            self.act(event)
        own = [one for one in standing(self._procedure, live, now_ns, self._settings.procedure) if self._has_grounds(one)]
        prompts = Prompts(None) if guidance is None else guidance.prompts
        known.memory, notices = choose(known.memory, self._procedure, (prompts, own), now_ns, self._settings.prompter)
        known.notice = notice_sign(notices.shown, self._settings.procedure)
        known.prompts, told = prompt_happenings(known.prompts, notices)
        for happening in told:
            self._outlets.happened(happening, now_ns)

    def act(self, event: Event, at_ns: int | None = None) -> bool:
        """Lets an event through the procedure and records what comes of it; False, said on the screen to a person, when it is refused."""
        now_ns = self.now_ns if at_ns is None else at_ns
        before = self._procedure.state
        if event.kind is E.ACCEPT and not self._offered_is_there():
            self.act(Event(E.WITHDRAW, By.DEVICE, {"why": "not followed any more"}))
            self.answer(NOTHING_PROPOSED)
            return False
        done = step(self._procedure, event, now_ns, self._settings.procedure)
        for record in done.records:
            self._record(stamped(record, self._pipeline.last))
        if event.by is not By.DEVICE:
            if done.refusal is not None:
                self.answer(refusal_said(done.refusal))
            elif self._procedure.state is before and event.kind is not E.ACCEPT:
                self.answer(Said(f"{CONFIRMED}{event.kind}"))
        return done.refusal is None

    def touch(self, text: str, by: By = By.OPERATOR) -> None:
        """Takes a wish of a button or a sign of the keypad. What no button asks for is said in the log and changes nothing."""
        self._hand.touch(text, by)

    def tap(self, by: By) -> None:
        """The pedal, or the key that mirrors it: accepts what stands proposed."""
        self.act(Event(E.ACCEPT, by))

    def patient_event(self, by: By) -> None:
        """Something happened to the patient: stamps it, whatever else stands."""
        self.act(Event(E.PATIENT_EVENT, by))

    def line(self, sample: LineSample) -> None:
        """A sample of the lavage line."""
        self._washing.line(sample)

    @property
    def cycles(self) -> int:
        """Lavage cycles of the procedure."""
        return self._procedure.cycles

    def answer(self, said: Said) -> None:
        """Shows a line for a moment."""
        self._known.answer = said, self.now_ns + round(ANSWER_S * NS_PER_S)

    def say(self, level: str, text: str) -> None:
        """A line of the log."""
        self._outlets.say(level, text)

    def orient(self, change: Callable[[Lie], Mapping[str, Any]]) -> None:
        """Changes how the picture lies on the patient, and records it."""
        self._outlets.happened(Happening(ORIENTATION, change(self._lie), By.OPERATOR), self.now_ns)

    def go_on(self) -> None:
        """Goes on with the unfinished procedure, in PAUSE; the session names the one it goes on from."""
        offer, self._offer = self._offer, None
        if offer is None:
            return
        now_ns = self.now_ns
        self._outlets.happened(Happening(CONTINUED, offer.record, By.OPERATOR), now_ns)
        resumed = resume(offer.events, now_ns)
        for problem in resumed.problems:
            self.say("warning", f"session {offer.session_id}: {problem}")
        self._procedure = offer.procedure
        for record in resumed.step.records:
            self._record(record)
        if resumed.target_to_accept and self._procedure.target is not None:
            self.act(Event(E.RELEASE, By.DEVICE, {"identity": self._procedure.target["identity"]}))
        if offer.orientation is not None:
            self._lie.restore(offer.orientation)
        if offer.state in (S.LAVAGE, S.FRAGMENT):
            self._washing.begin()
        self.place = first_place(self._procedure.state)
        self.answer(Said("resumed", {"state": f"phase-{offer.state}"}))

    def begin_anew(self) -> None:
        """Leaves the unfinished procedure as it is."""
        self._offer = None
        self._procedure = begin(self.now_ns)
        self.place = first_place(self._procedure.state)

    @property
    def signs(self) -> ProcedureSigns:
        """What the screen shows now."""
        known, now_ns, texts = self._known, self.now_ns, texts_in(self._language())
        around = Around(best_deposit(known.guidance) is not None, None if self._offer is None else self._offer.said)
        page = shown(self._procedure, self.place, around, texts)
        orientation = self._lie.of(self._procedure)
        answer = None if known.answer is None or known.answer[1] < now_ns else known.answer[0]
        notice = known.notice
        if page.question is not None and page.question.typing is not None:
            # A keypad leaves no room beside its question for what can wait.
            notice = None if notice is not None and notice.priority is Priority.LOW else notice
            answer = None if answer is not None and answer.key.startswith(CONFIRMED) else answer
        return ProcedureSigns(
            state=self._procedure.state.value,
            buttons=page.buttons,
            proposal=proposal_said(self._procedure),
            question=page.question,
            notice=notice,
            answer=answer,
            facts=page.lines or facts(self._procedure, known.guidance, now_ns, texts),
            left_end=end_of(EntrySide.LEFT, orientation),
            right_end=end_of(EntrySide.RIGHT, orientation),
        )

    def _record(self, record: Record) -> None:
        """Applies a record, hands it on, and does what follows from it."""
        self._procedure = applied(self._procedure, record)
        self._outlets.happened(Happening(record.kind, record.value, record.by), record.at_ns)
        if record.kind == E.TARGET:
            self._pipeline.accept_target(record.value["identity"])
            track = None if self._pipeline.last is None else find_deposit(self._pipeline.last.tracks, record.value["identity"])
            if track is not None:
                self._washing.accept(track.deposit)
            self._known.followed_ns = None
        elif record.kind == E.RELEASE:
            self._pipeline.release_target()
        elif record.kind == PHASE:
            self.place = first_place(self._procedure.state)
            if self._procedure.state is S.LAVAGE:
                self._washing.begin()
            elif self._procedure.state is S.VERIFY_TIP:
                self._washing.expect()

    def _has_grounds(self, prompt: Standing) -> bool:
        """Whether a prompt says more than that nothing was looked at yet."""
        return prompt.kind is not OwnPrompt.CHECK_FAILED or self._checks.made

    def _offered_is_there(self) -> bool:
        """Whether a deposit that is proposed as target is still followed: the frame since may have lost it."""
        proposal, last = self._procedure.proposal, self._pipeline.last
        if proposal is None or proposal.event is not E.TARGET:
            return True
        return last is not None and find_deposit(last.tracks, proposal.value["identity"]) is not None

    def _follow_target(self, guidance: Guidance | None) -> None:
        """Tells that the accepted deposit is lost when it was not followed for as long as it may be found again; then it can be accepted anew."""
        known, accepted = self._known, self._procedure.target
        if guidance is None or guidance.stale or accepted is None or self._pipeline.accepted is None:
            return
        at_ns = guidance.frame.capture_ns
        if known.followed_ns is None or guidance.aim.target is not None or target_deposit(guidance) is not None:
            known.followed_ns = at_ns
        elif at_ns - known.followed_ns > FOUND_AGAIN_S * NS_PER_S and not isinstance(
            TABLE[self._procedure.state, E.RELEASE], Refuse
        ):
            known.followed_ns = None
            self.act(Event(E.RELEASE, By.DEVICE, {"identity": accepted["identity"], "why": "not followed any more"}))

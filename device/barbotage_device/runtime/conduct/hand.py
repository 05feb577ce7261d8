"""What a hand at the screen does: buttons and keypad, turned into pages, drafts and events of the procedure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from barbotage_device.bedside.keypad import Typed, pressed
from barbotage_device.bedside.procedure_signs import BACKSPACE, DIGITS, ENTER, SHIFT, Said
from barbotage_device.errors import UsageError
from barbotage_device.procedure.checklist import QUESTIONS, YES, Item
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.fields import Choice, Field
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.forms import form_of, typing_of, value_of
from barbotage_device.runtime.conduct.orientation import Lie
from barbotage_device.runtime.conduct.place import Page, Place
from barbotage_device.runtime.conduct.seen import measure_value, plan_value, target_value
from barbotage_device.runtime.conduct.signs import INVALID, NOT_HERE
from barbotage_device.runtime.conduct.wishes import Wish, event_of, parse
from barbotage_device.runtime.pipeline import Guidance

E = EventKind
SIGNS = (BACKSPACE, ENTER, SHIFT, DIGITS)
STAY_OPEN = (E.COMPLICATION,)
"""Several may be answered one after the other: their page stays."""


class Conducting(Protocol):
    """The conductor, as a hand needs it."""

    place: Place
    ended: bool

    @property
    def procedure(self) -> Procedure: ...  # noqa: D102

    @property
    def guidance(self) -> Guidance | None: ...  # noqa: D102

    def act(self, event: Event, at_ns: int | None = None) -> bool: ...  # noqa: D102

    def answer(self, said: Said) -> None: ...  # noqa: D102

    def say(self, level: str, text: str) -> None: ...  # noqa: D102

    def orient(self, change: Any) -> None: ...  # noqa: D102

    def go_on(self) -> None: ...  # noqa: D102

    def begin_anew(self) -> None: ...  # noqa: D102


class Hand:
    """One hand at the screen of one conductor."""

    def __init__(self, conductor: Conducting) -> None:
        self._conductor = conductor

    def touch(self, text: str, by: By) -> None:
        """Takes a wish of a button or a sign of the keypad."""
        if len(text) == 1 or text in SIGNS:
            self._typed(text)
            return
        try:
            wish = parse(text)
        except UsageError as error:
            self._conductor.say("warning", str(error))
            return
        self._do(wish, by)

    def _do(self, wish: Wish, by: By) -> None:
        found = event_of(wish)
        if found is not None:
            self._event(Event(found[0], by, found[1]), wish)
            return
        conductor, place = self._conductor, self._conductor.place
        match wish.verb:
            case "target" | "measure" | "tip-verified" | "release" | "plan":
                self._stated(wish, by)
            case "open":
                conductor.place = Place(Page(wish.words[0]))
            case "next":
                self._step(1)
            case "back":
                self._step(-1)
            case "more":
                conductor.place = replace(place, more=place.more + 1)
            case "choose":
                self._put(wish.words[0])
            case "record":
                self._recorded(by)
            case "marker":
                conductor.orient(lambda lie: _touched(lie, wish.words[0]))
                conductor.place = Place()
            case "toward":
                conductor.orient(lambda lie: _pointed(lie, wish.words[0]))
                conductor.place = Place()
            case "continue":
                conductor.go_on()
            case "new":
                conductor.begin_anew()
            case "end":
                conductor.ended = conductor.procedure.state is State.SEALED
            case _:
                conductor.say("warning", f"wish {wish.verb!r} does nothing here")

    def _event(self, event: Event, wish: Wish) -> None:
        """An event of the procedure; a page that asked for it is left when it is done, the checklist goes on to its next item."""
        conductor, place = self._conductor, self._conductor.place
        if not conductor.act(event) or conductor.place is not place:
            return
        if place.page is Page.CHECKLIST and event.kind is E.ANSWER:
            self._after_answer(wish)
        elif event.kind not in STAY_OPEN:
            # Also from a further part of the state's actions: the first holds what a hurried hand needs next.
            conductor.place = Place()

    def _after_answer(self, wish: Wish) -> None:
        if wish.verb != "answer":
            return
        item, answer = Item(wish.words[0]), wish.words[1]
        if answer == YES and QUESTIONS[item].details:
            self._conductor.place = replace(
                self._conductor.place, page=Page.DETAILS, draft={"item": item.value, "answer": answer}
            )
            self._conductor.place = replace(self._conductor.place, item=0, more=0, typed=Typed())
        else:
            self._step(1)

    def _stated(self, wish: Wish, by: By) -> None:
        """What a hand states of the picture: the values are those that the device sees."""
        conductor = self._conductor
        guidance, procedure = conductor.guidance, conductor.procedure
        value: Mapping[str, Any] | None
        match wish.verb:
            case "target":
                kind, value = E.TARGET, target_value(guidance)
            case "measure":
                kind, value = E.MEASURE, measure_value(guidance, procedure)
            case "plan":
                kind, value = E.PLAN, plan_value(guidance, wish.words[0])
            case "release":
                kind, target = E.RELEASE, procedure.target
                value = None if target is None else {"identity": target["identity"]}
            case _:
                kind, value = E.TIP_VERIFIED, None if procedure.plane is None else {"plane": procedure.plane}
        if value is None:
            conductor.answer(NOT_HERE)
        else:
            self._event(Event(kind, by, value), wish)

    def _step(self, by: int) -> None:
        """To the next or the previous question of the page; past either end to the state's actions."""
        place, form = self._conductor.place, form_of(self._conductor.place)
        item = place.item + by
        last = len(Item) - 1 if place.page is Page.CHECKLIST else len(form.names) if form is not None else 0
        if place.page is Page.DETAILS and not 0 <= item <= last:
            self._leave_details(place)
        elif 0 <= item <= last:
            self._conductor.place = replace(place, item=item, more=0, typed=Typed())
        else:
            self._conductor.place = Place()

    def _leave_details(self, place: Place) -> None:
        """Back to the checklist, at the item after the one whose details were asked."""
        item = tuple(Item).index(Item(place.draft["item"]))
        self._conductor.place = Place(Page.CHECKLIST, item)
        self._step(1)

    def _field(self) -> tuple[str, Field] | None:
        """The field that is asked now, by its name; None where nothing is typed or chosen."""
        place, form = self._conductor.place, form_of(self._conductor.place)
        if place.page is Page.CHECKLIST:
            item = tuple(Item)[place.item]
            return item.value, QUESTIONS[item].answer
        if form is None or place.item >= len(form.names):
            return None
        name = form.names[place.item]
        return name, form.fields[name]

    def _typed(self, sign: str) -> None:
        conductor, asked = self._conductor, self._field()
        typing = None if asked is None else typing_of(asked[1])
        if asked is None or typing is None:
            return
        if sign != ENTER:
            conductor.place = replace(conductor.place, typed=pressed(conductor.place.typed, sign, typing))
            return
        value = value_of(asked[1], conductor.place.typed.text)
        if value is None:
            conductor.answer(INVALID)
        elif conductor.place.page is Page.CHECKLIST:
            if conductor.act(Event(E.ANSWER, By.OPERATOR, {"item": asked[0], "answer": value})):
                self._step(1)
        else:
            self._put(value)

    def _put(self, value: Any) -> None:
        """A field's value into the draft; on to the next field."""
        asked, place = self._field(), self._conductor.place
        if asked is None or (isinstance(asked[1], Choice) and asked[1].problem(value)):
            self._conductor.answer(INVALID)
            return
        self._conductor.place = replace(place, draft={**place.draft, asked[0]: value})
        self._step(1)

    def _recorded(self, by: By) -> None:
        """Records what the form holds."""
        place, form = self._conductor.place, form_of(self._conductor.place)
        if form is None or form.missing(place.draft):
            self._conductor.answer(INVALID)
        elif self._conductor.act(Event(form.kind, by, place.draft)):
            if place.page is Page.DETAILS:
                self._leave_details(place)
            else:
                self._conductor.place = Place()


def _touched(lie: Lie, side: str) -> Mapping[str, Any]:
    return lie.touched(side)


def _pointed(lie: Lie, toward: str) -> Mapping[str, Any]:
    return lie.pointed(toward)

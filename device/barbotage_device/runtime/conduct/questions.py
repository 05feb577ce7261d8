"""Questions as they are shown: the checklist's items with what stands recorded and what is being typed, and failed checks of the device."""

from barbotage_device.bedside.procedure_signs import Question, Said
from barbotage_device.bedside.texts import Texts
from barbotage_device.procedure.checklist import QUESTIONS, Item
from barbotage_device.procedure.events import EventKind, Reason
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.forms import summary_of, told, typing_of, unit_of
from barbotage_device.runtime.conduct.place import Place


def checklist_question(procedure: Procedure, item: Item, place: Place, texts: Texts) -> Question:
    """The question of an item."""
    field = QUESTIONS[item].answer
    number = tuple(Item).index(item) + 1
    return Question(
        title=Said(f"check-{item}"),
        place=f"{number}/{len(Item)}",
        answered=answered(procedure, item, texts),
        typing=typing_of(field),
        typed=place.typed.text,
        unit=unit_of(field),
        layer=place.typed.layer,
    )


def failed_checks(procedure: Procedure, texts: Texts) -> Question | None:
    """Which checks of the device are missing or fail, all of them; None in every other state, before a first look, and when all pass."""
    made, failed = procedure.all_of(EventKind.DEVICE_CHECK), procedure.failed_checks
    if procedure.state is not State.CHECK_DEVICE or not made or not failed:
        return None
    return Question(Said(f"refused-{Reason.NEED_CHECKS}"), answered=", ".join(texts(f"device-{name}") for name in failed))


def answered(procedure: Procedure, item: Item, texts: Texts) -> str:
    """What stands recorded of an item, in words, with what was told beside it; empty when nothing does."""
    value = procedure.checklist.answers.get(item)
    if value is None:
        return ""
    answer, key = value["answer"], f"answer-{value['answer']}"
    words = texts(key) if isinstance(answer, str) and texts.has(key) else told(answer, texts)
    details = summary_of(QUESTIONS[item].details, value, texts)
    return f"{words} ({details})" if details else words

"""The checklist's questions as they are shown: which of how many, what stands recorded, what is being typed."""

from barbotage_device.bedside.procedure_signs import Question, Said
from barbotage_device.bedside.texts import Texts
from barbotage_device.procedure.checklist import QUESTIONS, Item
from barbotage_device.procedure.procedure import Procedure
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


def answered(procedure: Procedure, item: Item, texts: Texts) -> str:
    """What stands recorded of an item, in words, with what was told beside it; empty when nothing does."""
    value = procedure.checklist.answers.get(item)
    if value is None:
        return ""
    answer, key = value["answer"], f"answer-{value['answer']}"
    words = texts(key) if isinstance(answer, str) and texts.has(key) else told(answer, texts)
    details = summary_of(QUESTIONS[item].details, value, texts)
    return f"{words} ({details})" if details else words

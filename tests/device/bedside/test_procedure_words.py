"""The words of the procedure: in both languages, and whole in every place where they may stand."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.device.bedside.procedure_views import setups, states, view_of_state
from tests.device.bedside.views import a_view

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import (
    MOST_BUTTONS,
    Button,
    Notice,
    ProcedureSigns,
    Question,
    Said,
    Typing,
)
from barbotage_device.bedside.text import ELLIPSIS
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_device.procedure.checklist import MODALITIES, QUESTIONS, Item
from barbotage_device.procedure.entries import (
    ABORT_REASONS,
    AGENT_PURPOSES,
    COMPLICATIONS,
    DEVICE_CHECKS,
    FIELDS,
    PLANES,
    RESIDUALS,
    SKIP_REASONS,
    TURBIDITIES,
)
from barbotage_device.procedure.events import By, EventKind, Reason
from barbotage_device.procedure.fields import Choice
from barbotage_device.procedure.guidance_side import Body, ProbeEnd
from barbotage_device.procedure.standing import OwnPrompt
from barbotage_device.procedure.states import State

SMALL = ScreenSize(800, 480)
SIZES = [SMALL, ScreenSize(1280, 800)]
LONGEST_STATE = {
    "to": "phase-bursa-inject",
    "state": "phase-check-device",
    "plane": "plane-short",
    "minutes": "120",
    "when": "23:59",
}


def prefixed(prefix: str, words: Iterable[str]) -> list[str]:
    return [f"{prefix}-{word}" for word in words]


def answers() -> list[str]:
    """Every word that answers an item of the checklist."""
    found = {word for question in QUESTIONS.values() if isinstance(question.answer, Choice) for word in question.answer.words}
    return prefixed("answer", sorted(found))


CHOICES = [
    *answers(),
    *prefixed("plane", PLANES),
    *prefixed("skip", SKIP_REASONS),
    *prefixed("abort", ABORT_REASONS),
    *prefixed("purpose", AGENT_PURPOSES),
    *prefixed("turbidity", TURBIDITIES),
    *prefixed("complication", COMPLICATIONS),
    *prefixed("residual", RESIDUALS),
    *prefixed("pain", ("rest", "motion", "night")),
    *prefixed("modality", MODALITIES),
    *prefixed("body", Body),
    *prefixed("picture", ("left", "right")),
]
ACTIONS = [
    *prefixed("event", EventKind),
    *prefixed(
        "button", ["next", "back", "more", "clear", "cancel", "done", "accept", "leave", "enter", "abort", "skip", "entries"]
    ),
    "phase-check-case",
    "marker-end",
    "marker-toward",
    "continue-session",
    "new-session",
]
TITLES = [
    *prefixed("check", Item),
    *prefixed("event", EventKind),
    *prefixed("detail", {name for question in QUESTIONS.values() for name in question.details}),
    *prefixed(
        "entry",
        ("purpose", "name", "volume_ml", "dose_mg", "concentration_mg_per_ml", "temperature_degc", "gauge", "count", "vas"),
    ),
    *("ask-why-skip", "ask-why-abort", "marker-test", "marker-toward", "unfinished-session"),
]
STRIP = [
    *prefixed("refused", Reason),
    *prefixed("propose", ("confirm", "target-accepted", "measurement", "tip-verified")),
    *OwnPrompt,
    *PromptKind,
    *("enters-elsewhere", "silenced", "resumed"),
]
FACTS = [*prefixed("device", DEVICE_CHECKS), *prefixed("plane", PLANES), "event-plane", "event-turbidity"]
COUNTED = ["event-lavage-cycle", "event-syringe-change", "event-needling-pass"]
ENDS = [*ProbeEnd, *prefixed("body", Body), "patient-left", "patient-right", "picture-left", "picture-right", "picture-mirrored"]
OTHERS = [*prefixed("phase", State), *prefixed("trigger", By)]
FIELD_NAMES = {name for kind in (EventKind.AGENT, EventKind.NEEDLE) for name in FIELDS[kind]}


def said(key: str) -> Said:
    return Said(str(key), LONGEST_STATE)


def cut_short(views: Iterable[BedsideView], size: ScreenSize) -> set[str]:
    """Every text that was drawn with its end missing."""
    renderer = Renderer(size)
    for view in views:
        renderer.draw(view)
    return {text for text in renderer.painter.drawn if text.endswith(ELLIPSIS)}


def views_of(signs: Iterable[ProcedureSigns], language: Language) -> list[BedsideView]:
    return [replace(a_view(language=language), procedure=one) for one in signs]


def grouped(keys: list[str]) -> list[tuple[Button, ...]]:
    buttons = [Button(f"{index}", said(key)) for index, key in enumerate(keys)]
    return [tuple(buttons[begin : begin + MOST_BUTTONS]) for begin in range(0, len(buttons), MOST_BUTTONS)]


@pytest.mark.parametrize("language", list(Language))
def test_every_word_of_the_procedure_is_in_the_catalogue(language: Language) -> None:
    texts = texts_in(language)
    wanted = [*CHOICES, *ACTIONS, *TITLES, *STRIP, *FACTS, *COUNTED, *ENDS, *OTHERS, *prefixed("entry", FIELD_NAMES)]
    assert [str(key) for key in wanted if not texts.has(str(key))] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", list(Language))
def test_every_answer_and_action_stands_whole_on_a_button(language: Language, size: ScreenSize) -> None:
    signs = [ProcedureSigns("scan", buttons) for buttons in grouped([*CHOICES, *ACTIONS])]
    assert cut_short(views_of(signs, language), size) == set()


@pytest.mark.parametrize("language", list(Language))
def test_every_question_stands_whole_in_its_place_and_above_its_keypad(language: Language) -> None:
    plain = [ProcedureSigns("check-case", question=Question(said(key), "11/11")) for key in TITLES]
    typed = [
        f"check-{Item.IDENTITY}",
        f"check-{Item.SYMPTOMS}",
        "event-signature",
        *(key for key in TITLES if key.startswith(("detail", "entry"))),
    ]
    signs = [ProcedureSigns("pause", question=Question(said(key), "11/11", typing=typing)) for typing in Typing for key in typed]
    assert cut_short(views_of([*plain, *signs], language), SMALL) == set()


@pytest.mark.parametrize("language", list(Language))
def test_every_prompt_proposal_and_refusal_stands_whole_in_the_strip_and_over_a_keypad(language: Language) -> None:
    alone = [ProcedureSigns("scan", notice=Notice(said(key), Priority.HIGH)) for key in STRIP]
    longest = said("propose-confirm")
    both = [
        ProcedureSigns("scan", proposal=longest, answer=said(key), notice=Notice(said("long-lavage"), Priority.LOW))
        for key in STRIP
    ]
    over = [
        ProcedureSigns("pause", question=Question(said("entry-name"), typing=typing), notice=Notice(said(key), Priority.HIGH))
        for typing in Typing
        for key in (*PromptKind, *OwnPrompt, "refused-invalid")
    ]
    assert cut_short(views_of([*alone, *both, *over], language), SMALL) == set()


@pytest.mark.parametrize("language", list(Language))
def test_states_facts_and_ends_stand_whole(language: Language) -> None:
    texts = texts_in(language)
    value = max((texts(key) for key in (*prefixed("turbidity", TURBIDITIES), "answer-not-recorded")), key=len)
    signs = [ProcedureSigns(state) for state in State]
    signs += [ProcedureSigns("scan", facts=((said(key), value),)) for key in FACTS]
    signs += [ProcedureSigns("scan", facts=((said(key), "128"),)) for key in COUNTED]
    signs += [ProcedureSigns("scan", left_end=said(key), right_end=said(key)) for key in ENDS]
    assert cut_short(views_of(signs, language), SMALL) == set()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", list(Language))
def test_no_words_are_cut_short_in_any_state_or_set_up(language: Language, size: ScreenSize) -> None:
    views = [view_of_state(name, language) for name in states(language)]
    assert cut_short([*views, *setups(language).values()], size) == set()

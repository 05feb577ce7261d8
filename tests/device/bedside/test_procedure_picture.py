"""The procedure on the bedside picture: what it says, where, and that it leaves the ultrasound alone."""

from dataclasses import replace

import numpy as np
import pytest
from tests.device.bedside.procedure_views import button, setups, states, view_of_state
from tests.device.bedside.views import SCALE, a_view, view_in, with_prompt

from barbotage_device.bedside import theme
from barbotage_device.bedside.overlay import Renderer, put_native, render
from barbotage_device.bedside.procedure_signs import Notice, ProcedureSigns, Question, Said, Typing
from barbotage_device.bedside.reading import Slot, StripForm, panel_lines, strip_lines
from barbotage_device.bedside.targets import targets
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.bedside.view import BedsideView, DisplayState, LinkSigns, PairingNotice, ScreenSize
from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_device.perception.scene import Quality
from barbotage_device.procedure.entries import DEVICE_CHECKS
from barbotage_models.contract.geometry import Scale

SMALL, LARGE = ScreenSize(800, 480), ScreenSize(1280, 800)
NAMES = list(states(Language.FR))
PROPOSED = Said("propose-target-accepted")


def shown(signs: ProcedureSigns, language: Language = Language.FR) -> BedsideView:
    return replace(a_view(language=language), procedure=signs)


def drawn(view: BedsideView, size: ScreenSize = SMALL) -> frozenset[str]:
    renderer = Renderer(size)
    renderer.draw(view)
    return renderer.painter.drawn


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("name", NAMES)
def test_with_the_overlay_off_the_image_is_the_native_picture_in_every_state(name: str, size: ScreenSize) -> None:
    view = replace(view_of_state(name, Language.FR), overlay_on=False)
    renderer = Renderer(size)
    image = renderer.draw(view)[renderer.layout(view).image.slices]
    native = np.empty_like(image)
    put_native(native, view.pixels)
    assert np.array_equal(image, native)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_of_pictures_depends_on_the_view_alone(name: str) -> None:
    renderer = Renderer(SMALL)
    for other in NAMES[:4]:
        renderer.draw(view_of_state(other, Language.EN))
    view = view_of_state(name, Language.FR)
    assert np.array_equal(renderer.draw(view), render(view, SMALL))


def test_the_state_is_named_on_top_of_the_panel() -> None:
    for state in ("lavage", "sealed"):
        view = shown(ProcedureSigns(state))
        assert texts_in(Language.FR)(f"phase-{state}") in drawn(view)


@pytest.mark.parametrize(
    ("notice", "answer", "proposal", "forms"),
    [
        (None, None, None, ["plain"]),
        (None, None, PROPOSED, ["proposal"]),
        (None, Said("refused-too-soon"), PROPOSED, ["answer", "proposal"]),
        (None, Said("refused-too-soon"), None, ["answer"]),
        (Priority.LOW, None, None, ["LOW"]),
        (Priority.HIGH, None, PROPOSED, ["HIGH", "proposal"]),
        (Priority.MEDIUM, Said("refused-too-soon"), PROPOSED, ["MEDIUM", "answer", "proposal"]),
    ],
)
def test_the_strip_says_the_prompt_and_what_waits_for_the_pedal(
    notice: Priority | None, answer: Said | None, proposal: Said | None, forms: list[str]
) -> None:
    told = None if notice is None else Notice(Said("near-bone"), notice)
    lines = strip_lines(shown(ProcedureSigns("scan", notice=told, answer=answer, proposal=proposal)))
    assert [line.form.value if line.priority is None else line.priority.name for line in lines] == forms


def test_what_the_procedure_holds_back_is_not_shown_by_the_guidance() -> None:
    view = with_prompt(shown(ProcedureSigns("advance")), PromptKind.NEAR_BONE, Priority.MEDIUM)
    assert [line.priority for line in strip_lines(view)] == [None]
    stopped = replace(view, recording_stopped=True)
    assert [line.priority for line in strip_lines(stopped)] == [Priority.MEDIUM]


def test_low_quality_still_names_its_reason() -> None:
    view = shown(ProcedureSigns("scan", notice=Notice(Said("low-quality"), Priority.LOW)))
    dark = replace(view, tracks=replace(view.tracks, quality=Quality(0.1, "too-dark")))
    assert strip_lines(dark)[0].text == "Qualité d’image faible (image trop sombre)"


def test_values_of_a_text_that_are_keys_are_said_in_words() -> None:
    line = strip_lines(shown(ProcedureSigns("scan", proposal=Said("propose-confirm", {"to": "phase-plan"}))))[0]
    assert (line.text, line.form) == ("Proposé\u202f: passer à «\u202fPlan\u202f»", StripForm.PROPOSAL)


@pytest.mark.parametrize("said", [Said("never-heard-of"), Said("propose-confirm"), Said("propose-confirm", {"from": "x"})])
def test_a_text_that_is_not_there_does_not_stop_the_picture(said: Said) -> None:
    render(shown(ProcedureSigns("scan", (button("x", said.key),), proposal=said)), SMALL)


def test_facts_stand_before_the_measures_of_the_guidance() -> None:
    facts = ((Said("event-lavage-cycle"), "7"), (Said("event-turbidity"), "trouble"))
    view = shown(ProcedureSigns("lavage", facts=facts))
    assert [(x.label, x.value) for x in panel_lines(view) if x.slot is Slot.FACT] == [
        ("Cycle de lavage", "7"),
        ("Aspect du liquide", "trouble"),
    ]
    assert {"7", "trouble"} <= drawn(view)


@pytest.mark.parametrize("scale", [SCALE, None])
def test_more_facts_than_rows_take_the_place_of_the_numbers_while_there_is_no_needle(scale: Scale | None) -> None:
    facts = tuple((Said(f"device-{name}"), f"{number}x") for number, name in enumerate(DEVICE_CHECKS))
    signs = ProcedureSigns("check-device", facts=facts)
    idle = replace(view_in(DisplayState.SEARCHING, a_view(scale=scale)), procedure=signs)
    words = drawn(idle)
    assert {f"{number}x" for number in range(len(facts))} <= words
    assert "Angle" not in words
    assert ("Échelle inconnue" in words) == (scale is None)
    guided = drawn(replace(a_view(scale=scale), procedure=signs))
    assert {"0x", "1x", "Angle"} <= guided
    assert "2x" not in guided


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_the_ends_of_the_picture_are_named_above_its_corners(size: ScreenSize) -> None:
    bare = shown(ProcedureSigns("scan"))
    named = shown(ProcedureSigns("scan", left_end=Said("marker-end"), right_end=Said("body-medial")))
    layout = Renderer(size).layout(named)
    changed = (render(bare, size) != render(named, size)).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.max() < layout.image.top_px - layout.border_px
    assert columns.min() < layout.image.left_px + 20 < layout.image.right_px - 20 < columns.max()


def distance_block(view: BedsideView) -> Picture:
    layout = Renderer(SMALL).layout(view)
    return render(view, SMALL)[75:150, layout.panel.left_px :]


def test_a_question_takes_the_place_of_the_numbers_and_says_what_stands_recorded() -> None:
    asked = ProcedureSigns("check-case", question=Question(Said("check-consent"), "4/11"))
    assert not np.array_equal(distance_block(shown(asked)), distance_block(shown(ProcedureSigns("check-case"))))
    assert {"4/11", "Consentement", "recueilli"} <= drawn(shown(asked)) or {"4/11", "Consentement recueilli"} <= drawn(
        shown(asked)
    )
    told = " ".join(sorted(drawn(shown(asked))))
    assert "non" in told
    assert "renseigné" in told
    recorded = replace(asked, question=Question(Said("check-consent"), "4/11", "oui"))
    assert "Enregistré\u202f: oui" in drawn(shown(recorded))


@pytest.mark.parametrize("kind", list(Typing))
def test_a_prompt_is_said_over_the_title_while_the_strip_holds_keys(kind: Typing) -> None:
    quiet = ProcedureSigns("pause", question=Question(Said("entry-name"), typing=kind, typed="12"))
    loud = replace(quiet, notice=Notice(Said("tip-not-seen"), Priority.HIGH))
    layout = Renderer(SMALL).layout(shown(quiet))
    changed = (render(shown(quiet), SMALL) != render(shown(loud), SMALL)).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert columns.min() >= layout.panel.left_px
    assert rows.max() < min(target.rect.top_px for target in targets(layout, shown(quiet)))
    red = (render(shown(loud), SMALL)[layout.panel.slices] == theme.PROMPT_GROUND[Priority.HIGH]).all(axis=2)
    assert red.sum() > 5000


def test_of_a_long_text_the_end_is_in_view() -> None:
    asked = ProcedureSigns("pause", question=Question(Said("entry-name"), typing=Typing.TEXT, typed="a" * 150 + "zzz"))
    assert any(text.startswith("…") and text.endswith("zzz") for text in drawn(shown(asked)))


def test_main_disabled_and_other_buttons_differ_in_form_and_luminance() -> None:
    looks = []
    for main, enabled in ((False, True), (True, True), (False, False)):
        view = shown(ProcedureSigns("scan", (button("x", "event-pause", main=main, enabled=enabled),)))
        rect = targets(Renderer(SMALL).layout(view), view)[0].rect
        looks.append(render(view, SMALL)[rect.slices].astype(int).mean(axis=2))
    plain, main_one, disabled = (float(look.mean()) for look in looks)
    assert main_one > 2.5 * plain > 2.5 * disabled


@pytest.mark.parametrize("asked", [False, True])
def test_a_pairing_never_hides_the_buttons(asked: bool) -> None:
    question = Question(Said("check-consent")) if asked else None
    view = shown(ProcedureSigns("scan", (button("x", "event-pause"),), question=question))
    paired = replace(view, link=LinkSigns(pairing=PairingNotice("04718852", "Reading room", "service", 47)))
    rect = targets(Renderer(SMALL).layout(view), view)[0].rect
    assert np.array_equal(render(view, SMALL)[rect.slices], render(paired, SMALL)[rect.slices])
    assert any("0471 8852" in text.replace("\u00a0", " ") for text in drawn(paired))


@pytest.mark.parametrize("language", list(Language))
def test_a_set_up_shows_no_guidance_and_never_a_measure_it_does_not_know(language: Language) -> None:
    for name, view in setups(language).items():
        words = drawn(view)
        if name in ("setup-region", "calipers-no-scale"):
            assert not any("mm" in text for text in words), name
        if name.startswith("setup"):
            assert texts_in(language)("distance") not in words

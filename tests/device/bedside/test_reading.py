"""What the panel and the strip say."""

from dataclasses import replace

import pytest
from tests.device.bedside.views import a_view, view_in, with_prompt

from barbotage_device.bedside.reading import ABSENT, Line, Slot, panel_lines, strip_line
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, DisplayState, PodSigns
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_device.perception.scene import Quality

THIN = "\u202f"


def line(view: BedsideView, slot: Slot) -> Line | None:
    return next((entry for entry in panel_lines(view) if entry.slot is slot), None)


def said(view: BedsideView) -> str:
    return " | ".join(f"{entry.label} {entry.value} {entry.unit}" for entry in panel_lines(view)) + strip_line(view).text


@pytest.mark.parametrize(
    ("slot", "french", "english"),
    [
        (Slot.DISTANCE, ("Distance à la cible", "12,4", "mm"), ("Distance to target", "12.4", "mm")),
        (Slot.ADVANCE, ("Avance", f"11,7{THIN}mm", ""), ("Advance", f"11.7{THIN}mm", "")),
        (Slot.ANGLE, ("Angle", "31°", ""), ("Angle", "31°", "")),
        (Slot.TURN, ("plus vertical", "6°", ""), ("steeper", "6°", "")),
        (Slot.CONFIDENCE, ("Confiance", "élevée", ""), ("Confidence", "high", "")),
        (Slot.DEPOSIT, ("Calcification", f"11,0{THIN}×{THIN}5,2{THIN}mm", ""), ("Deposit", f"11.0{THIN}×{THIN}5.2{THIN}mm", "")),
        (Slot.SHADOW, ("Ombre", "faible", ""), ("Shadow", "faint", "")),
        (Slot.BONE, ("Distance à l’os", f"6,3{THIN}mm", ""), ("To bone", f"6.3{THIN}mm", "")),
        (Slot.NOTICE, ("Usage recherche uniquement", "", ""), ("Research use only", "", "")),
    ],
)
def test_the_panel_reads_in_both_languages(slot: Slot, french: tuple[str, str, str], english: tuple[str, str, str]) -> None:
    for language, words in ((Language.FR, french), (Language.EN, english)):
        entry = line(a_view(language=language), slot)
        assert entry is not None
        assert (entry.label, entry.value, entry.unit) == words


@pytest.mark.parametrize("state", list(DisplayState))
@pytest.mark.parametrize("language", list(Language))
def test_without_a_scale_no_millimetre_is_said_in_any_state(state: DisplayState, language: Language) -> None:
    view = view_in(state, a_view(language=language, scale=None))
    assert "mm" not in said(view)
    assert line(view, Slot.SCALE_BANNER) is not None
    assert line(view, Slot.DISTANCE) is None


def test_a_scale_that_the_geometry_was_not_made_with_counts_as_none() -> None:
    view = replace(a_view(scale=None), scale=a_view().scale)
    assert "mm" not in said(view)


def test_a_seen_tip_with_a_scale_says_millimetres() -> None:
    assert "mm" in said(a_view())


@pytest.mark.parametrize("state", [s for s in DisplayState if s is not DisplayState.CONFIRMED])
def test_a_distance_is_said_only_while_the_tip_is_seen(state: DisplayState) -> None:
    view = view_in(state)
    view = replace(view, aim=replace(view.aim, distance_mm=12.4, advance_mm=11.7))
    distance = line(view, Slot.DISTANCE)
    assert distance is not None
    assert (distance.value, distance.unit) == (ABSENT, "")
    assert line(view, Slot.ADVANCE) is None


@pytest.mark.parametrize("state", [s for s in DisplayState if s not in (DisplayState.CONFIRMED, DisplayState.SHAFT_ONLY)])
def test_hidden_guidance_leaves_no_number_about_the_needle(state: DisplayState) -> None:
    slots = {entry.slot: entry for entry in panel_lines(view_in(state))}
    assert not {Slot.TURN, Slot.ADVANCE, Slot.MISS, Slot.BONE} & slots.keys()
    assert slots[Slot.ANGLE].value == slots[Slot.CONFIDENCE].value == ABSENT


@pytest.mark.parametrize(
    "state", [DisplayState.STALE, DisplayState.SOURCE_LOST, DisplayState.MODEL_ERROR, DisplayState.OVERLAY_OFF]
)
def test_nothing_is_said_of_deposits_that_are_not_drawn(state: DisplayState) -> None:
    assert line(view_in(state), Slot.DEPOSIT) is None


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), None])
def test_a_number_that_is_none_reads_as_absent(broken: float | None) -> None:
    view = a_view()
    view = replace(view, latency_ms=broken, aim=replace(view.aim, distance_mm=broken, angle_deg=broken, confidence=broken))
    assert "nan" not in said(view)
    assert "inf" not in said(view)
    distance = line(view, Slot.DISTANCE)
    assert distance is not None
    assert distance.value == ABSENT


@pytest.mark.parametrize(
    ("confidence", "word", "level"),
    [(0.97, "élevée", 5), (0.85, "élevée", 4), (0.7, "moyenne", 4), (0.3, "faible", 2), (0.02, "faible", 1)],
)
def test_confidence_is_a_bar_and_a_word(confidence: float, word: str, level: int) -> None:
    entry = line(replace(a_view(), aim=replace(a_view().aim, confidence=confidence)), Slot.CONFIDENCE)
    assert entry is not None
    assert (entry.value, entry.level) == (word, level)


def test_gone_past_the_target_is_called_so_without_a_minus() -> None:
    entry = line(replace(a_view(), aim=replace(a_view().aim, advance_mm=-2.1)), Slot.ADVANCE)
    assert entry is not None
    assert (entry.label, entry.value) == ("Dépassement", f"2,1{THIN}mm")


@pytest.mark.parametrize(("clearance", "told"), [(9.9, True), (10.0, False), (None, False)])
def test_bone_is_told_below_ten_millimetres(clearance: float | None, told: bool) -> None:
    view = replace(a_view(), aim=replace(a_view().aim, clearance_mm=clearance))
    assert (line(view, Slot.BONE) is not None) is told


def test_holding_the_line_needs_no_degrees() -> None:
    entry = line(replace(a_view(), aim=replace(a_view().aim, turn=Turn.HOLD, angle_error_deg=0.4)), Slot.TURN)
    assert entry is not None
    assert (entry.label, entry.value) == ("dans l’axe", "")


def test_the_target_is_described_even_when_another_deposit_is_longer() -> None:
    view = a_view()
    assert view.aim.target is not None
    view = replace(view, aim=replace(view.aim, target=replace(view.aim.target, identity=8)))
    entry = line(view, Slot.DEPOSIT)
    assert entry is not None
    assert entry.value.startswith("3,0")


@pytest.mark.parametrize("kind", list(PromptKind))
@pytest.mark.parametrize("state", list(DisplayState))
def test_a_prompt_is_said_before_the_state(kind: PromptKind, state: DisplayState) -> None:
    quiet = view_in(state)
    told = strip_line(with_prompt(quiet, kind, Priority.HIGH))
    assert told.priority is Priority.HIGH
    assert told.text != strip_line(quiet).text


def test_low_quality_names_its_reason_when_it_has_words() -> None:
    view = with_prompt(a_view(), PromptKind.LOW_QUALITY, Priority.LOW)
    dark = replace(view, tracks=replace(view.tracks, quality=Quality(0.1, "too-dark")))
    odd = replace(view, tracks=replace(view.tracks, quality=Quality(0.1, "never-heard-of")))
    assert strip_line(dark).text == "Qualité d’image faible (image trop sombre)"
    assert strip_line(odd).text == "Qualité d’image faible"


def test_slow_guidance_says_by_how_much() -> None:
    view = replace(a_view(), frame_age_ns=132_400_000)
    entry = line(view, Slot.SLOW)
    assert entry is not None
    assert (entry.label, entry.value) == ("Lent", f"132{THIN}ms")
    assert f"132{THIN}ms" in strip_line(view).text


def test_an_unknown_phase_is_left_out_and_a_known_one_is_said() -> None:
    for key, words in (("lavage", "Lavage"), ("never-heard-of", ""), (None, "")):
        entry = line(replace(a_view(), phase_text_key=key), Slot.PHASE)
        assert entry is not None
        assert entry.label == words


@pytest.mark.parametrize(("language", "words"), [(Language.FR, "Enregistrement arrêté"), (Language.EN, "Recording stopped")])
def test_the_strip_says_that_nothing_is_recorded_any_more_unless_a_prompt_is_shown(language: Language, words: str) -> None:
    view = replace(a_view(language=language), recording_stopped=True)
    told = strip_line(view)
    assert told.text.startswith(words)
    assert told.priority is Priority.MEDIUM
    prompted = strip_line(with_prompt(view, PromptKind.TIP_NOT_SEEN, Priority.HIGH))
    assert prompted.priority is Priority.HIGH
    assert words not in prompted.text


def test_lavage_cycles_are_told_once_there_are_any_in_place_of_the_shadow() -> None:
    before, after = (replace(a_view(), pod=PodSigns(connected=True, cycles=cycles)) for cycles in (0, 3))
    assert line(before, Slot.CYCLES) is None
    assert line(before, Slot.SHADOW) is not None
    assert line(after, Slot.CYCLES) == Line(Slot.CYCLES, "Cycles de lavage", "3")
    assert line(after, Slot.SHADOW) is None


def test_a_pod_is_missed_only_where_one_is_wanted() -> None:
    wanted = replace(a_view(language=Language.EN), pod=PodSigns(connected=False, reason="unplugged"))
    assert line(wanted, Slot.POD) == Line(Slot.POD, "no probe pod")
    assert line(a_view(), Slot.POD) is None
    assert line(replace(wanted, pod=PodSigns(connected=True)), Slot.POD) is None

"""The words of the review page: both languages say the same, are compiled, and hold every key that the page asks for."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from tests.host.event_kinds import written_kinds

import barbotage_host
from barbotage_device.bedside.texts import Language
from barbotage_device.guidance.prompt import PromptKind
from barbotage_device.procedure import automation
from barbotage_device.procedure.notices import Held
from barbotage_device.procedure.standing import OwnPrompt
from barbotage_device.procedure.states import ORDER, State
from barbotage_device.runtime.budget import Stage
from barbotage_device.session.summary import PHASES as REACHED
from barbotage_host.review.series import PICKS, PRESSURE, stage_name
from barbotage_host.review.texts import catalogue

PACKAGE = Path(barbotage_host.__file__).parent
PAGE = PACKAGE / "review" / "static"
VALUES = {
    *("identity", "plane", "when", "longest_mm", "perpendicular_mm", "area_mm2", "shadow"),
    *("event", "value", "evidence", "why", "in"),
}
"""Keys in the source of proposals that are no ground: what is proposed, and how an event is built. ``plane`` is both."""
KEY = r"[a-z0-9]+(?:-[a-z0-9]+)*"
ANY = r"[^\n;`]*?"
IN_SCRIPTS = (
    rf'\bt\(\s*"({KEY})"',
    rf'\bt\({ANY}\? "({KEY})" : "{KEY}"',
    rf'\bt\({ANY}\? "{KEY}" : "({KEY})"',
    rf'\b(?:t|label|hint|text|group): "({KEY})"',
    rf'\b(?:t|label|hint|text): [\w.()!= ]+\? "({KEY})" : "{KEY}"',
    rf'\b(?:t|label|hint|text): [\w.()!= ]+\? "{KEY}" : "({KEY})"',
    rf'\bpanel\("[a-z]+", "({KEY})"\)',
)
"""Where a script names a text: in a call of t, or as the words of an element or of a shortcut."""


def read(language: Language, ending: str) -> Catalog:
    path = PACKAGE / "locale" / language.value / "LC_MESSAGES" / f"barbotage_host.{ending}"
    with path.open("rb") as stream:
        return read_po(stream) if ending == "po" else read_mo(stream)


def entries(language: Language, ending: str = "po") -> dict[str, tuple[str, ...]]:
    """Key to words (several: plural forms)."""

    def forms(value: Any) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(value)

    found = {(m.id if isinstance(m.id, str) else m.id[0]): forms(m.string) for m in read(language, ending) if m.id}
    assert found
    return found


def names_in(words: tuple[str, ...]) -> set[str]:
    return {name for form in words for name in re.findall(r"{(\w+)}", form)}


def test_both_languages_hold_the_same_keys_and_values_to_fill_in() -> None:
    english, french = entries(Language.EN), entries(Language.FR)
    assert english.keys() == french.keys()
    for key, words in english.items():
        assert all(words), key
        assert all(french[key]), key
        assert names_in(words) == names_in(french[key]), key
        assert len(words) == len(french[key]), key


@pytest.mark.parametrize("language", list(Language))
def test_the_compiled_catalogue_is_that_of_the_source(language: Language) -> None:
    assert entries(language, "mo") == entries(language, "po")


@pytest.mark.parametrize("language", list(Language))
def test_no_key_stands_twice_in_a_catalogue(language: Language) -> None:
    path = PACKAGE / "locale" / language.value / "LC_MESSAGES" / "barbotage_host.po"
    keys = re.findall(r'^msgid "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))


def scripts() -> list[Path]:
    return [path for folder in ("js", "tools") for path in sorted((PAGE / folder).glob("*.js"))]


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.name)
def test_every_key_in_a_script_has_words(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    keys = {key for pattern in IN_SCRIPTS for key in re.findall(pattern, source)}
    assert keys <= catalogue(Language.FR).keys()


@pytest.mark.parametrize("page", ["index.html", "session.html"])
def test_every_key_in_a_page_has_words(page: str) -> None:
    source = (PAGE / page).read_text(encoding="utf-8")
    keys = set(re.findall(r'data-t(?:-label|-hint)?="([^"]+)"', source))
    assert len(keys) > 5
    assert keys <= catalogue(Language.EN).keys()


def test_the_scripts_are_searched_with_patterns_that_find_keys() -> None:
    found = {key for path in scripts() for pattern in IN_SCRIPTS for key in re.findall(pattern, path.read_text(encoding="utf-8"))}
    assert {"next-event", "scale-unknown", "overlay-raw", "recover", "plots-hide", "chain-broken"} <= found


@pytest.mark.parametrize("language", list(Language))
def test_every_event_curve_and_state_of_a_record_has_words(language: Language) -> None:
    words = catalogue(language)
    curves = [name for name in [*PICKS, *(stage_name(stage) for stage in Stage)] if name.endswith("_ms")]
    keys = [f"curve-{name}" for name in curves]
    keys += [f"state-{state}" for state in ("recording", "closed", "recovered")]
    keys += [f"{what}-{side}" for what in ("side", "shoulder") for side in ("left", "right")]
    keys += [f"bedside-phase-{phase}" for phase in State]
    assert set(keys) <= words.keys()


def listed_in(script: str, name: str) -> list[str]:
    """The texts of a constant list or set of a script."""
    source = (PAGE / "js" / script).read_text(encoding="utf-8")
    listed = re.search(rf"{name} = (?:new Set\()?\[([^\]]+)\]", source)
    assert listed is not None
    return re.findall(r'"([^"]+)"', listed.group(1))


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_of_event_that_the_device_can_write_has_words(language: Language) -> None:
    words, kinds = catalogue(language), written_kinds()
    assert {"bookmark", "patient-event", "clock-step", "recorder-stopped", "pod-lost", "continued", "orientation"} <= kinds
    assert sorted(kind for kind in kinds if not {f"event-{kind}", f"bedside-event-{kind}"} & words.keys()) == []


@pytest.mark.parametrize("language", list(Language))
def test_every_prompt_reads_without_a_figure_that_its_event_does_not_hold(language: Language) -> None:
    words = catalogue(language)
    for kind in (*PromptKind, *OwnPrompt):
        said = words.get(f"told-{kind}") or words[f"bedside-{kind}"]
        assert "{" not in said, kind
    assert {f"held-{why}" for why in Held} <= words.keys()


@pytest.mark.parametrize("language", list(Language))
def test_every_ground_of_a_proposal_has_words(language: Language) -> None:
    source = Path(automation.__file__).read_text(encoding="utf-8")
    keys = {
        key.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    assert {"tip_frames", "change_percent", "planes"} <= keys
    assert {f"evidence-{key}" for key in keys - VALUES} <= catalogue(language).keys()


def test_the_page_knows_the_states_of_a_procedure_in_their_order() -> None:
    phases = listed_in("list_model.js", "PHASES")
    assert phases == [*(str(state) for state in ORDER), "pause", "abort"]
    assert [phase for phase in phases if phase not in listed_in("list_model.js", "INTERRUPTING")] == list(REACHED)


def test_proposals_and_refusals_are_folded() -> None:
    folded = listed_in("folding.js", "FOLDED")
    assert folded == ["proposal", "proposal-withdrawn", "refused"]
    assert set(folded) <= written_kinds()


def test_every_curve_that_the_server_gives_is_drawn() -> None:
    source = (PAGE / "js" / "plots.js").read_text(encoding="utf-8")
    drawn = re.findall(r"names: \[([^\]]+)\]", source)
    names = {name for group in drawn for name in re.findall(r'"([^"]+)"', group)}
    assert {*PICKS, PRESSURE.name} <= names
    assert "stage_*" in names

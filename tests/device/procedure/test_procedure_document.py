"""docs/procedure.md says what the code does: thresholds, prompts, states."""

from dataclasses import fields
from pathlib import Path

import pytest

from barbotage_device.procedure.events import PHASE, REFUSED, EventKind
from barbotage_device.procedure.notices import GUIDANCE_STATES
from barbotage_device.procedure.settings import ProcedureSettings
from barbotage_device.procedure.standing import own_prompt_states
from barbotage_device.procedure.states import ABOUT, State
from barbotage_device.procedure.table import TABLE, Stay

TEXT = (Path(__file__).parents[3] / "docs" / "procedure.md").read_text(encoding="utf-8")
CODES = dict(zip(State, ["CD", "CC", "SC", "PL", "AN", "AD", "VT", "LV", "FR", "BI", "PS", "CL", "PA", "AB", "SE"], strict=True))


@pytest.mark.parametrize("setting", fields(ProcedureSettings), ids=lambda setting: setting.name)
def test_every_threshold_is_listed_with_its_default_and_bounds(setting: object) -> None:
    name, default, metadata = setting.name, setting.default, setting.metadata  # type: ignore[attr-defined]
    assert "unpublished default" in metadata["help"]
    assert f"| `{name}` | {default:g} | {metadata['unit']} | {metadata['min']:g} to {metadata['max']:g} |" in TEXT


def test_every_prompt_is_listed_with_its_states() -> None:
    for kind, states in GUIDANCE_STATES.items():
        assert f"| `{kind.value}` | by the prompter | {_codes(states)} |" in TEXT
    for own, (priority, states) in own_prompt_states().items():
        assert f"| `{own.value}` | {priority.name.lower()} | {_codes(states)} |" in TEXT


def _codes(states: tuple[State, ...]) -> str:
    return " ".join(CODES[state] for state in State if state in states)


@pytest.mark.parametrize("state", State)
def test_what_a_state_is_said_to_record_it_takes(state: State) -> None:
    assert set(ABOUT) == set(State)
    assert f"| {CODES[state]} | `{state.value}` | {ABOUT[state].entry} | {ABOUT[state].exit} |" in TEXT
    for kind in ABOUT[state].records:
        assert kind not in (PHASE, REFUSED)
        assert isinstance(TABLE[state, EventKind(kind)], Stay)

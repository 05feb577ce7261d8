"""Whole virtual procedures: what comes of them, that chance is the seed's alone, and what is reported."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from barbotage_models import cli
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.evaluation.intervals import Estimate
from barbotage_models.evaluation.virtual_procedure import report as reporting
from barbotage_models.evaluation.virtual_procedure.campaign import Plan, play, run_plan
from barbotage_models.evaluation.virtual_procedure.conditions import Condition, Told, conditions, screen_for
from barbotage_models.evaluation.virtual_procedure.errors import GuidanceErrors, Seen, fitted, load_errors
from barbotage_models.evaluation.virtual_procedure.guidance import Beside, Fault
from barbotage_models.evaluation.virtual_procedure.patients import patient
from barbotage_models.evaluation.virtual_procedure.reading import ImageReading, ReadingSettings
from barbotage_models.evaluation.virtual_procedure.summary import FIGURES, row_of, targets
from barbotage_models.evaluation.virtual_procedure.trial import NEEDLE_MM, PASSES_MOST, Outcome, Trial
from barbotage_models.simulator.scenario.motion import SceneMotion

MAIN = tuple(one for one in conditions() if one.group == "main")[:3]
ORACLE = MAIN[1]


@pytest.fixture(scope="module")
def errors() -> GuidanceErrors:
    return load_errors()


def test_who_is_told_the_truth_places_the_needle_at_once(errors: GuidanceErrors) -> None:
    found = [play(ORACLE, errors, seed) for seed in range(5)]
    assert all(one.first_pass and one.placed and one.passes == 1 for one in found)
    assert all(one.distance_mm < 2.0 and not one.far_wall for one in found)
    assert all(20.0 < one.path_mm < 2 * NEEDLE_MM for one in found)


def test_who_misreads_the_tip_misses_and_tries_again() -> None:
    found = []
    for seed in range(5):
        start = patient(seed)
        motion = SceneMotion(start)
        reading = ImageReading(np.random.default_rng(seed), ReadingSettings(tip_mm=0.0, across_mm=8.0, lasts_s=30.0))
        found.append(Trial(start, motion, reading).run(motion.move))
        assert motion.pose.inserted_mm <= NEEDLE_MM + 1.0
    assert sum(one.first_pass for one in found) <= 2
    assert max(one.passes for one in found) > 1
    assert all(one.passes <= PASSES_MOST for one in found)


def always_shown(errors: GuidanceErrors, **changes: Any) -> GuidanceErrors:
    """The errors with tip and shaft always shown, and other changes, in every procedure."""
    own = (replace(one, shaft_share=1.0, visible=replace(one.visible, shown_share=1.0), **changes) for one in errors.procedures)
    return replace(errors, procedures=tuple(own))


def test_a_tip_shown_too_deep_stops_the_needle_short(errors: GuidanceErrors) -> None:
    deep = next(one for one in conditions() if one.fault is Fault.DEEP and not one.doubts)
    true = [play(ORACLE, errors, seed).distance_mm for seed in range(5)]
    shown = always_shown(errors)
    assert np.mean([play(deep, shown, seed).distance_mm for seed in range(5)]) > np.mean(true) + 2.0


def test_the_outcome_depends_on_the_seed_and_not_on_the_number_of_processes(errors: GuidanceErrors) -> None:
    plan = Plan(MAIN[:2], errors, runs=3, first_seed=40)
    said: list[tuple[int, int]] = []
    alone = run_plan(plan, 1, lambda done, total: said.append((done, total)))
    assert said[-1] == (6, 6)
    assert run_plan(plan, 2, lambda _done, _total: None) == alone
    assert [one.seed for one in alone[0]] == [40, 41, 42]
    assert alone[0] != alone[1]


def test_every_condition_has_a_name_of_its_own_and_guidance_too_late_is_hidden(errors: GuidanceErrors) -> None:
    names = [(one.group, one.name) for one in conditions()]
    assert len(set(names)) == len(names)
    late = Condition("latency", "late", Told.GUIDANCE, latency_ms=300.0)
    assert play(late, errors, 3) == play(MAIN[0], errors, 3), "what is hidden leaves the image, and the same misreading"
    assert isinstance(screen_for(late, errors, 0), ImageReading)
    assert isinstance(screen_for(replace(late, hides=False), errors, 0), Beside)


def test_a_receding_target_leads_beside_the_deposit(errors: GuidanceErrors) -> None:
    def median_mm(ahead_mm: float) -> float:
        target = always_shown(errors, target_mm=(0.3, 0.0), target_near_mm=(ahead_mm, 0.0))
        return float(np.median([play(MAIN[2], target, seed).distance_mm for seed in range(5)]))

    assert median_mm(3.0) > median_mm(0.3) + 0.8


def seen(visible: bool, shown: bool, along_mm: float = 0.0) -> Seen:
    return Seen(visible, True, True, shown, along_mm if shown else None, 0.1 if shown else None, 0.5, 0.4, -0.2)


def test_an_error_model_says_what_the_frames_say(tmp_path: Path) -> None:
    run = [seen(True, number % 4 != 0, along_mm=0.01 * number) for number in range(101)] + [seen(False, False)] * 10
    model = fitted([run, run], 0.05, 100.0, (0.5, 2.0), {"model": "m"})
    assert model.procedures[0].visible.shown_share == model.pooled.visible.shown_share == pytest.approx(75 / 101, abs=1e-3)
    assert model.pooled.visible.hidden_s == pytest.approx(0.05)
    assert model.pooled.visible.along_mm[10] == pytest.approx(0.5, abs=0.02)
    hidden = model.pooled.hidden
    assert (hidden.shown_share, hidden.median_mm, hidden.frames) == (0.0, None, 20)
    assert model.pooled.target_mm == model.pooled.target_near_mm == (0.4, -0.2)
    model.save(tmp_path / "errors.json")
    assert load_errors(tmp_path / "errors.json") == model


def test_each_procedure_keeps_its_own_errors_and_borrows_what_it_cannot_know() -> None:
    often = [seen(True, True, along_mm=1.0)] * 100
    seldom = [seen(True, number < 5, along_mm=-3.0) for number in range(100)]
    model = fitted([often, seldom], 0.05, 100.0, (0.5, 2.0), {})
    first, second = model.procedures
    assert (first.visible.shown_share, second.visible.shown_share) == (1.0, 0.05)
    assert first.visible.along_mm[10] == 1.0
    assert second.visible.along_mm == model.pooled.visible.along_mm, "five frames say little of its own errors"


def test_what_is_no_error_model_is_told(tmp_path: Path, errors: GuidanceErrors) -> None:
    path = tmp_path / "errors.json"
    with pytest.raises(NotFoundError, match="--real"):
        load_errors(path)
    document = asdict(errors)
    short = asdict(errors.pooled.visible) | {"along_mm": [0.0]}
    damages: list[dict[str, object]] = [
        {"pooled": {}},
        {"unknown": 1},
        {"pooled": asdict(errors.pooled) | {"visible": short}},
        {"procedures": []},
    ]
    for damage in damages:
        path.write_text(json.dumps(document | damage), encoding="utf-8")
        with pytest.raises(InvalidInputError, match="not an error model"):
            load_errors(path)
    with pytest.raises(InvalidInputError, match="no tip was shown"):
        fitted([[seen(True, False)]], 0.05, 100.0, (0.5, 2.0), {})


OUTCOME = Outcome(0, True, True, True, 1, 10.0, 1.0, 30.0, 0.5, True, False, False, 1)


def test_shares_are_counted_and_lengths_averaged() -> None:
    outcomes = [OUTCOME, replace(OUTCOME, first_pass=False, distance_mm=3.0, seen_throughout=False, time_s=30.0)]
    row = row_of(ORACLE, outcomes)
    values = {figure.name: row.figures[figure.name].value for figure in FIGURES}
    assert (values["first_pass"], values["distance"], values["unseen_insertion"]) == (0.5, 2.0, 0.5)
    assert values["false_prompts"] == pytest.approx((6.0 + 2.0) / 2)
    assert row.distance_sd_mm == 1.0


@pytest.mark.parametrize(("first", "distance_mm", "closer_mm", "met"), [(1, 1.0, -0.2, True), (0, 2.0, 0.3, False)])
def test_the_targets_are_met_or_not(first: int, distance_mm: float, closer_mm: float, met: bool) -> None:
    row = row_of(MAIN[2], [replace(OUTCOME, first_pass=bool(first), distance_mm=distance_mm)] * 3)
    reached = targets({"guidance": row}, Estimate(closer_mm, closer_mm - 0.1, closer_mm + 0.1, 3))
    assert [one["met"] for one in reached] == [met] * 3


def test_the_command_leaves_table_figures_and_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reporting, "conditions", lambda: [*MAIN, conditions()[-1]])
    out = tmp_path / "out"
    assert cli.main(["virtual-procedure", "--runs", "2", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "prove nothing clinical" in said["note"]
    assert [one["name"] for one in said["conditions"]] == ["image only", "perfect oracle", "guidance", "frozen, hidden"]
    assert said == json.loads((out / "virtual-procedure.json").read_text())
    table = (out / "virtual-procedure.md").read_text()
    assert "prove nothing clinical" in table
    assert "| perfect oracle | 100 % (34 to 100) |" in table
    picture = cv2.imread(str(out / "virtual-procedure.png"))
    assert picture is not None
    assert picture.shape[1] == 1500


def test_a_model_without_real_procedures_is_refused() -> None:
    assert cli.main(["virtual-procedure", "--runs", "2", "--model", "x.tflite"]) == 2

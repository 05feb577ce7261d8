"""``barbotage export procedure``: what a spreadsheet and a program get of a procedure."""

import csv
import io
import json
from pathlib import Path

import pytest
from tests.host.review.procedures import cut_and_gone_on, whole
from tests.support.sessions import Script, write_session

from barbotage_host.cli import run_command_line
from barbotage_host.export.procedure import COLUMNS

Table = list[dict[str, str]]


def table_of(text: str) -> Table:
    reader = csv.DictReader(io.StringIO(text))
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return list(reader)


def values(table: Table, part: str, field: str) -> list[str]:
    return [row["value"] for row in table if (row["part"], row["field"]) == (part, field)]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole(tmp_path_factory.mktemp("sealed"))


def test_the_table_holds_states_agents_cycles_and_complications(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["export", "procedure", str(sealed)]) == 0
    table = table_of(capsys.readouterr().out)
    assert values(table, "state", "phase")[:3] == ["check-device", "check-case", "scan"]
    assert values(table, "state", "trigger").count("suggested-and-confirmed") == 3
    assert values(table, "state", "evidence.planes") == ["long; short"]
    assert values(table, "agent", "volume_ml") == ["7.25"]
    assert values(table, "lavage-cycles", "count") == ["2"]
    assert values(table, "lavage-cycles", "from.image") == ["1"]
    assert values(table, "complication", "complication") == ["vasovagal"]
    assert values(table, "checklist", "consent") == ["yes"]
    assert values(table, "checklist", "fop") == [""]
    assert values(table, "checklist", "prior-imaging.modality") == ["XR"]
    assert all(row["session"] == row["recorded_in"] == sealed.name for row in table)


def test_json_is_one_session_a_line(sealed: Path, tmp_path: Path) -> None:
    out = tmp_path / "procedures.jsonl"
    assert run_command_line(["export", "procedure", str(sealed.parent), "--json", "--out", str(out)]) == 0
    (document,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert document["session"] == sealed.name
    assert document["states"][-1]["phase"] == "sealed"
    assert document["cycles"]["count"] == 2


def test_a_procedure_gone_on_with_names_the_session_that_holds_each_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = cut_and_gone_on(tmp_path)
    assert run_command_line(["export", "procedure", str(after)]) == 0
    table = table_of(capsys.readouterr().out)
    agent = next(row for row in table if row["part"] == "agent")
    assert (agent["session"], agent["recorded_in"], agent["t_s"]) == (after.name, before.name, "")
    assert values(table, "continued", "continued.unchanged") == ["True"]
    assert values(table, "lavage-cycles", "count") == ["3"]


def test_a_session_without_a_procedure_has_its_phases_and_no_open_checklist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = write_session(tmp_path, Script(frames=20, width_px=320, height_px=320, backgrounds=1, unsure=(8, 10)))
    assert run_command_line(["export", "procedure", str(session)]) == 0
    table = table_of(capsys.readouterr().out)
    assert values(table, "state", "phase") == ["scan", "advance", "lavage", "post-scan"]
    assert [row for row in table if row["part"] == "checklist"] == []


def test_a_missing_session_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["export", "procedure", str(tmp_path / "gone")]) == 3
    assert "gone" in capsys.readouterr().err

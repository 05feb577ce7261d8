"""``barbotage config …`` against a device over the emulated cable: checked at both ends, all or nothing, read back."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.served import Bench, served

from barbotage_device.config import load_config
from barbotage_device.config_store import ConfigStore
from barbotage_device.link.roles import Role

REGION = ("capture.region.x_px=10", "capture.region.y_px=0", "capture.region.width_px=400", "capture.region.height_px=300")


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with served(tmp_path, capsys, monkeypatch) as made:
        yield made


def test_what_is_set_is_on_the_device_and_comes_back(bench: Bench) -> None:
    said = bench.run("config", "set", "screen.language=en", "capture.fps_hz=30")
    assert (said.code, said.out.splitlines()) == (0, ["capture.fps_hz: 25.0 Hz -> 30.0 Hz", 'screen.language: "fr" -> "en"'])
    assert "read back" in said.err
    assert "started anew" in said.err
    assert (load_config(bench.config, {}).screen.language, load_config(bench.config, {}).capture.fps_hz) == ("en", 30.0)
    assert (
        bench.run("config", "get", "screen.language", "capture.fps_hz").out
        == 'screen.language = "en"\ncapture.fps_hz = 30.0 Hz\n'
    )
    again = bench.json("config", "set", "screen.language=en")
    assert (again["changes"], again["restart"]) == ([], False)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["screen.width_px=10"], "'screen.width_px' = 10: must be a whole number from 480 to 3840 px"),
        (["screen.width_px=wide"], "'screen.width_px' = 'wide': must be a whole number"),
        (["screen.language=de"], "must be one of fr, en"),
        (["screen.langage=en"], "did you mean 'screen.language'?"),
        (["language=en"], "did you mean 'screen.language'?"),
        (["screen.language=en", "screen.width_px=10"], "screen.width_px"),
        (["capture.region.x_px=10"], "'capture.region.y_px' is missing"),
        (["screen.language"], "is not KEY=VALUE"),
        (["screen.language=fr", "screen.language=en"], "given twice"),
        ([], "nothing to set"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_sent(bench: Bench, words: list[str], named: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(ConfigStore, "set", lambda *_: pytest.fail("the device was asked"))
    said = bench.run("config", "set", *words)
    assert (said.code, said.out) == (2, "")
    assert named in said.err


def test_what_only_the_device_can_judge_is_refused_by_it_and_changes_nothing(bench: Bench) -> None:
    said = bench.run("config", "set", "screen.language=en", *REGION[:2], "capture.region.width_px=4000", REGION[3])
    assert said.code == 2
    assert "does not lie inside the grabbed picture" in said.err
    assert bench.values()["screen.language"] == "fr"


def test_nothing_is_changed_during_a_procedure(bench: Bench) -> None:
    bench.procedure.append(True)
    said = bench.run("config", "set", "screen.language=en")
    assert said.code == 4
    assert "a procedure is running" in said.err
    assert not bench.config.exists()


def test_the_settings_come_in_their_order(bench: Bench) -> None:
    keys = [line.split(" = ")[0] for line in bench.run("config", "get").out.splitlines()]
    assert keys[:6] == [
        "capture.device",
        "capture.width_px",
        "capture.height_px",
        "capture.fps_hz",
        "capture.region",
        "capture.scale",
    ]
    sections = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    assert sections[-3:] == ["prompts", "procedure", "probe"]


def test_a_dry_run_shows_and_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[screen]\nlanguage = "en"\n')
    for words in (["set", "screen.language=en"], ["apply", str(file)], ["import", str(file)]):
        said = bench.run("config", *words, "--dry-run")
        assert (said.code, said.out) == (0, 'screen.language: "fr" -> "en"\n')
    assert not bench.config.exists()


def test_apply_sets_the_keys_of_the_file_and_import_the_whole(bench: Bench, tmp_path: Path) -> None:
    bench.json("config", "set", "screen.width_px=1000", *REGION)
    file = tmp_path / "x.toml"
    file.write_text('[screen]\nlanguage = "en"\n')
    bench.json("config", "apply", str(file))
    values = bench.values()
    assert (values["screen.language"], values["screen.width_px"], values["capture.region.x_px"]) == ("en", 1000, 10)
    bench.json("config", "import", str(file))
    values = bench.values()
    assert (values["screen.language"], values["screen.width_px"], values["capture.region"]) == ("en", 800, None)
    file.write_text("")
    bench.json("config", "import", str(file))
    assert bench.json("config", "diff", "--factory")["differences"] == []


def test_an_import_takes_nothing_from_what_was_there(bench: Bench, tmp_path: Path) -> None:
    bench.json("config", "set", *REGION)
    file = tmp_path / "x.toml"
    file.write_text("[capture.region]\nx_px = 20\n")
    said = bench.run("config", "import", str(file))
    assert said.code == 2
    assert "'capture.region.y_px' is missing" in said.err


def test_an_optional_section_goes_by_its_name(bench: Bench) -> None:
    bench.json("config", "set", *REGION)
    assert bench.values()["capture.region.width_px"] == 400
    bench.json("config", "set", "capture.region=none")
    assert bench.values()["capture.region"] is None


def test_an_export_is_what_the_device_reads_and_documents_itself(bench: Bench, tmp_path: Path) -> None:
    bench.json("config", "set", "screen.language=en", *REGION)
    file = tmp_path / "out.toml"
    assert bench.run("config", "export", str(file)).code == 0
    assert load_config(file, {}) == load_config(bench.config, {})
    assert "From 480 to 3840 px." in file.read_text()
    printed = bench.run("config", "export").out
    assert tomllib.loads(printed) == tomllib.loads(file.read_text())
    assert bench.json("config", "diff", str(file))["differences"] == []
    assert "cannot be written" in bench.run("config", "export", str(tmp_path / "no" / "x.toml")).err


def test_a_diff_shows_both_values(bench: Bench, tmp_path: Path) -> None:
    bench.json("config", "set", "screen.language=en")
    assert bench.run("config", "diff").out == 'screen.language = "en" (factory: "fr")\n'
    file = tmp_path / "x.toml"
    file.write_text("[screen]\nwidth_px = 900\n")
    assert bench.json("config", "diff", str(file))["differences"] == [
        {"key": "screen.width_px", "device": 800, "other": 900, "unit": "px"}
    ]
    assert bench.run("config", "diff", str(file), "--factory").code == 2
    assert bench.run("config", "diff", str(tmp_path / "none.toml")).code == 3


def test_a_change_by_somebody_else_in_between_is_told_and_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, store = ConfigStore.revision, ConfigStore(bench.config)
    asked: list[str] = []

    def meanwhile(self: ConfigStore) -> str:
        asked.append("")
        if len(asked) == 2:  # the first time is conf.get, the second conf.set
            store.set({"screen.width_px": 1000})
        return real(self)

    monkeypatch.setattr(ConfigStore, "revision", meanwhile)
    said = bench.run("config", "set", "screen.language=en")
    assert said.code == 4
    assert "screen.width_px is now 1000" in said.err
    assert (bench.values()["screen.width_px"], bench.values()["screen.language"]) == (1000, "fr")


def test_a_device_that_keeps_another_value_is_found_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ConfigStore.set
    monkeypatch.setattr(ConfigStore, "set", lambda self, values: real(self, {**values, "screen.width_px": 1000}))
    said = bench.run("config", "set", "screen.width_px=900")
    assert said.code == 1
    assert "screen.width_px is 1000, sent was 900" in said.err


def test_the_laboratory_setting_is_not_for_a_host_to_make(bench: Bench) -> None:
    said = bench.run("config", "set", "link.security=none")
    assert said.code == 4
    assert "at the device only" in said.err


def test_a_warning_says_that_the_link_itself_changes(bench: Bench) -> None:
    assert "the link itself changes" in bench.run("config", "set", "link.baud=115200").err


def test_a_viewer_sees_values_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, capsys, monkeypatch, Role.VIEWER) as bench:
        assert bench.run("config", "get", "screen.width_px").out == "screen.width_px = 800\n"
        assert bench.run("config", "get", "screen.widht_px").code == 2
        assert bench.run("config", "set", "screen.language=en").code == 4

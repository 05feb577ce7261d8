import signal
from pathlib import Path

import pytest

from barbotage_models import cli
from barbotage_models.training import samples


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, ""),
        (["simulate", "--help"], 0, ""),
        (["evaluate", "--help"], 0, ""),
        (["simulate"], 2, "--out"),
        (["simulate", "--out", "x", "--frames", "3"], 2, "--frames"),
        (["nonsense"], 2, "nonsense"),
        (["evaluate", "--model", "missing.tflite"], 3, "missing.tflite"),
        (["evaluate", "--data", "missing", "--backgrounds", "also"], 2, "--backgrounds"),
    ],
)
def test_exit_codes_and_messages(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "evaluate" and "--data" in arguments:
        monkeypatch.setattr("barbotage_models.contract.card.load_card", lambda _: None)
        monkeypatch.setattr("barbotage_models.bundle.bundled_model", lambda: Path("any"))
    assert cli.main(arguments) == code
    assert said in capsys.readouterr().err


def test_existing_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert cli.main(["simulate", "--out", str(tmp_path), "--frames", "8"]) == 4
    assert "already holds data" in capsys.readouterr().err


def test_ctrl_c_ends_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(samples, "shard_samples", interrupted)
    assert cli.main(["simulate", "--out", str(tmp_path / "data"), "--frames", "8"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "data" / "manifest.json").exists()

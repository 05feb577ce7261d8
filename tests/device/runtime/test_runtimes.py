import sys
from pathlib import Path

import pytest

from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.runtime.runtimes import LITERT, RUNTIMES, TFLITE_RUNTIME, load_runtime, wanted_runtimes


def install(folder: Path, name: str, body: str) -> None:
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '9.9'\n")
    (package / "interpreter.py").write_text(body)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in sys.modules if name.split(".")[0] == TFLITE_RUNTIME]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, RUNTIMES), ({"BARBOTAGE_RUNTIME": ""}, RUNTIMES), ({"BARBOTAGE_RUNTIME": "tflite_runtime"}, ("tflite_runtime",))],
)
def test_the_environment_may_name_the_only_runtime(environ: dict[str, str], expected: tuple[str, ...]) -> None:
    assert wanted_runtimes(environ) == expected


def test_an_unknown_runtime_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'onnx'"):
        wanted_runtimes({"BARBOTAGE_RUNTIME": "onnx"})


def test_litert_is_preferred_and_names_its_version(model: Path) -> None:
    runtime = load_runtime(model, RUNTIMES)
    assert runtime.name == LITERT
    assert runtime.version[0].isdigit()


def test_no_runtime_at_all_says_what_to_install(model: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        load_runtime(model, ("absent_runtime",))
    assert "absent_runtime is not installed" in str(caught.value)
    assert "pip install" in str(caught.value)


def test_tflite_runtime_that_imports_but_dies_under_numpy_2_is_explained_and_passed_over(site: Path, model: Path) -> None:
    install(
        site,
        TFLITE_RUNTIME,
        "class Interpreter:\n    def __init__(self, **_):\n        raise SystemError('_ARRAY_API not found')\n",
    )
    with pytest.raises(NotFoundError, match="numpy<2 needed"):
        load_runtime(model, (TFLITE_RUNTIME,))
    assert load_runtime(model, (TFLITE_RUNTIME, LITERT)).name == LITERT


def test_a_runtime_broken_for_another_reason_says_that_reason(site: Path, model: Path) -> None:
    install(site, "ancient_runtime", "raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    with pytest.raises(NotFoundError, match=r"libfoo\.so\.1"):
        load_runtime(model, ("ancient_runtime",))

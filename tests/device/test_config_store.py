"""A host reads and changes the configuration by dotted keys: checked, all or nothing, read back alike."""

import json
from pathlib import Path

import pytest

from barbotage_device.config import DeviceConfig, load_config
from barbotage_device.config_store import ConfigStore, flatten, schema_document
from barbotage_device.link import cbor
from barbotage_device.link.errors import CallError
from barbotage_device.link.framing import MAX_PAYLOAD_BYTES


def test_without_a_file_there_are_the_defaults(tmp_path: Path) -> None:
    store = ConfigStore(tmp_path / "device.toml")
    assert store.values() == flatten(DeviceConfig())
    assert store.values()["screen.language"] == "fr"


def test_a_change_is_written_and_read_back_by_the_device(tmp_path: Path) -> None:
    path = tmp_path / "new" / "device.toml"
    store = ConfigStore(path)
    before = store.revision()
    store.set({"screen.language": "en", "capture.fps_hz": 30})
    assert store.revision() != before
    config = load_config(path, {})
    assert (config.screen.language, config.capture.fps_hz) == ("en", 30.0)
    store.set({"screen.language": "fr", "capture.fps_hz": 25.0})
    assert store.revision() == before


def test_an_optional_section_can_be_set_and_taken_away(tmp_path: Path) -> None:
    store = ConfigStore(tmp_path / "device.toml")
    region = {"x_px": 10, "y_px": 20, "width_px": 300, "height_px": 300}
    store.set({f"capture.region.{key}": value for key, value in region.items()})
    assert store.values()["capture.region.x_px"] == 10
    store.set({"capture.region": None})
    assert store.values()["capture.region"] is None
    assert load_config(tmp_path / "device.toml", {}).capture.region is None


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"screen.langage": "fr"}, "screen.langage"),
        ({"screen.width_px": 1}, "screen.width_px"),
        ({"screen.width_px": "wide"}, "screen.width_px"),
        ({"screen.language": "de"}, "screen.language"),
        ({"screen.language.x": 1}, "screen.language.x"),
        ({"nonsense": 1}, "nonsense"),
        ({"capture.region.x_px": 10}, "region"),
        ({"screen.language": "en", "screen.width_px": 1}, "screen.width_px"),
        ({"screen": {"language": "en"}}, "screen"),
        ({"screen.language": ["en"]}, "screen.language"),
        ({"screen": None}, "screen"),
        ({"screen.langage": None}, "screen.langage"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(tmp_path: Path, values: dict[str, object], named: str) -> None:
    store = ConfigStore(tmp_path / "device.toml")
    with pytest.raises(CallError, match=named):
        store.set(values)
    assert store.values() == flatten(DeviceConfig())
    assert not (tmp_path / "device.toml").exists()


def test_a_key_without_a_value_gets_its_default(tmp_path: Path) -> None:
    store = ConfigStore(tmp_path / "device.toml")
    store.set({"screen.language": "en", "screen.width_px": 1000})
    store.set({"screen.language": None})
    assert (store.values()["screen.language"], store.values()["screen.width_px"]) == ("fr", 1000)


@pytest.mark.parametrize("text", ["\x7f", '"\\\n\t\0', "é\u2028\U0001f600", ""])
def test_any_text_reads_back_as_it_was_written(tmp_path: Path, text: str) -> None:
    store = ConfigStore(tmp_path / "device.toml")
    store.set({"model.path": text})
    assert load_config(tmp_path / "device.toml", {}).model.path == text
    assert store.document() == (tmp_path / "device.toml").read_bytes()


def test_all_values_fit_one_answer_and_every_key_is_documented(tmp_path: Path) -> None:
    values = ConfigStore(tmp_path / "device.toml").values()
    assert len(cbor.encode(dict(values))) < MAX_PAYLOAD_BYTES // 2
    documented = {entry["key"] for entry in json.loads(schema_document())["keys"]}
    assert {key for key, value in values.items() if value is not None} <= documented

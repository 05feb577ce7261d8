"""The host's check of settings by the device's own description, against the device's check."""

from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from barbotage_device.config import DeviceConfig
from barbotage_device.config_store import changed, flatten, schema_document
from barbotage_device.errors import BarbotageError, UsageError
from barbotage_device.link.errors import CallError, LinkError
from barbotage_host.settings.changes import as_changes, differences, merged
from barbotage_host.settings.reading import flatten_table, read_file, read_words
from barbotage_host.settings.schema import Entry, Schema, parse_schema

SCHEMA = parse_schema(schema_document())
KEYS = sorted(SCHEMA.entries)


def values_of(entry: Entry) -> st.SearchStrategy[object]:
    """Values in and out of bounds, of the right and of other types."""
    low, high = entry.minimum or 0.0, entry.maximum or 1e6
    near = [low, high, low - 1, high + 1, round(low), round(high), round(high) + 1]
    texts = st.sampled_from([*entry.choices, "", "fr ", "\x7f", "\u00e9"])
    numbers = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.integers(int(low), int(high)) | st.sampled_from(near)
    return numbers | st.booleans() | texts | st.text(max_size=20)


def host_says(values: dict[str, object]) -> str:
    """What the host finds wrong, empty when nothing."""
    try:
        SCHEMA.check_whole(merged(flatten(DeviceConfig()), SCHEMA.check(values), SCHEMA))
    except BarbotageError as error:
        return str(error)
    return ""


def device_says(values: dict[str, object]) -> str:
    try:
        changed(DeviceConfig(), values)
    except CallError as error:
        return str(error)
    return ""


def concerns_several_keys(text: str) -> bool:
    """What only the device knows: how keys of a section must fit each other."""
    return "section '" in text or "does not lie inside" in text


PLAIN = [key for key in KEYS if SCHEMA.entries[key].section not in SCHEMA.optional]


@given(st.sampled_from(PLAIN).flatmap(lambda key: st.tuples(st.just(key), values_of(SCHEMA.entries[key]))))
@example(("screen.language", "fr\x7f"))
@example(("model.path", "a\x7fb"))
@example(("capture.fps_hz", 10**30))
@example(("capture.fps_hz", True))
def test_host_and_device_judge_a_value_alike(pair: tuple[str, object]) -> None:
    values = {pair[0]: pair[1]}
    host, device = host_says(values), device_says(values)
    assert bool(host) == bool(device) or (not host and concerns_several_keys(device)), (host, device)
    if host:
        assert pair[0] in host


@given(st.data())
def test_host_and_device_judge_an_optional_section_alike(data: st.DataObject) -> None:
    keys = data.draw(st.sets(st.sampled_from([key for key in KEYS if key not in PLAIN]), min_size=1))
    values = {
        key: data.draw(st.integers(int(entry.minimum or 0), int(entry.maximum or 9)) | values_of(entry))
        for key in sorted(keys)
        for entry in [SCHEMA.entries[key]]
    }
    host, device = host_says(values), device_says(values)
    assert bool(host) == bool(device) or (not host and concerns_several_keys(device)), (host, device)


@given(st.dictionaries(st.sampled_from(PLAIN), st.none() | st.integers() | st.text(max_size=5), max_size=4), st.booleans())
def test_what_is_sent_makes_the_wanted_settings(raw: dict[str, object], region: bool) -> None:
    present = flatten(DeviceConfig())
    values = {key: value for key, value in raw.items() if not host_says({key: value})}
    if region:
        values |= {f"capture.region.{key}": 100 for key in ("x_px", "y_px", "width_px", "height_px")}
    wanted = merged(present, SCHEMA.check(values), SCHEMA)
    changes = as_changes(differences(present, wanted, SCHEMA), SCHEMA)
    assume(not concerns_several_keys(device_says(dict(changes))))
    config = changed(DeviceConfig(), changes)
    assert not differences(flatten(config), wanted, SCHEMA)
    back = as_changes(differences(flatten(config), present, SCHEMA), SCHEMA)
    assert changed(config, back) == DeviceConfig()


def test_the_factory_settings_are_those_of_a_new_device() -> None:
    assert SCHEMA.factory() == flatten(DeviceConfig())
    assert SCHEMA.optional == {"capture.region", "capture.scale"}


@pytest.mark.parametrize(
    ("name", "keys"),
    [("screen.language", ["screen.language"]), ("capture.scale", ["capture.scale.x_mm_per_px", "capture.scale.z_mm_per_px"])],
)
def test_a_name_is_a_key_or_a_section(name: str, keys: list[str]) -> None:
    assert SCHEMA.find(name) == keys


@pytest.mark.parametrize(
    "document", [b"", b"[]", b'{"schema": "barbotage.config", "version": 2, "keys": []}', b'{"schema": "x", "version": 1}',
                 b'{"schema": "barbotage.config", "version": 1, "keys": [{"key": "a"}]}',
                 b'{"schema": "barbotage.config", "version": 1, "keys": [{"key": "a", "type": "x", "unit": "", "help": "", "default": 1}]}'],
)  # fmt: skip
def test_a_description_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(LinkError):
        parse_schema(document)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("screen.width_px=900", 900),
        ("screen.width_px=9.5", 9.5),
        ("capture.fps_hz=30", 30),
        ("capture.fps_hz=nonsense", "nonsense"),
        ("screen.language=en", "en"),
        ('screen.language="en"', "en"),
        ("model.path=/a b=c", "/a b=c"),
        ("model.path=", ""),
        ("model.path=12", "12"),
        ("capture.scale=None", None),
        ("unknown=1", "1"),
    ],
)
def test_words_are_read_in_the_type_of_their_key(word: str, value: object) -> None:
    read = read_words([word], SCHEMA)
    assert read == {word.partition("=")[0]: value}


@pytest.mark.parametrize(
    ("text", "named"),
    [('a = "', "not valid TOML"), ("\xff", "not UTF-8"), ('"screen.language" = "en"', "leave the quotes away")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=named) as error:
        read_file(file)
    assert str(file) in str(error.value)


def test_tables_become_dotted_keys() -> None:
    assert flatten_table({"a": {"b": {"c": 1}, "d": "x"}}, Path("f")) == {"a.b.c": 1, "a.d": "x"}


def test_units_and_bounds_are_said() -> None:
    schema = Schema([Entry("a.b", "number", "mm", "", 1.0, 0.5, 2.0, (), required=False)])
    with pytest.raises(UsageError, match=r"'a\.b' = 3\.0: must be a number from 0\.5 to 2 mm"):
        schema.check({"a.b": 3.0})

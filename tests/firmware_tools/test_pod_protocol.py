"""The protocol's table: consistent, and what both sides are generated from."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.errors import InvalidInputError
from barbotage_firmware_tools.places import places
from barbotage_firmware_tools.protocol.generate import generated_files, outdated, pod_module
from barbotage_firmware_tools.protocol.table import read_table

DOCUMENT: dict[str, Any] = json.loads(places().table.read_text(encoding="utf-8"))


def spoilt(tmp_path: Path, where: tuple[str | int, ...], value: Any) -> Path:
    """The table with one value replaced."""
    document = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    file = tmp_path / "protocol.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_both_sides_are_what_the_table_says() -> None:
    where = places()
    assert outdated(generated_files(read_table(where.table), where)) == [], "barbotage-pod protocol --write"


def test_a_change_of_the_table_is_noticed(tmp_path: Path) -> None:
    where = places()
    table = read_table(spoilt(tmp_path, ("messages", 3, "fields", 0, 1), "u16"))
    assert len(outdated(generated_files(table, where))) == 2


def test_generated_constants_carry_names_and_values() -> None:
    text = pod_module(read_table(places().table))
    assert "\nTILT = const(0x04)\n" in text
    assert '"inject_hpa": (5, 150, 10, 5000)' in text


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("messages", 1, "id"), 1, "message id used twice"),
        (("messages", 0, "fields", 1, 1), "u32", "23 fit into a frame"),
        (("messages", 0, "id"), 120, "from 64"),
        (("settings", 0, "default"), 1, "out of its bounds"),
        (("settings", 1, "key"), 1, "setting key used twice"),
        (("messages", 0, "fields", 0, 1), "u9", "unknown type"),
        (("frame_bytes",), 64, "payload_max_bytes"),
        (("enums", "Hello"), {"help": "", "values": {}}, "both an enumeration and a message"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    tmp_path: Path, where: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_table(spoilt(tmp_path, where, value))

import pytest

from barbotage_device.update.errors import UpdateError
from barbotage_device.update.fitting import installed_version
from barbotage_device.update.requirements import meets, unmet


@pytest.mark.parametrize(
    ("version", "specifiers", "fits"),
    [
        ("1.2.3", "", True),
        ("1.2.3", ">=1.2,<2", True),
        ("2.0", ">=1.2,<2", False),
        ("2.0rc1", "<2", False),
        ("2.1rc1", ">=2.0", True),
        ("2.4.6+local", "<3", True),
    ],
)
def test_an_installed_pre_release_counts_for_what_it_is(version: str, specifiers: str, fits: bool) -> None:
    assert meets(version, specifiers) is fits


def test_what_is_missing_or_too_old_is_named_and_what_other_extras_need_is_not() -> None:
    there = {"numpy": "2.1", "cryptography": "45.0"}
    lines = ["numpy (>=1.26,<3)", "numpy<2", "absent>=1", "starlette; extra == 'host'", "cryptography>=46; extra == 'device'"]
    found = unmet(lines, there.get)
    assert [each.split()[0] for each in found] == ["numpy", "absent", "cryptography"]
    assert "installed: 2.1" in found[0]
    assert "not installed" in found[1]


@pytest.mark.parametrize(
    "line", ["", "name @ https://somewhere", "name>=one", "name; extra ==", "name; (extra == 'a'", "name; nonsense"]
)
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(UpdateError, match="cannot be understood"):
        unmet([line], lambda _: "1.0")


def test_a_specifier_that_is_not_understood_is_refused() -> None:
    with pytest.raises(UpdateError, match="cannot be understood"):
        meets("3.11.7", "at least 3")


def test_what_this_very_software_requires_is_understood_and_met_here() -> None:
    from importlib.metadata import requires

    assert unmet(requires("barbotage") or [], installed_version) == []

import pytest

from barbotage_device.update.errors import UpdateError
from barbotage_device.update.fitting import installed_version, marker_environment
from barbotage_device.update.requirements import marker_holds, meets, unmet

PC = {**marker_environment(), "sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11", "extra": "device"}
PC["python_full_version"] = "3.11.7"
VERSIONS = [
    ("1.2.3", "", True),
    ("1.2.3", ">=1.2,<2", True),
    ("2.0", ">=1.2,<2", False),
    ("2.0rc1", "<2", False),
    ("2.0rc1", ">=2.0", False),
    ("2.0.post1", ">2.0", False),
    ("2.0.post1", ">=2.0", True),
    ("1.0.dev3", "<1.0", False),
    ("1.0", "==1.0.0", True),
    ("1.0.1", "==1.0.*", True),
    ("1.1", "==1.0.*", False),
    ("1.1", "!=1.0.*", True),
    ("1.4.5", "~=1.4", True),
    ("2.0", "~=1.4", False),
    ("1.5.0", "~=1.4.2", False),
    ("4.14.0.94", ">=4.10,<5", True),
    ("2.14.0", "==2.14.0", True),
    ("2.14.0", "!=2.14", False),
    ("1.10", ">1.9", True),
    ("1.0a1", "<1.0b2", True),
    ("2.4.6+local", "<3", True),
]
MARKERS = [
    ("sys_platform == 'linux'", True),
    ("sys_platform != 'linux'", False),
    ("python_version < '3.12'", True),
    ("python_version >= '3.9' and python_version < '3.11'", False),
    ("'3.10' <= python_version", True),
    ("python_full_version >= '3.11.5'", True),
    ("platform_machine == 'aarch64' or platform_machine == 'x86_64'", True),
    ("(platform_machine == 'aarch64' or sys_platform == 'win32') and extra == 'device'", False),
    ("extra == 'host' or (extra == 'device' and sys_platform == \"linux\")", True),
    ("platform_machine in 'x86_64 aarch64'", True),
    ("platform_machine not in 'x86_64 aarch64'", False),
]


@pytest.mark.parametrize(("version", "specifiers", "fits"), VERSIONS)
def test_versions_are_compared_as_python_compares_them(version: str, specifiers: str, fits: bool) -> None:
    packaging = pytest.importorskip("packaging.specifiers")
    assert packaging.SpecifierSet(specifiers).contains(version, prereleases=True) is fits, "the table"
    assert meets(version, specifiers) is fits


@pytest.mark.parametrize(("marker", "holds"), MARKERS)
def test_markers_hold_as_python_says(marker: str, holds: bool) -> None:
    packaging = pytest.importorskip("packaging.markers")
    assert packaging.Marker(marker).evaluate(dict(PC)) is holds, "the table"
    assert marker_holds(marker, PC) is holds


def test_what_is_missing_or_too_old_is_named_and_what_other_extras_need_is_not() -> None:
    there = {"numpy": "2.1", "cryptography": "45.0"}
    lines = ["numpy (>=1.26,<3)", "numpy<2", "absent>=1", "starlette; extra == 'host'", "cryptography>=46; extra == 'device'"]
    found = unmet(lines, PC, there.get)
    assert [each.split()[0] for each in found] == ["numpy", "absent", "cryptography"]
    assert "installed: 2.1" in found[0]
    assert "not installed" in found[1]


@pytest.mark.parametrize(
    "line", ["", "name @ https://somewhere", "name>=one", "name; extra ==", "name; (extra == 'a'", "name; nonsense"]
)
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(UpdateError, match="cannot be understood"):
        unmet([line], PC, lambda _: "1.0")


def test_what_this_very_software_requires_is_understood_and_met_here() -> None:
    from importlib.metadata import requires

    assert unmet(requires("barbotage") or [], marker_environment(), installed_version) == []

from pathlib import Path

import pytest

from barbotage_device.runtime.health import HOT_CELSIUS, LOW_DISK_MB, Health, peak_rss_mb, read_health

MB = 1_000_000


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_memory_is_real_and_grows_with_use() -> None:
    before = peak_rss_mb()
    assert before > 5
    ballast = bytearray(64 * MB)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert peak_rss_mb() >= before
    assert (read_health().rss_mb or 0) > 60
    del ballast


def test_the_hottest_zone_is_told(tmp_path: Path) -> None:
    for number, milli in enumerate(("48312", "61250", "nonsense")):
        written(tmp_path / f"class/thermal/thermal_zone{number}/temp", milli + "\n")
    assert read_health(sys_root=tmp_path).cpu_celsius == 61.25


@pytest.mark.parametrize(("flags", "expected"), [("0x0", False), ("0x50005", True), ("0x50000", False), ("odd", None)])
def test_throttling_now_counts_and_throttling_in_the_past_does_not(tmp_path: Path, flags: str, expected: bool | None) -> None:
    written(tmp_path / "devices/platform/soc/soc:firmware/get_throttled", flags + "\n")
    assert read_health(sys_root=tmp_path).throttled is expected


def test_without_the_firmware_driver_the_supply_alarm_counts(tmp_path: Path) -> None:
    written(tmp_path / "class/hwmon/hwmon0/in0_lcrit_alarm", "0\n")
    written(tmp_path / "class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert read_health(sys_root=tmp_path).throttled is True


def test_a_board_that_tells_nothing_gives_none_and_no_error(tmp_path: Path) -> None:
    health = read_health(tmp_path / "gone", tmp_path, tmp_path)
    assert (health.rss_mb, health.cpu_celsius, health.throttled, health.disk_free_mb) == (None, None, None, None)
    assert health.peak_rss_mb > 0
    assert health.warnings == ()


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health(50, 60, HOT_CELSIUS, False, 9000), "cool it"),
        (Health(50, 60, 40.0, True, 9000), "heat sink"),
        (Health(50, 60, 40.0, True, 9000, weak_supply=True), "supply"),
        (Health(50, 60, 40.0, None, LOW_DISK_MB - 1), "disk"),
    ],
)
def test_each_trouble_has_its_warning(health: Health, words: str) -> None:
    assert [words in line for line in health.warnings] == [True]


@pytest.mark.parametrize(("flags", "weak", "throttled"), [("0x1", True, True), ("0x4", False, True), ("0x10000", False, False)])
def test_a_weak_supply_is_told_from_other_reasons_of_throttling(tmp_path: Path, flags: str, weak: bool, throttled: bool) -> None:
    written(tmp_path / "devices/platform/soc/soc:firmware/get_throttled", flags + "\n")
    health = read_health(sys_root=tmp_path)
    assert (health.weak_supply, health.throttled) == (weak, throttled)

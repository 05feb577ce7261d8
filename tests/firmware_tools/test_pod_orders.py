"""Orders to an emulated pod, in words."""

from pathlib import Path

import pytest

from barbotage_device.errors import InvalidInputError, NotFoundError, UsageError
from barbotage_firmware_tools.orders import PEDAL, Hand, read_script
from barbotage_firmware_tools.provision import checked_request


class Recorder:
    def __init__(self) -> None:
        self.done: list[tuple[float, str]] = []
        self.now_ms = 0.0

    def feel(self, name: str, value: float) -> None:
        self.done.append((self.now_ms, f"{name} {value:g}"))

    def press(self, pin: int) -> None:
        self.done.append((self.now_ms, f"press {pin}"))

    def release(self, pin: int) -> None:
        self.done.append((self.now_ms, f"release {pin}"))

    def power_cycle(self) -> None:
        self.done.append((self.now_ms, "power"))


def play(*orders: str, until_ms: int = 3000) -> Recorder:
    pod = Recorder()
    hand = Hand(pod, lambda: pod.now_ms)
    for order in orders:
        hand.give(order)
    for now_ms in range(until_ms):
        pod.now_ms = now_ms
        hand.turn()
    return pod


def test_a_double_press_is_two_presses() -> None:
    assert [what for _, what in play("pedal double").done] == [f"press {PEDAL}", f"release {PEDAL}"] * 2


def test_a_value_slides_from_where_it_was() -> None:
    values = [float(what.split()[1]) for _, what in play("pitch 10").done]
    assert values == sorted(values)
    assert values[0] < 1
    assert values[-1] == 10
    assert play("pitch 10", "pitch 0").done[-1][1] == "pitch 0"


def test_a_cycle_injects_sucks_and_rests() -> None:
    values = [float(what.split()[1]) for _, what in play("cycle").done]
    assert (max(values), min(values), values[-1]) == (400, -120, 0)


@pytest.mark.parametrize("text", ["", "pitch", "pitch high", "pedal kick", "explode"])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        play(text)


def test_a_script_has_times_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "script.txt"
    file.write_text("# squeeze\n1 cycle\n2.5 pedal tap # accept\n", encoding="utf-8")
    assert read_script(file) == [(1.0, "cycle"), (2.5, "pedal tap")]
    file.write_text("1 cycle\nsoon cycle\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"script\.txt:2"):
        read_script(file)
    with pytest.raises(NotFoundError, match="nowhere"):
        read_script(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("serial", "settings", "message"),
    [
        ("", [], "--serial"),
        ("has space", [], "--serial"),
        ("elevenchars", [], "--serial"),
        ("BP-1", ["nothing=1"], "no setting"),
        ("BP-1", ["inject_hpa"], "10 to 5000"),
        ("BP-1", ["inject_hpa=9"], "10 to 5000"),
        ("BP-1", ["inject_hpa=1.5"], "whole number"),
    ],
)
def test_a_wrong_provisioning_request_is_refused(serial: str, settings: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked_request(serial, settings, ())


def test_a_provisioning_request_is_read() -> None:
    assert checked_request("BP-0001", ["inject_hpa=200", "pitch_zero_cdeg=-5"], ()).settings == {
        "inject_hpa": 200,
        "pitch_zero_cdeg": -5,
    }

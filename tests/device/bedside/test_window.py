"""The window: opened where a display is, and a reason where none is."""

import os
import subprocess
import sys

import numpy as np
import pytest

from barbotage_device.bedside.window import open_window

_SHOW = """
import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from barbotage_device.bedside.window import open_window
window, reason = open_window("essai")
assert window is not None, reason
picture = np.zeros((480, 800, 3), np.uint8); picture[:, :, 2] = 200
window.show(picture)
surface = QGuiApplication.topLevelWindows()[0]
print(surface.title(), surface.width(), surface.height())
for key in (Qt.Key.Key_Space, Qt.Key.Key_X, Qt.Key.Key_O, Qt.Key.Key_F, Qt.Key.Key_L, Qt.Key.Key_Escape):
    QCoreApplication.sendEvent(surface, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))
window.show(picture)
print(*window.keys()); print(len(window.keys()), window.closed)
shot = QGuiApplication.primaryScreen().grabWindow(surface.winId()).toImage().pixelColor(400, 240)
print(shot.red(), shot.green(), shot.blue())
surface.close(); window.show(picture); print(window.closed); window.close(); window.close()
"""

_TOUCH = """
import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtTest import QTest
from barbotage_device.bedside.window import open_window
window, reason = open_window("essai")
assert window is not None, reason
picture = np.zeros((480, 800, 3), np.uint8)
window.show(picture)
surface = QGuiApplication.topLevelWindows()[0]
surface.resize(1600, 1000)
window.show(picture)
def told():
    window.show(picture)
    print(*(f"{t.stage}:{t.x_px:.0f}:{t.y_px:.0f}" for t in window.touches()))
def pointer(kind, x, y, button, held):
    at = QPointF(x, y)
    QCoreApplication.sendEvent(surface, QMouseEvent(kind, at, at, button, held, Qt.KeyboardModifier.NoModifier))
left, right, none = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
pointer(QEvent.Type.MouseMove, 10, 10, none, none)
pointer(QEvent.Type.MouseButtonPress, 10, 10, right, right)
pointer(QEvent.Type.MouseButtonPress, 400, 260, left, left)
pointer(QEvent.Type.MouseMove, 500, 270, none, left)
pointer(QEvent.Type.MouseMove, 600, 280, none, left)
pointer(QEvent.Type.MouseButtonRelease, 600, 10, left, none)
told(); told()
device = QTest.createTouchDevice()
QTest.touchEvent(surface, device).press(1, QPoint(800, 500), surface).commit()
QTest.touchEvent(surface, device).stationary(1).press(2, QPoint(100, 100), surface).commit()
QTest.touchEvent(surface, device).move(1, QPoint(820, 520), surface).move(2, QPoint(90, 90), surface).commit()
QTest.touchEvent(surface, device).release(1, QPoint(820, 520), surface).stationary(2).commit()
QTest.touchEvent(surface, device).release(2, QPoint(90, 90), surface).commit()
told()
QTest.touchEvent(surface, device).press(7, QPoint(0, 20), surface).commit()
told()
surface.resize(1000, 480)
window.show(picture)
pointer(QEvent.Type.MouseButtonPress, 400, 260, left, left)
told()
for key, text in ((Qt.Key.Key_P, "p"), (Qt.Key.Key_E, "é"), (Qt.Key.Key_Space, " "), (Qt.Key.Key_Backspace, chr(8)), (Qt.Key.Key_Shift, ""),
                  (0x153, "œ"), (Qt.Key.Key_Return, chr(13))):
    QCoreApplication.sendEvent(surface, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text))
print(*window.typed(), sep="|"); print(len(window.typed())); print(*window.keys())
window.close()
"""

_INTERRUPT = """
import signal
import numpy as np
from barbotage_device.bedside import qt_window
painting = qt_window._Surface.paintEvent
def paint(self, event):
    painting(self, event)
    signal.raise_signal(signal.SIG{name})
def terminated(signum, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, terminated)
qt_window._Surface.paintEvent = paint
window = qt_window.QtWindow("essai")
try:
    for _ in range(20):
        window.show(np.zeros((480, 800, 3), np.uint8))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture(scope="module")
def qt() -> None:
    """Qt with the system libraries that it links. A bare machine may lack them (the device then runs without a window); CI may not."""
    probe = [sys.executable, "-c", "import PySide6.QtGui"]
    tried = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode != 0:
        reason = f"Qt cannot be loaded here: {tried.stderr.strip().splitlines()[-1]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def _without_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_display_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_display(monkeypatch)
    window, reason = open_window("essai")
    assert window is None
    assert "no display" in reason


@pytest.mark.usefixtures("qt")
def test_a_dead_display_gives_a_reason_and_does_not_end_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_display(monkeypatch)
    monkeypatch.setenv("DISPLAY", ":987")
    window, reason = open_window("essai")
    assert window is None
    assert "Qt does not start" in reason
    assert "\n" not in reason


def test_without_pyside_the_reason_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = tmp_path_factory.mktemp("no-qt")
    (broken / "PySide6").mkdir()
    (broken / "PySide6" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'PySide6'\")\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    window, reason = open_window("essai")
    assert window is None
    assert "barbotage[screen]" in reason


@pytest.mark.usefixtures("qt")
def test_a_window_shows_the_picture_gives_the_keys_and_knows_that_it_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    # Its own process: one Qt application for a whole process would tie the other tests to this one.
    run = subprocess.run([sys.executable, "-c", _SHOW], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == "essai 800 480"
    assert lines[1:3] == ["space o f l q", "0 False"]
    assert np.abs(np.array(lines[3].split(), int) - (200, 0, 0)).max() <= 1
    assert lines[4] == "True"


@pytest.mark.usefixtures("qt")
def test_touches_are_told_in_pixels_of_the_picture_and_keys_also_as_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window is twice as large as the picture, with a border above and below; then it has one at the left and right."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    run = subprocess.run([sys.executable, "-c", _TOUCH], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    pointer, nothing, fingers, next_finger, wide, typed, no_more, keys = run.stdout.splitlines()
    assert pointer.split() == ["down:200:120", "move:300:130", "up:300:-5"]
    assert nothing == ""
    assert fingers.split() == ["down:400:240", "move:410:250", "up:410:250"], "a second finger changes nothing"
    assert next_finger == "down:0:0"
    assert wide == "down:300:260"
    assert typed.split("|") == ["p", "é", " ", "backspace", "œ", "enter"]
    assert (no_more, keys) == ("0", "p space")


@pytest.mark.usefixtures("qt")
@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_an_interrupt_while_qt_paints_ends_the_program_as_any_other(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _INTERRUPT.replace("{name}", name)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "interrupted"), ran.stderr

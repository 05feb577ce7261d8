"""A hand at a real Qt window, for child processes: finger, pointer and keys as Qt delivers them, in pixels of the picture shown."""

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QWindow
from PySide6.QtTest import QTest

from barbotage_device.bedside.qt_window import QtWindow
from barbotage_device.bedside.text import Picture

KEYS = {"enter": (Qt.Key.Key_Return, "\r"), "backspace": (Qt.Key.Key_Backspace, "\b"), "escape": (Qt.Key.Key_Escape, "")}
ARROWS = {"left": Qt.Key.Key_Left, "right": Qt.Key.Key_Right, "up": Qt.Key.Key_Up, "down": Qt.Key.Key_Down, "tab": Qt.Key.Key_Tab}


class KeptWindow(QtWindow):
    """The real window; keeps the picture that it showed last."""

    def __init__(self, title: str = "essai") -> None:
        super().__init__(title)
        self.picture: Picture | None = None

    def show(self, picture: Picture) -> None:
        self.picture = picture.copy()
        super().show(picture)


class QtHand:
    """Works the one window of this process."""

    def __init__(self) -> None:
        self._device = QTest.createTouchDevice()

    @property
    def surface(self) -> QWindow:
        return QGuiApplication.topLevelWindows()[0]

    def tap(self, x_px: float, y_px: float) -> None:
        """A finger touches once."""
        at = QPoint(round(x_px), round(y_px))
        QTest.touchEvent(self.surface, self._device).press(1, at, self.surface).commit()
        QTest.touchEvent(self.surface, self._device).release(1, at, self.surface).commit()

    def stroke(self, *points: tuple[float, float]) -> None:
        """The pointer is dragged along points with its button held."""
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._pointer(QEvent.Type.MouseButtonPress, points[0], left, left)
        for point in points[1:]:
            self._pointer(QEvent.Type.MouseMove, point, none, left)
        self._pointer(QEvent.Type.MouseButtonRelease, points[-1], left, none)

    def key(self, name: str) -> None:
        """A key: a character, or a name of KEYS or ARROWS."""
        code, text = KEYS.get(name) or (ARROWS.get(name) or Qt.Key(ord(name.upper())), "" if name in ARROWS else name)
        QCoreApplication.sendEvent(self.surface, QKeyEvent(QEvent.Type.KeyPress, code, Qt.KeyboardModifier.NoModifier, text))

    def _pointer(self, kind: QEvent.Type, at: tuple[float, float], button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        point = QPointF(*at)
        event = QMouseEvent(kind, point, point, button, held, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.sendEvent(self.surface, event)

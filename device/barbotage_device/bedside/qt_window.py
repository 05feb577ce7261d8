"""The window made with PySide6. Import it only after ``window.open_window`` found that Qt starts."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QEventPoint,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRasterWindow,
    QTouchEvent,
)

from barbotage_device.bedside.interrupts import interrupts_after
from barbotage_device.bedside.procedure_signs import BACKSPACE, DOWN, ENTER, LEFT, RIGHT, TAB, UP
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.window import Key, Stage, Touch

_KEYS: dict[int, Key] = {
    Qt.Key.Key_Space: Key.PEDAL,
    Qt.Key.Key_O: Key.OVERLAY,
    Qt.Key.Key_F: Key.FREEZE,
    Qt.Key.Key_L: Key.LANGUAGE,
    Qt.Key.Key_B: Key.BOOKMARK,
    Qt.Key.Key_P: Key.PATIENT_EVENT,
    Qt.Key.Key_Q: Key.QUIT,
    Qt.Key.Key_Escape: Key.QUIT,
}

_SIGNS: dict[int, str] = {
    Qt.Key.Key_Backspace: BACKSPACE,
    Qt.Key.Key_Return: ENTER,
    Qt.Key.Key_Enter: ENTER,
    Qt.Key.Key_Left: LEFT,
    Qt.Key.Key_Right: RIGHT,
    Qt.Key.Key_Up: UP,
    Qt.Key.Key_Down: DOWN,
    Qt.Key.Key_Tab: TAB,
}
_STAGES = {
    QEventPoint.State.Pressed: Stage.DOWN,
    QEventPoint.State.Updated: Stage.MOVE,
    QEventPoint.State.Released: Stage.UP,
}


class QtWindow:
    """A plain raster window (no widgets): it works on X, Wayland, eglfs and linuxfb."""

    def __init__(self, title: str) -> None:
        running = QGuiApplication.instance()
        self._application = running if isinstance(running, QGuiApplication) else QGuiApplication([])
        self._surface = _Surface()
        self._surface.setTitle(title)
        self._shown = False

    @property
    def closed(self) -> bool:
        """Whether the person closed it."""
        return self._surface.was_closed

    def show(self, picture: Picture) -> None:
        """Shows a picture, BGR uint8 (h, w, 3), and handles pending events."""
        if self.closed:
            return
        with interrupts_after():
            self._surface.put(picture)
            if not self._shown:
                self._surface.resize(picture.shape[1], picture.shape[0])
                self._surface.show()
                self._shown = True
            self._application.processEvents()

    def keys(self) -> tuple[Key, ...]:
        """Keys pressed since the last call, in order."""
        pressed, self._surface.pressed = tuple(self._surface.pressed), []
        return pressed

    def touches(self) -> tuple[Touch, ...]:
        """What the first finger, or the pointer, did since the last call, in order."""
        touched, self._surface.touched = tuple(self._surface.touched), []
        return touched

    def typed(self) -> tuple[str, ...]:
        """Characters typed since the last call, BACKSPACE, ENTER, TAB and arrows, in order."""
        typed, self._surface.typed = tuple(self._surface.typed), []
        return typed

    def close(self) -> None:
        """Closes the window; may be called more than once."""
        with interrupts_after():
            self._surface.close()
            self._surface.was_closed = True
            self._application.processEvents()


class _Surface(QRasterWindow):
    """Keeps the last picture and paints it, scaled with its proportions kept."""

    def __init__(self) -> None:
        super().__init__()
        self.was_closed = False
        self.pressed: list[Key] = []
        self.touched: list[Touch] = []
        self.typed: list[str] = []
        self._finger: int | None = None
        self._pixels: Picture = np.zeros((1, 1, 3), np.uint8)

    def put(self, picture: Picture) -> None:
        """Takes a copy: the renderer draws into its buffer again before Qt may paint."""
        self._pixels = np.ascontiguousarray(picture).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paints the picture in the middle."""
        del event
        height, width = self._pixels.shape[:2]
        image = QImage(self._pixels.data, width, height, 3 * width, QImage.Format.Format_BGR888)
        place = self._place()
        painter = QPainter(self)
        painter.fillRect(QRect(0, 0, self.width(), self.height()), QColor(0, 0, 0))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() != width)
        painter.drawImage(place, image)
        painter.end()

    def _place(self) -> QRect:
        """Where the picture lies in the window: as large as fits, its proportions kept, in the middle."""
        height, width = self._pixels.shape[:2]
        share = min(self.width() / width, self.height() / height)
        size = round(width * share), round(height * share)
        return QRect((self.width() - size[0]) // 2, (self.height() - size[1]) // 2, *size)

    def _touch(self, stage: Stage, at: QPointF) -> None:
        """Keeps a touch, in pixels of the picture; of a row of moves only the newest."""
        place, (height, width) = self._place(), self._pixels.shape[:2]
        across, down = (at.x() - place.x()) / max(1, place.width()), (at.y() - place.y()) / max(1, place.height())
        if stage is Stage.MOVE and self.touched and self.touched[-1].stage is Stage.MOVE:
            self.touched.pop()
        self.touched.append(Touch(stage, across * width, down * height))

    def mousePressEvent(self, arg__1: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The pointer is as good as a finger."""
        if arg__1.button() is Qt.MouseButton.LeftButton:
            self._touch(Stage.DOWN, arg__1.position())

    def mouseMoveEvent(self, arg__1: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Only while the button is held."""
        if arg__1.buttons() & Qt.MouseButton.LeftButton:
            self._touch(Stage.MOVE, arg__1.position())

    def mouseReleaseEvent(self, arg__1: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The pointer's button goes up."""
        if arg__1.button() is Qt.MouseButton.LeftButton:
            self._touch(Stage.UP, arg__1.position())

    def touchEvent(self, arg__1: QTouchEvent) -> None:  # noqa: N802 - Qt's name
        """One finger counts, from where it comes down until it goes: the heel of a hand beside it changes nothing.

        An accepted touch is not given again as a mouse event.
        """
        arg__1.accept()
        if arg__1.type() in (QEvent.Type.TouchBegin, QEvent.Type.TouchCancel):
            self._finger = None
        if arg__1.type() is QEvent.Type.TouchCancel:
            return
        for point in arg__1.points():
            stage = _STAGES.get(point.state())
            if stage is Stage.DOWN and self._finger is None:
                self._finger = point.id()
            if stage is not None and point.id() == self._finger:
                self._touch(stage, point.position())
                self._finger = None if stage is Stage.UP else self._finger

    def keyPressEvent(self, arg__1: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Collects the keys that mean something, and the characters."""
        named, sign = _SIGNS.get(arg__1.key()), arg__1.text()
        if named is not None or (len(sign) == 1 and sign.isprintable()):
            self.typed.append(named or sign)
        key = _KEYS.get(arg__1.key())
        if key is not None and not arg__1.isAutoRepeat():
            self.pressed.append(key)

    def closeEvent(self, arg__1: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Remembers that the person closed the window."""
        self.was_closed = True
        arg__1.accept()

"""The window made with PySide6. Import it only after ``window.open_window`` found that Qt starts."""

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCloseEvent, QColor, QGuiApplication, QImage, QKeyEvent, QPainter, QPaintEvent, QRasterWindow

from barbotage_device.bedside.interrupts import interrupts_after
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.window import Key

_KEYS = {
    Qt.Key.Key_Space: Key.PEDAL,
    Qt.Key.Key_O: Key.OVERLAY,
    Qt.Key.Key_F: Key.FREEZE,
    Qt.Key.Key_L: Key.LANGUAGE,
    Qt.Key.Key_B: Key.BOOKMARK,
    Qt.Key.Key_P: Key.PATIENT_EVENT,
    Qt.Key.Key_Q: Key.QUIT,
    Qt.Key.Key_Escape: Key.QUIT,
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
        share = min(self.width() / width, self.height() / height)
        size = round(width * share), round(height * share)
        painter = QPainter(self)
        painter.fillRect(QRect(0, 0, self.width(), self.height()), QColor(0, 0, 0))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, share != 1.0)
        painter.drawImage(QRect((self.width() - size[0]) // 2, (self.height() - size[1]) // 2, *size), image)
        painter.end()

    def keyPressEvent(self, arg__1: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Collects the keys that mean something."""
        key = _KEYS.get(Qt.Key(arg__1.key()))
        if key is not None and not arg__1.isAutoRepeat():
            self.pressed.append(key)

    def closeEvent(self, arg__1: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Remembers that the person closed the window."""
        self.was_closed = True
        arg__1.accept()

# The configuration: bounded numbers and a serial number in one small file, replaced as a whole or not at all.
import json
import os

from pod.protocol import SETTINGS, SETTINGS_VERSION

_FILE = "/pod.json"
_NEW = "/pod.new"
_SERIAL_BYTES = 10


class Config:
    def __init__(self, folder=""):
        self._file = folder + _FILE
        self._new = folder + _NEW
        self.values = {name: setting[1] for name, setting in SETTINGS.items()}
        self.serial = b""
        self._saved = None

    def load(self):
        # False when a file was there but is not usable; what is not in it, or out of bounds, keeps its default.
        try:
            with open(self._file) as file:
                stored = json.load(file)
        except OSError:
            return True
        except ValueError:
            return False
        return self._take(stored)

    def _take(self, stored):
        if not isinstance(stored, dict) or stored.get("version") != SETTINGS_VERSION:
            return False
        values = stored.get("values")
        if not isinstance(values, dict):
            return False
        good = True
        for name, value in values.items():
            good = self._set(name, value) and good
        self.serial = str(stored.get("serial", "")).encode()[:_SERIAL_BYTES]
        self._saved = dict(self.values)
        return good

    def _set(self, name, value):
        _, _, low, high = SETTINGS.get(name, (0, 0, 1, 0))
        if not isinstance(value, int) or not low <= value <= high:
            return False
        self.values[name] = value
        return True

    def name_of(self, key):
        for name, setting in SETTINGS.items():
            if setting[0] == key:
                return name
        return None

    def put(self, name, value):
        if not self._set(name, value):
            raise ValueError(name)

    def is_saved(self, name):
        return self._saved is not None and self._saved.get(name) == self.values[name]

    def save(self):
        # Never remove first: littlefs replaces the old file by renaming over it, in one step.
        with open(self._new, "w") as file:
            json.dump({"version": SETTINGS_VERSION, "serial": self.serial.decode(), "values": self.values}, file)
        os.rename(self._new, self._file)
        self._saved = dict(self.values)

# The configuration, on a real littlefs that loses power at any write.
import json
import vfs

from pod.config import Config
from pod.protocol import SETTINGS

_BLOCK = 512
_BLOCKS = 64


class _PowerCut(Exception):
    pass


class _Flash:
    def __init__(self, data=None):
        self.data = bytearray(data or b"\xff" * (_BLOCK * _BLOCKS))
        self.writes_left = 1 << 30

    def _spend(self):
        if self.writes_left == 0:
            raise OSError(5)
        self.writes_left -= 1

    def readblocks(self, block, buffer, offset=0):
        at = block * _BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        self._spend()
        if offset is None:
            self.data[block * _BLOCK : (block + 1) * _BLOCK] = b"\xff" * _BLOCK
            offset = 0
        at = block * _BLOCK + offset
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        if operation == 4:
            return _BLOCKS
        if operation == 5:
            return _BLOCK
        if operation == 6:
            self._spend()
            self.data[argument * _BLOCK : (argument + 1) * _BLOCK] = b"\xff" * _BLOCK
            return 0
        return 0


def _mounted(flash, action):
    vfs.mount(vfs.VfsLfs2(flash, readsize=32, progsize=32, lookahead=32), "/flash")
    try:
        return action()
    finally:
        vfs.umount("/flash")


def _fresh():
    flash = _Flash()
    vfs.VfsLfs2.mkfs(flash, readsize=32, progsize=32, lookahead=32)
    return flash


def _save(serial, inject_hpa):
    config = Config("/flash")
    config.load()
    config.serial = serial
    config.put("inject_hpa", inject_hpa)
    config.save()


def _load():
    config = Config("/flash")
    assert config.load(), "the file is damaged"
    return config.serial, config.values["inject_hpa"]


def test_defaults_without_a_file():
    config = Config("/flash")
    assert _mounted(_fresh(), config.load)
    assert config.values["inject_hpa"] == SETTINGS["inject_hpa"][1] and config.serial == b""
    assert not config.is_saved("inject_hpa")


def test_what_was_saved_is_loaded():
    flash = _fresh()
    _mounted(flash, lambda: _save(b"BP-1", 321))
    assert _mounted(flash, _load) == (b"BP-1", 321)


def test_power_lost_at_any_write_leaves_the_old_or_the_new():
    flash = _fresh()
    _mounted(flash, lambda: _save(b"OLD", 100))
    before, seen = bytes(flash.data), set()
    for writes in range(1000):
        cut = _Flash(before)

        def save():
            cut.writes_left = writes
            _save(b"NEW", 200)

        try:
            _mounted(cut, save)
            finished = True
        except OSError:
            finished = False
        found = _mounted(_Flash(cut.data), _load)
        assert found in ((b"OLD", 100), (b"NEW", 200)), (writes, found)
        seen.add(found)
        if finished:
            break
    assert finished and writes > 3 and len(seen) == 2


def test_out_of_bounds_and_unknown_values_keep_their_defaults_and_are_told():
    flash = _fresh()
    stored = {"version": 1, "serial": "BP-2", "values": {"inject_hpa": 10**6, "nonsense": 1, "suction_hpa": 77}}

    def write():
        with open("/flash/pod.json", "w") as file:
            json.dump(stored, file)

    _mounted(flash, write)
    config = Config("/flash")
    assert not _mounted(flash, config.load)
    assert config.values["inject_hpa"] == SETTINGS["inject_hpa"][1] and config.values["suction_hpa"] == 77


def test_garbage_and_other_versions_are_told():
    for text in (
        "",
        "{",
        '"x"',
        '{"version": 99, "values": {"inject_hpa": 200}}',
        '{"version": 1}',
        '{"version": 1, "values": [7]}',
    ):
        flash = _fresh()

        def write():
            with open("/flash/pod.json", "w") as file:
                file.write(text)

        _mounted(flash, write)
        config = Config("/flash")
        assert not _mounted(flash, config.load), text
        assert config.values["inject_hpa"] == SETTINGS["inject_hpa"][1]


def test_bounds_hold():
    config = Config("/flash")
    for name, value in (("inject_hpa", 9), ("inject_hpa", 5001), ("inject_hpa", "150"), ("nothing", 1)):
        try:
            config.put(name, value)
        except ValueError:
            continue
        raise AssertionError((name, value))

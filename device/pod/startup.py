# Counts starts that failed, falls back to safe mode, and leaves to the prompt when asked.
import sys
import time

import machine
import micropython
from micropython import const

_SCRATCH = const(0x4005800C)  # watchdog scratch 0: survives every reset but a loss of power (RP2040 datasheet 4.7)
_MAGIC = const(0x50D0)  # below 0x8000: mem32 reads words as signed numbers
_REPL = const(0x100)
_DELIBERATE = const(0x200)
_COUNT = const(0xFF)
_CTRL_C = const(3)
FAILURES_MAX = const(3)
_FLUSH_MS = const(50)  # until the last frame has left by USB


def _read():
    word = machine.mem32[_SCRATCH]
    return word & 0xFFFF if word >> 16 == _MAGIC else 0


def _write(state):
    machine.mem32[_SCRATCH] = _MAGIC << 16 | state


def succeeded():
    # The application has run for a while: earlier failures no longer count.
    _write(_read() & ~_COUNT)


def restart():
    _leave(_DELIBERATE)


def restart_into_repl():
    _leave(_DELIBERATE | _REPL)


def _leave(state):
    _write(state)
    time.sleep_ms(_FLUSH_MS)
    machine.reset()


def _fail(error):
    # The count stands in the scratch register already; three of them lead to safe mode.
    _write(_read() | _DELIBERATE)
    try:
        from pod.link import Link

        Link().fault_of(error)
    finally:
        time.sleep_ms(_FLUSH_MS)
        machine.reset()


def _safe():
    # The frozen application, not the one on the file system, which may be what fails.
    path, sys.path[:] = list(sys.path), [entry for entry in sys.path if entry != ""]
    for name in [name for name in sys.modules if name.startswith("pod")]:
        del sys.modules[name]
    try:
        from pod import safe
    except ImportError:
        sys.path[:] = path
        from pod import safe
    safe.run()


def run():
    state = _read()
    _write(state & _COUNT)
    if state & _REPL:
        micropython.kbd_intr(_CTRL_C)
        return
    failures = state & _COUNT
    by_watchdog = machine.reset_cause() == machine.WDT_RESET and not state & _DELIBERATE
    if failures >= FAILURES_MAX:
        _safe()
        return
    _write(failures + 1)
    try:
        from pod import app

        app.run(by_watchdog)
    except BaseException as error:  # a traceback would be noise on the link: one fault frame, then another try
        _fail(error)

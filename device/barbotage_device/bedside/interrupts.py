"""Ctrl-C and SIGTERM while a library calls back into Python: held until it has returned."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_after() -> Iterator[None]:
    """Within it a signal waits; its handler is called at the end.

    Python handles signals between any two instructions, so also inside a callback of Qt, and Shiboken 6.8 crashes the process when
    KeyboardInterrupt comes out of one (a null exception value in PepException_GetArgs). Does nothing outside the main thread, which alone
    handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    held = [number for number, handler in handlers.items() if callable(handler)]
    for number in held:
        signal.signal(number, lambda signum, frame: came.append((signum, frame)))
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, handlers[number])
        for signum, frame in came:
            handler = handlers[signal.Signals(signum)]
            if callable(handler):
                handler(signum, frame)

"""A pod's MicroPython prompt over a serial port, by mpremote's own transport: files by hash, code, restart."""

import ast
import contextlib
import hashlib
import io
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from barbotage_device.errors import NotFoundError
from barbotage_firmware_tools.errors import PodToolError

if TYPE_CHECKING:
    from mpremote.transport_serial import SerialTransport

_BETWEEN_TRIES_S = 0.25
_ENTER_S = 10
"""A prompt shows itself at once; that of an emulated pod on a busy machine within seconds."""
_LEAVE_S = 0.1
"""Until the last bytes have left the port."""
_CHUNK_BYTES = 768
"""Its text takes up to four times as much of the pod's memory."""
_TIMEOUT_S = 60
"""Writing a block takes a tenth of a second; an emulated pod on a busy machine takes its time."""
_HELPERS = """
import os, hashlib, binascii
def _h(n):
 h=hashlib.sha256()
 try:
  with open(n,'rb') as f:
   while True:
    b=f.read(512)
    if not b: break
    h.update(b)
 except OSError: return None
 return binascii.hexlify(h.digest()).decode()
def _l(d):
 r=[]
 try:
  for e in os.ilistdir(d or '/'):
   p=(d+'/'+e[0]) if d else e[0]
   r+=_l(p) if e[1]&0x4000 else [p]
 except OSError: pass
 return r
def _d(n):
 p=n.split('/')[:-1]
 for i in range(len(p)):
  try: os.mkdir('/'.join(p[:i+1]))
  except OSError: pass
def _p(n):
 _f.close()
 return _h(n)
def _r(r,s):
 for n in r: os.rename(n+s,n)
"""
_PART = ".new"


class Prompt:
    """The prompt at ``port``; use as a context manager. Every method raises PodToolError when the pod does not do as told.

    Raises NotFoundError when none shows itself within ``patience_s``, during which the port may go away and come back.
    """

    def __init__(self, port: str, patience_s: float) -> None:
        self._port = port
        self._transport = _opened(port, patience_s)
        self.execute(_HELPERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the port back."""
        with contextlib.suppress(OSError):
            self._transport.close()

    def machine(self) -> str:
        """What MicroPython says it runs on."""
        return str(self.evaluate("__import__('sys').implementation._machine"))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression on the pod."""
        return ast.literal_eval(self.execute(f"print(repr({expression}))").strip())

    def execute(self, code: str) -> str:
        """What ``code`` prints."""
        said, error = _translated(self._port, lambda: self._transport.exec_raw(code, timeout=_TIMEOUT_S))
        if error:
            last = error.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            raise PodToolError(f"{self._port}: the pod failed: {last[0]}")
        return bytes(said).decode(errors="replace")

    def file_hashes(self, names: list[str]) -> dict[str, str]:
        """SHA-256 of those of ``names`` that are on the pod."""
        found = self.evaluate(f"[(n,_h(n)) for n in {names!r}]")
        return {str(name): str(value) for name, value in found if value is not None}

    def list_files(self, folder: str) -> list[str]:
        """Paths of the files below ``folder`` on the pod."""
        return [str(name) for name in self.evaluate(f"_l({folder!r})")]

    def put_beside(self, name: str, content: bytes) -> None:
        """Writes a file beside the old one and checks it by hash; ``replace`` puts it in its place."""
        part = name + _PART
        self.execute(f"_d({name!r})\n_f=open({part!r},'wb')")
        for at in range(0, len(content), _CHUNK_BYTES):
            self.execute(f"_f.write({content[at : at + _CHUNK_BYTES]!r})")
        if self.evaluate(f"_p({part!r})") != hashlib.sha256(content).hexdigest():
            raise PodToolError(f"{name}: what was written does not read back the same; nothing was replaced")

    def replace(self, names: list[str]) -> None:
        """Puts what was written beside them in the place of ``names``, in this order, at one go on the pod."""
        self.execute(f"_r({names!r},{_PART!r})")

    def remove(self, name: str) -> None:
        """Deletes a file."""
        self.execute(f"os.remove({name!r})")

    def restart(self) -> None:
        """Restarts the pod, which then runs its firmware, also from the middle of a command that was given up. Closes the prompt."""

        def reset() -> None:
            self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_ENTER_S)
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")

        with contextlib.suppress(PodToolError):
            _translated(self._port, reset)
        time.sleep(_LEAVE_S)
        self.close()


def _opened(port: str, patience_s: float) -> "SerialTransport":
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    except ImportError as error:
        raise NotFoundError("mpremote is not installed; pip install 'barbotage[pod]'") from error
    problem: Exception | None = None
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        transport = None
        try:
            # mpremote prints what it did not expect; a library of ours does not.
            with contextlib.redirect_stdout(io.StringIO()):
                # Without a time-out it would wait for ever at a pseudo-terminal at which nobody answers.
                transport = SerialTransport(port, timeout=_ENTER_S)
                transport.enter_raw_repl(soft_reset=False, timeout_overall=_ENTER_S)
        except (TransportError, OSError) as error:
            problem = error
            if transport is not None:
                with contextlib.suppress(OSError):
                    transport.close()
            time.sleep(_BETWEEN_TRIES_S)
        else:
            return transport
    raise NotFoundError(f"{port}: no MicroPython prompt ({problem}); is it a pod, and does no other program hold the port?")


def _translated(port: str, action: Callable[[], Any]) -> Any:
    from mpremote.transport import TransportError

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return action()
    except (TransportError, OSError) as error:
        raise PodToolError(f"{port}: the pod does not answer at its prompt: {error}") from error

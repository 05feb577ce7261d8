"""A pod's MicroPython prompt over a serial port, by mpremote's own transport: files by hash, code, restart."""

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

_TRIES = 20
_BETWEEN_TRIES_S = 0.25
"""Five seconds: after a restart the port goes away and comes back."""
_ENTER_S = 5.0
_CHUNK_BYTES = 256


class Prompt:
    """The prompt at ``port``; use as a context manager. Every method raises PodToolError when the pod does not do as told."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._transport = _opened(port)

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
        return self._do(lambda transport: transport.eval(expression))

    def file_hashes(self, names: list[str]) -> dict[str, str]:
        """SHA-256 of those of ``names`` that are on the pod."""
        code = (
            "import hashlib, binascii\n"
            "def _h(n):\n"
            " h=hashlib.sha256()\n"
            " try:\n"
            "  with open(n,'rb') as f:\n"
            "   while True:\n"
            "    b=f.read(512)\n"
            "    if not b: break\n"
            "    h.update(b)\n"
            " except OSError: return None\n"
            " return binascii.hexlify(h.digest()).decode()\n"
        )
        self._do(lambda transport: transport.exec(code))
        found = {name: self.evaluate(f"_h({name!r})") for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def list_files(self, folder: str) -> list[str]:
        """Paths of the files below ``folder`` on the pod."""
        code = (
            "import os\n"
            "def _l(d):\n"
            " r=[]\n"
            " try:\n"
            "  for e in os.ilistdir(d or '/'):\n"
            "   p=(d+'/'+e[0]) if d else e[0]\n"
            "   r+=_l(p) if e[1]&0x4000 else [p]\n"
            " except OSError: pass\n"
            " return r\n"
        )
        self._do(lambda transport: transport.exec(code))
        files = self.evaluate(f"_l({folder!r})")
        return [str(name) for name in files]

    def put(self, name: str, content: bytes) -> None:
        """Writes a file beside the old one, checks it by hash, and only then puts it in its place."""
        folder = name.rpartition("/")[0]
        if folder:
            self._make(folder)
        part = name + ".new"
        self._do(lambda transport: transport.fs_writefile(part, content, _CHUNK_BYTES))
        if self.file_hashes([part]).get(part) != hashlib.sha256(content).hexdigest():
            raise PodToolError(f"{name}: what was written does not read back the same; nothing was replaced")
        self._do(lambda transport: transport.exec(f"import os\nos.rename({part!r},{name!r})"))

    def remove(self, name: str) -> None:
        """Deletes a file."""
        self._do(lambda transport: transport.exec(f"import os\nos.remove({name!r})"))

    def restart(self) -> None:
        """Restarts the pod, which then runs its firmware. Closes the prompt."""
        with contextlib.suppress(PodToolError):
            self._do(lambda transport: transport.exec_raw_no_follow("import machine\nmachine.reset()"))
        time.sleep(0.1)
        self.close()

    def _make(self, folder: str) -> None:
        code = f"import os\ntry: os.mkdir({folder!r})\nexcept OSError: pass"
        parent = folder.rpartition("/")[0]
        if parent:
            self._make(parent)
        self._do(lambda transport: transport.exec(code))

    def _do(self, action: "Callable[[SerialTransport], Any]") -> Any:
        return _translated(self._port, lambda: action(self._transport))


def _opened(port: str) -> "SerialTransport":
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    except ImportError as error:
        raise NotFoundError("mpremote is not installed; pip install 'barbotage[pod]'") from error
    problem: Exception | None = None
    for _ in range(_TRIES):
        transport = None
        try:
            # mpremote prints what it did not expect; a library of ours does not.
            with contextlib.redirect_stdout(io.StringIO()):
                transport = SerialTransport(port)
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
    from mpremote.transport import TransportError, TransportExecError

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return action()
    except TransportExecError as error:
        last = str(error.error_output).strip().splitlines()[-1:] or ["no reason given"]
        raise PodToolError(f"{port}: the pod failed: {last[0]}") from error
    except (TransportError, OSError) as error:
        raise PodToolError(f"{port}: the pod does not answer at its prompt: {error}") from error

"""Runs code at the emulated board's MicroPython prompt, in emulated time."""

from barbotage_device.probe_pod.framing import encode_command
from barbotage_device.probe_pod.protocol import ENTER_REPL_MAGIC, EnterRepl
from barbotage_firmware_tools.board.emulator import EmulatedBoard
from barbotage_firmware_tools.errors import PodToolError

_RAW, _FRIENDLY, _RUN, _INTERRUPT = b"\x01", b"\x02", b"\x04", b"\x03"
_CHUNK_BYTES = 64
_CHUNK_MS = 20.0
"""The prompt has no flow control in this mode and takes 64 bytes at a time."""
_PROMPT_MS = 3000.0
_SETTLE_MS = 100.0


class BoardPrompt:
    """Leaves the application for the prompt. What the board sends is taken from ``on_data`` from then on."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._heard = b""
        board.on_data = self._hear
        before = board.connected_ns
        board.send(encode_command(EnterRepl(ENTER_REPL_MAGIC), 0))
        if not board.run(_PROMPT_MS, lambda: board.connected_ns != before):
            raise PodToolError("the board did not restart into its prompt")
        board.run(_SETTLE_MS)
        board.send(_INTERRUPT + _RAW)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", _PROMPT_MS)

    def execute(self, code: str, timeout_ms: float = 60_000.0) -> str:
        """What ``code`` prints. Raises PodToolError with the traceback's last line when it fails."""
        self._heard = b""
        data = code.encode() + _RUN
        for at in range(0, len(data), _CHUNK_BYTES):
            self._board.send(data[at : at + _CHUNK_BYTES])
            self._board.run(_CHUNK_MS)
        if not self._board.run(timeout_ms, lambda: self._heard.count(b"\x04") >= 2):
            raise PodToolError(f"the code did not end within {timeout_ms / 1000:g} s of emulated time")
        said, error, _ = self._heard.split(b"\x04")[:3]
        if error:
            raise PodToolError(error.decode(errors="replace").strip().splitlines()[-1])
        return said.removeprefix(b"OK").decode(errors="replace")

    def _hear(self, data: bytes) -> None:
        self._heard += data

    def _until(self, text: bytes, timeout_ms: float) -> None:
        if not self._board.run(timeout_ms, lambda: text in self._heard):
            raise PodToolError(f"the board shows no prompt; it said {self._heard[-60:]!r}")
        self._heard = b""

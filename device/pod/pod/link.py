# The link over USB serial: frames out when there is room, dropped when there is none; frames in byte by byte.
import io
import select
import sys
from struct import calcsize

import asyncio
from micropython import const
from pod.frame import Decoder, Encoder
from pod.protocol import COMMANDS, FAULT, FAULT_CODE_EXCEPTION, FAULT_LAYOUT, REPLY, REPLY_LAYOUT

_END_OF_FILE_MS = const(20)  # on a PC only
_BURST_BYTES = const(40)  # taken without going through the scheduler: more than a command, too few to hold up the others


class Link:
    def __init__(self):
        self._encoder = Encoder()
        self.decoder = Decoder()
        self._out = sys.stdout.buffer
        self._in = sys.stdin.buffer
        self._reader = asyncio.StreamReader(self._in)
        self._room = select.poll()
        self._room.register(sys.stdout, select.POLLOUT)
        self._waiting = select.poll()
        self._waiting.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)
        self.dropped = 0
        self.refused = 0

    def send(self, message, layout, *values):
        frame = self._encoder.build(message, layout, *values)  # a dropped frame too takes a sequence: the device sees the gap
        for _ in self._room.ipoll(0):
            self._out.write(frame)
            return True
        self.dropped += 1
        return False

    def reply(self, result):
        if result:
            self.refused += 1
        self.send(REPLY, REPLY_LAYOUT, self.decoder.message, self.decoder.sequence, result)

    def fault(self, fault, text="", line=0):
        self.send(FAULT, FAULT_LAYOUT, fault, line, text.encode()[:20])

    def fault_of(self, error):
        # Where and what: the innermost file and line of the traceback, and the error's type.
        trace = io.StringIO()
        sys.print_exception(error, trace)  # pyright: ignore - the stubs know StringIO too little
        text = trace.getvalue()  # pyright: ignore
        where = [line for line in text.split("\n") if line.startswith("  File ")]
        if not where:
            self.fault(FAULT_CODE_EXCEPTION, type(error).__name__)
            return
        file, line = where[-1].split('"')[1], where[-1].split("line ")[1].split(",")[0]
        self.fault(FAULT_CODE_EXCEPTION, "%s %s" % (file.split("/")[-1].split(".")[0], type(error).__name__), int(line))

    async def command(self):
        # The next good frame: its id, or -1 when its length is not that of the table, 0 when the table does not know it.
        burst = 0
        while True:
            if burst < _BURST_BYTES and self._ready():
                burst += 1
                size = self._in.readinto(self._byte)
            else:
                if burst:
                    await asyncio.sleep_ms(0)
                burst = 0
                size = await self._reader.readinto(self._byte)
            if not size:
                await asyncio.sleep_ms(_END_OF_FILE_MS)
            elif self.decoder.push(self._byte[0]):
                return self._known()

    def _known(self):
        layout = COMMANDS.get(self.decoder.message)
        if layout is None:
            return 0
        return self.decoder.message if calcsize(layout) == len(self.decoder.payload) else -1

    def _ready(self):
        for _ in self._waiting.ipoll(0):
            return True
        return False

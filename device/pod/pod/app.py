# The application: its parts, and the tasks that run them.
import gc

import asyncio
import machine
import micropython
import startup
from pod import protocol
from pod.board import contact_pins, sensor_bus
from pod.commands import Commands
from pod.config import Config
from pod.identity import send_hello
from pod.link import Link
from pod.pressing import Pressing
from pod.showing import Showing
from pod.supervisor import WATCHDOG_MS, Supervisor
from pod.ticker import Ticker
from pod.tilting import Tilting
from pod.touching import Touching
from time import ticks_diff, ticks_ms

_COLLECT_MS = 200
_PROVEN_TURNS = 25  # heartbeats, five seconds: from then on a start counts as successful


class Pod:
    def __init__(self):
        self.link = Link()
        self.config = Config()
        self.config_good = self.config.load()
        self.supervisor = Supervisor(machine.WDT(timeout=WATCHDOG_MS))
        self.bus = sensor_bus()
        self.tilting = Tilting(self)
        self.pressing = Pressing(self)
        self.showing = Showing(self)
        self.touching = [Touching(self, number, pin) for number, pin in enumerate(contact_pins())]
        self.commands = Commands(self)
        self.sampling = Ticker(protocol.PRESSURE_EVERY_MS)
        self._collected_ms = ticks_ms()
        self._heart = Ticker(protocol.HEARTBEAT_EVERY_MS)

    def flags(self):
        flags = 0 if self.config.serial else protocol.FLAGS_UNPROVISIONED
        if self.tilting.works:
            flags |= protocol.FLAGS_IMU_OK
        if self.pressing.works:
            flags |= protocol.FLAGS_PRESSURE_OK
        if self.showing.stale:
            flags |= protocol.FLAGS_STALE
        return flags

    def reopen_sensors(self):
        self.tilting.reopen()
        self.pressing.reopen()

    async def sample(self):
        # One task for all that is due at a fixed rate: a turn of the scheduler costs as much as reading a sensor.
        bit = self.supervisor.register()
        even = True
        while True:
            self.pressing.turn()
            await asyncio.sleep_ms(0)  # a command or a contact may go first
            if even:
                self.tilting.turn()
            else:
                self.tilting.conclude()
                self.showing.turn(ticks_ms())
            even = not even
            self.supervisor.report(bit)
            await self.sampling.wait()

    async def beat(self):
        bit = self.supervisor.register()
        turns = 0
        while True:
            self._send_heartbeat()
            self.supervisor.report(bit)
            turns += 1
            if turns == _PROVEN_TURNS:
                startup.succeeded()
            if ticks_diff(ticks_ms(), self._collected_ms) >= 2 * _COLLECT_MS:
                self.collect()
            await self._heart.wait()

    def collect(self):
        # Often and short, and right after a command was shown: the next one is furthest away then.
        now_ms = ticks_ms()
        if ticks_diff(now_ms, self._collected_ms) >= _COLLECT_MS:
            self._collected_ms = now_ms
            gc.collect()

    def _send_heartbeat(self):
        late_ms, self.sampling.late_max_ms = self.sampling.late_max_ms, 0
        link = self.link
        link.send(
            protocol.HEARTBEAT,
            protocol.HEARTBEAT_LAYOUT,
            ticks_ms() & 0xFFFFFFFF,
            link.dropped,
            link.decoder.bad + link.refused & 0xFFFF,
            self.flags(),
            late_ms & 0xFFFF,
        )

    async def run(self, by_watchdog):
        self._tell_start(by_watchdog)
        work = [self.supervisor.run(), self.sample(), self.showing.buzzer.run(), self.beat(), self.commands.run()]
        for touch in self.touching:
            work += [touch.follow_edges(), touch.follow_time()]
        await asyncio.gather(*work)

    def _tell_start(self, by_watchdog):
        send_hello(self.link, self.flags(), self.config.serial)
        if by_watchdog:
            self.link.fault(protocol.FAULT_CODE_WATCHDOG, "a task hung")
        if not self.config_good:
            self.link.fault(protocol.FAULT_CODE_CONFIG, "defaults in force")


def run(by_watchdog):
    if hasattr(micropython, "alloc_emergency_exception_buf"):
        micropython.alloc_emergency_exception_buf(100)
    asyncio.run(Pod().run(by_watchdog))

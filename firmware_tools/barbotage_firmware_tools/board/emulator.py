"""The emulated board. The only module that knows the emulator package (rp2040py): everything of it that we use or mend is here."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.external.ws2812 import Ws2812
from rp2040py.peripherals.i2c import I2CMode
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.usb.cdc import USBCDC
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from barbotage_device.errors import InvalidInputError, NotFoundError
from barbotage_firmware_tools.board.world import Abp2Part, I2cPart, Lsm6dsoxPart, World

NS_PER_MS = 1_000_000
PEDAL, BUTTON_A, BUTTON_B, RING, BUZZER = 10, 11, 12, 16, 17
"""The pins of device/pod/pod/board.py."""
FLASH_BYTES = 2 * 1024 * 1024
FILE_SYSTEM_START = 0xA0000
"""Where the file system of a Pico begins: 2 MB less MICROPY_HW_FLASH_STORAGE_BYTES."""
FILE_SYSTEM_BLOCKS, BLOCK_BYTES = 352, 4096
I2C_BYTE_NS = 22_500
"""Nine bits at 400 kHz: the emulator's own bus takes no time, a real one does."""
_PACKET_GAP_NS = 20_000
"""How long the host waits before it completes a transfer, so that bytes written together travel in one packet."""
_SLICES = 8
_CLOCK_HZ = 125e6
_PWM_ON = 1
"""The channel's enable bit in its control register (RP2040 datasheet 4.5.3)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on the ring: red, green, blue of each LED, and when it was complete."""

    at_ns: float
    leds: tuple[tuple[int, ...], ...]


class EmulatedBoard:
    """A Raspberry Pi Pico with the pod's parts, running a UF2 image in emulated time: idle time costs nothing, and no clock of the
    machine has a say, so that runs repeat exactly.

    ``flash`` restores the whole flash of an earlier board (settings survive). Raises NotFoundError, InvalidInputError for the image. ``i2c_byte_ns`` is how long a byte takes on the bus: with 0
    the firmware has less to wait for, and the emulator less to do. ``on_data``, an attribute, gets what the pod sends.
    """

    def __init__(self, image: Path, flash: bytes | None = None, i2c_byte_ns: int = I2C_BYTE_NS) -> None:
        self.world = World()
        self.on_data: Callable[[bytes], None] | None = None
        self.shown: list[Shown] = []
        self.resets = 0
        self.connected_ns: float | None = None
        self._mcu = RP2040()
        self._simulator = Simulator(rp2040=self._mcu)
        self._mcu.logger = ConsoleLogger(LogLevel.ERROR)
        self._mcu.load_bootrom(BOOTROM_B1)
        if flash is not None:
            self._mcu.flash[: len(flash)] = flash
        _load(image, self._mcu)
        self._state_machines = [*self._mcu.pio]
        # Asked after every instruction whether they have something to do, they would take a fifth of the time; the pod uses none of them.
        self._mcu.pio.clear()
        self._watching: Callable[[], bool] | None = None
        self._usb = _UsbHost(self)
        self._wire_resets()
        self._wire_ring()
        parts: list[I2cPart] = [Lsm6dsoxPart(self.world, self.now), Abp2Part(self.world, self.now)]
        _Bus(self._mcu.i2c[0], self._mcu.clock, parts, i2c_byte_ns)
        self._mcu.leave_reset()

    def now(self) -> float:
        """Emulated time since power-on, in ns."""
        return float(self._mcu.clock.nanos)

    def run(self, duration_ms: float, until: Callable[[], bool] | None = None) -> bool:
        """Lets the board run. Ends early, with True, when ``until`` holds: it is asked whenever data arrives or the ring changes."""
        deadline_ns = self.now() + duration_ms * NS_PER_MS
        alarm = self._mcu.clock.create_alarm(self._pause)
        alarm.schedule(duration_ms * NS_PER_MS)
        self._watching = until
        try:
            while self.now() < deadline_ns:
                if until is not None and until():
                    return True
                self._simulator.stopped = False
                execute_batch(self._simulator, 1)
            return until is not None and until()
        finally:
            alarm.cancel()
            self._watching = None

    def every(self, period_ms: float, action: Callable[[], None]) -> None:
        """Calls ``action`` again and again in emulated time, for as long as the board exists."""

        def fire() -> None:
            alarm.schedule(period_ms * NS_PER_MS)
            action()

        alarm = self._mcu.clock.create_alarm(fire)
        alarm.schedule(period_ms * NS_PER_MS)

    def pause(self) -> None:
        """Ends the present ``run`` batch, so that its condition is looked at."""
        self._pause()

    def send(self, data: bytes) -> None:
        """Bytes from the USB host."""
        self._usb.send(data)

    def feel(self, name: str, value: float) -> None:
        """Tilt (``pitch``, ``roll``, degrees), ``pressure`` (hPa above the atmosphere's) or ``imu`` (1 there, 0 not)."""
        attribute = {"pitch": "pitch_deg", "roll": "roll_deg", "pressure": "pressure_hpa", "imu": "imu_present"}[name]
        setattr(self.world, attribute, value if name != "imu" else bool(value))

    def press(self, pin: int) -> None:
        """Closes a contact to ground."""
        self._mcu.gpio[pin].set_input_value(False)

    def release(self, pin: int) -> None:
        """Opens a contact."""
        self._mcu.gpio[pin].release_input()

    @property
    def host_reads(self) -> bool:
        """Whether the USB host takes what the pod sends. False: the port is open, and nobody reads."""
        return self._usb.reads

    @host_reads.setter
    def host_reads(self, reads: bool) -> None:
        self._usb.set_reads(reads)

    @property
    def tone_hz(self) -> float:
        """What the buzzer's pin plays, 0 when silent."""
        channel = self._mcu.pwm.channels[BUZZER // 2 % _SLICES]
        level = channel.cc >> 16 if BUZZER % 2 else channel.cc & 0xFFFF
        if not channel.csr & _PWM_ON or not level:
            return 0.0
        return _CLOCK_HZ / (float(channel.div) / 16 * (int(channel.top) + 1))

    @property
    def flash(self) -> bytes:
        """A copy of the whole flash."""
        return bytes(self._mcu.flash[:FLASH_BYTES])

    @property
    def file_system(self) -> bytes:
        """A copy of the part of the flash that holds the file system."""
        return bytes(self._mcu.flash[FILE_SYSTEM_START:FLASH_BYTES])

    def power_cycle(self) -> None:
        """A brown-out, or the plug pulled and put back: the flash stays, the watchdog's registers do not."""
        self._reset(lambda: self._mcu.enter_reset(from_watchdog=False))
        self._mcu.watchdog.reset()
        self._mcu.vreg_and_chip_reset.record_reset_cause(HAD_POR)
        self._mcu.leave_reset()

    def replug(self) -> None:
        """The USB host resets the bus: the pod is enumerated again while its program goes on."""
        self._usb.enumerate_again()

    def note_event(self) -> None:
        """Something that a condition of ``run`` may wait for has happened."""
        if self._watching is not None:
            self._pause()

    def _pause(self) -> None:
        self._simulator.stopped = True

    def _wire_resets(self) -> None:
        default = self._mcu.watchdog.on_watchdog_trigger

        def reset() -> None:
            self.resets += 1
            self._reset(default)

        self._mcu.watchdog.on_watchdog_trigger = reset

    def _reset(self, action: Callable[[], None]) -> None:
        """A reset of the chip, which includes its state machines."""
        self._mcu.pio.extend(self._state_machines)
        action()
        self._mcu.pio.clear()

    def _wire_ring(self) -> None:
        def latched(pixels: list[tuple[int, ...]]) -> None:
            self.shown.append(Shown(self.now(), tuple(pixels)))
            self.note_event()

        Ws2812(RING, on_pixels=latched).attach(self._mcu)

    @property
    def controller(self) -> Any:
        """The emulated USB controller and clock, for the host in this module."""
        return self._mcu


def _load(image: Path, mcu: Any) -> None:
    try:
        load_uf2(image, mcu)
    except OSError as error:
        raise NotFoundError(f"{image}: {error.strerror}") from error
    except (ValueError, struct.error) as error:
        raise InvalidInputError(f"{image}: not a UF2 image ({error})") from error


class _UsbHost:
    """The host's end of the USB line.

    The package's own host completes every transfer at once with nothing in it, which keeps the firmware's USB stack busy all the time:
    here an OUT transfer stays open until there is data, as on a real bus. And a host that does not read leaves IN transfers open.
    """

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._usb = board.controller.usb_ctrl
        self._cdc = USBCDC(self._usb)
        self.reads = True
        self._open_out: tuple[int, int] | None = None
        self._held: list[Callable[[], None]] = []
        self._complete_out = self._usb.on_endpoint_read
        self._complete_in = self._usb._indicate_buffer_ready
        self._gap = board.controller.clock.create_alarm(self._deliver)
        self._cdc.on_serial_data = self._received
        self._cdc.on_device_connected = self._connected
        self._usb.on_endpoint_read = self._out_armed
        self._usb._indicate_buffer_ready = self._in_done
        self._after_reset = self._usb.on_reset
        self._usb.on_reset = self._reset

    def send(self, data: bytes) -> None:
        for byte in data:
            self._cdc.send_serial_byte(byte)
        if self._open_out is not None:
            self._gap.schedule(_PACKET_GAP_NS)

    def set_reads(self, reads: bool) -> None:
        self.reads = reads
        if reads:
            held, self._held = self._held, []
            for one in held:
                one()

    def enumerate_again(self) -> None:
        self._reset()
        self._usb.reset_device()

    def _connected(self) -> None:
        self._board.connected_ns = self._board.now()
        self._board.note_event()

    def _received(self, data: bytes | bytearray) -> None:
        if not self.reads:
            self._held.append(lambda: self._received(data))
            return
        if self._board.on_data is not None and data:
            self._board.on_data(bytes(data))
        self._board.note_event()

    def _out_armed(self, endpoint: int, size: int) -> None:
        is_serial = endpoint != 0 and endpoint == self._cdc._out_endpoint
        if is_serial and self._cdc.tx_fifo.item_count == 0:
            self._open_out = (endpoint, size)
        else:
            self._complete_out(endpoint, size)

    def _deliver(self) -> None:
        if self._open_out is not None:
            (endpoint, size), self._open_out = self._open_out, None
            self._complete_out(endpoint, size)

    def _in_done(self, endpoint: int, out: bool) -> None:
        if not self.reads and not out and endpoint != 0 and endpoint == self._cdc._in_endpoint:
            self._held.append(lambda: self._complete_in(endpoint, out))
        else:
            self._complete_in(endpoint, out)

    def _reset(self) -> None:
        self._open_out = None
        self._held.clear()
        self._after_reset()


class _Bus:
    """Chips on an I2C controller; every byte takes its time."""

    def __init__(self, controller: Any, clock: Any, parts: list[I2cPart], byte_ns: int) -> None:
        self._controller = controller
        self._byte_ns = byte_ns
        self._parts = {part.address: part for part in parts}
        self._part: I2cPart | None = None
        self._then: Callable[[], None] = lambda: None
        self._alarm = clock.create_alarm(lambda: self._then())
        controller.on_connect = self._connect
        controller.on_write_byte = self._write
        controller.on_read_byte = self._read

    def _later(self, action: Callable[[], None]) -> None:
        if self._byte_ns == 0:
            action()
            return
        self._then = action
        self._alarm.schedule(self._byte_ns)

    def _connect(self, address: int, mode: I2CMode) -> None:
        self._part = self._parts.get(address)
        acknowledged = self._part is not None and self._part.selected(mode == I2CMode.READ)
        self._later(lambda: self._controller.complete_connect(acknowledged))

    def _write(self, value: int) -> None:
        acknowledged = self._part is not None and self._part.written(value)
        self._later(lambda: self._controller.complete_write(acknowledged))

    def _read(self, _acknowledge: bool) -> None:
        value = 0xFF if self._part is None else self._part.read()
        self._later(lambda: self._controller.complete_read(value))

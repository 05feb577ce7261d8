# What the device may ask of the pod.
from struct import unpack
from time import sleep_ms

import asyncio
import startup
from pod import protocol
from pod.calibration import calibrate
from pod.feedback import is_known
from pod.identity import send_hello

_MAGIC = {
    protocol.ENTER_REPL: protocol.ENTER_REPL_MAGIC,
    protocol.RESTART: protocol.RESTART_MAGIC,
    protocol.HANG: protocol.HANG_MAGIC,
}
_HANG_MS = 10_000
_ADDRESSES = ("imu_address", "pressure_address")


class Commands:
    def __init__(self, pod):
        self._pod = pod
        self._handlers = {
            protocol.GREET: self._greet,
            protocol.FEEDBACK: self._feedback,
            protocol.GET_SETTING: self._get,
            protocol.SET_SETTING: self._set,
            protocol.SET_SERIAL: self._set_serial,
            protocol.SAVE: self._save,
            protocol.CALIBRATE: self._calibrate,
            protocol.RESET_CYCLES: self._reset_cycles,
            protocol.ENTER_REPL: self._leave,
            protocol.RESTART: self._leave,
            protocol.HANG: self._leave,
        }

    async def run(self):
        link = self._pod.link
        while True:
            command = await link.command()
            if command > 0:
                result = self._do(command, link.decoder.payload)
            else:
                result = protocol.RESULT_BAD_LENGTH if command < 0 else protocol.RESULT_UNKNOWN_ID
            if result is not None:
                link.reply(result)
            if command in _MAGIC and result == protocol.RESULT_DONE:
                self._go(command)

    def _do(self, command, payload):
        try:
            return self._handlers[command](*unpack(protocol.COMMANDS[command], payload))
        except ValueError:
            return protocol.RESULT_BAD_VALUE
        except OSError:
            return protocol.RESULT_FAILED

    def _greet(self, _protocol):
        send_hello(self._pod.link, self._pod.flags(), self._pod.config.serial)
        self._pod.pressing.send_lavage()

    def _feedback(self, aim, level, sound):
        if not is_known(aim) or sound > protocol.SOUND_ATTENTION:
            return protocol.RESULT_BAD_VALUE
        self._pod.showing.command(aim, level, sound)
        self._pod.collect()
        return None

    def _get(self, key):
        config = self._pod.config
        name = config.name_of(key)
        if name is None:
            return protocol.RESULT_BAD_VALUE
        self._pod.link.send(protocol.SETTING, protocol.SETTING_LAYOUT, key, config.values[name], config.is_saved(name))
        return None

    def _set(self, key, value):
        name = self._pod.config.name_of(key)
        if name is None:
            return protocol.RESULT_BAD_VALUE
        self._pod.config.put(name, value)
        self._pod.showing.configure()
        if name in _ADDRESSES:
            self._pod.reopen_sensors()
        return self._get(key)

    def _set_serial(self, serial):
        serial = serial.rstrip(b"\x00")
        if not serial or any(byte < 0x21 or byte > 0x7E for byte in serial):
            return protocol.RESULT_BAD_VALUE
        self._pod.config.serial = serial
        return protocol.RESULT_DONE

    def _save(self):
        self._pod.config.save()
        return protocol.RESULT_DONE

    def _calibrate(self, what):
        if what not in (protocol.CALIBRATION_IMU, protocol.CALIBRATION_PRESSURE):
            return protocol.RESULT_BAD_VALUE
        link = self._pod.link
        asyncio.create_task(calibrate(self._pod, what, link.decoder.sequence))
        return None

    def _reset_cycles(self):
        self._pod.pressing.lavage.cycles = 0
        self._pod.pressing.send_lavage()
        return protocol.RESULT_DONE

    def _leave(self, magic):
        return protocol.RESULT_DONE if magic == _MAGIC[self._pod.link.decoder.message] else protocol.RESULT_BAD_VALUE

    def _go(self, command):
        if command == protocol.ENTER_REPL:
            startup.restart_into_repl()
        elif command == protocol.RESTART:
            startup.restart()
        while True:  # hang: the watchdog ends this
            sleep_ms(_HANG_MS)

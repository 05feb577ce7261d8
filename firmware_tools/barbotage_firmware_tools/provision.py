"""The command ``provision``: serial number, settings and calibration, written, read back after a restart, and recorded."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.probe_pod.connection import PodConnection
from barbotage_device.probe_pod.protocol import (
    RESTART_MAGIC,
    SETTINGS,
    Calibrate,
    Calibration,
    Command,
    GetSetting,
    Reply,
    Restart,
    Result,
    Save,
    SetSerial,
    SetSetting,
    Setting,
)
from barbotage_device.probe_pod.state import PodIdentity
from barbotage_firmware_tools.errors import PodToolError
from barbotage_firmware_tools.greeting import connected, wait_for_pod

_SERIAL = re.compile(r"[A-Za-z0-9._-]{1,10}")
_REPLY_S = 20.0
_CALIBRATE_S = 90.0
"""It takes a second on a pod, several on an emulated one on a busy machine."""
_HELP = {
    Calibration.IMU: "lay the probe still and level, then press Enter",
    Calibration.PRESSURE: "open the lavage line to the air, then press Enter",
}


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """What to write. ``calibrate`` lists the sensors to zero."""

    serial: str
    settings: dict[str, int]
    calibrate: tuple[Calibration, ...]


def checked_request(serial: str, settings: list[str], calibrate: tuple[Calibration, ...]) -> ProvisionRequest:
    """The request in command-line form (NAME=VALUE). Raises UsageError for what the table does not allow."""
    if not _SERIAL.fullmatch(serial):
        raise UsageError(f"--serial {serial!r}: 1 to 10 letters, digits, dots, dashes or underscores")
    values = {}
    for text in settings:
        name, _, value = text.partition("=")
        bounds = SETTINGS.get(name)
        if bounds is None:
            raise UsageError(f"--set {text!r}: no setting {name!r}; there are {', '.join(sorted(SETTINGS))}")
        if not re.fullmatch(r"-?\d+", value) or not bounds.low <= int(value) <= bounds.high:
            raise UsageError(f"--set {text!r}: a whole number from {bounds.low} to {bounds.high} ({bounds.help})")
        values[name] = int(value)
    return ProvisionRequest(serial, values, calibrate)


def provision(
    port: str, request: ProvisionRequest, ask: Callable[[str], None], progress: Callable[[str], None]
) -> dict[str, Any]:
    """The provisioning record. ``ask`` shows what to do and waits for the operator. Raises PodToolError when the pod does not obey."""
    with connected(port) as connection:
        connection.greet()
        try:
            _write(connection, request, ask, progress)
            before = read_settings(connection)
        finally:
            # Given up half-way, nothing was saved: the restart brings the old values back.
            _order(connection, Restart(RESTART_MAGIC), _REPLY_S)
    progress("reading back after a restart")
    identity = wait_for_pod(port)
    with connected(port) as connection:
        connection.greet()
        after = read_settings(connection)
    _compare(request, identity, before, after)
    return _record(identity, after, request)


def _write(
    connection: PodConnection, request: ProvisionRequest, ask: Callable[[str], None], progress: Callable[[str], None]
) -> None:
    progress("writing serial number and settings")
    _order(connection, SetSerial(request.serial.encode().ljust(10, b"\0")), _REPLY_S)
    for name, value in request.settings.items():
        _set(connection, name, value)
    for what in request.calibrate:
        ask(_HELP[what])
        progress(f"calibrating: {what.name.lower()}")
        _order(connection, Calibrate(what), _CALIBRATE_S)
    _order(connection, Save(), _REPLY_S)


def read_settings(connection: PodConnection) -> dict[str, int]:
    """Every value of the pod's configuration. Raises PodToolError."""
    return {name: _get(connection, name).value for name in SETTINGS}


def _get(connection: PodConnection, name: str) -> Setting:
    key = SETTINGS[name].key
    connection.send(GetSetting(key))
    found = connection.wait_for(Setting, lambda setting: setting.key == key, _REPLY_S)
    if found is None:
        raise PodToolError(f"the pod does not tell its setting {name}")
    return found


def _set(connection: PodConnection, name: str, value: int) -> None:
    key = SETTINGS[name].key
    connection.send(SetSetting(key, value))
    found = connection.wait_for(Setting, lambda setting: setting.key == key, _REPLY_S)
    if found is None or found.value != value:
        raise PodToolError(f"the pod did not take {name}={value}")


def _order(connection: PodConnection, command: Command, timeout_s: float) -> None:
    sequence = connection.send(command)
    reply = connection.wait_for(Reply, lambda one: one.sequence == sequence and one.command == command.ID, timeout_s)
    name = type(command).__name__.lower()
    if reply is None:
        raise PodToolError(f"the pod does not reply to {name}")
    if reply.result != Result.DONE:
        still = " (was it still, and is its sensor connected?)" if isinstance(command, Calibrate) else ""
        raise PodToolError(f"the pod refused {name}: {Result(reply.result).name.lower().replace('_', ' ')}{still}")


def _compare(request: ProvisionRequest, identity: PodIdentity, before: dict[str, int], after: dict[str, int]) -> None:
    if identity.serial != request.serial:
        raise PodToolError(
            f"after its restart the pod says serial number {identity.serial!r}, not {request.serial!r}; provision it again"
        )
    differing = sorted(name for name in SETTINGS if before[name] != after[name])
    if differing:
        raise PodToolError(f"after its restart the pod has other values: {', '.join(differing)}; provision it again")


def _record(identity: PodIdentity, settings: dict[str, int], request: ProvisionRequest) -> dict[str, Any]:
    return {
        "serial": identity.serial,
        "provisioned_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "firmware": identity.version,
        "firmware_hash": identity.firmware_hash,
        "protocol": identity.protocol,
        "calibrated": [what.name.lower() for what in request.calibrate],
        "settings": settings,
    }

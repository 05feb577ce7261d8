"""What ``barbotage ports|info|pair`` do."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from barbotage_device.console import EXIT_DONE
from barbotage_device.errors import UsageError
from barbotage_device.link.keys import KnownDevices
from barbotage_device.link.pairing import CODE_DIGITS
from barbotage_device.link.roles import PAIRABLE
from barbotage_host.devices.connecting import greet, pair, shake_hands
from barbotage_host.devices.context import Context, warn_of_no_security
from barbotage_host.devices.ports import list_candidates, system_ports
from barbotage_host.devices.words import flat

INFO_WITHIN_S = 5.0


def show_ports(context: Context) -> int:
    """The serial ports, ours first, and why."""
    candidates = list_candidates(system_ports(), KnownDevices(context.home.state).all())
    if context.as_json:
        context.console.result_json({"ports": [asdict(each) for each in candidates]})
        return EXIT_DONE
    for each in candidates:
        context.console.result(
            f"{'*' if each.ours else ' '} {each.port:24} {each.usb_id or '':10} {each.serial or '':20} {each.why}"
        )
        if each.stable:
            context.console.result(f"  also {each.stable}")
    if not candidates:
        context.console.note("no serial ports; a cable that only charges carries no data")
    return EXIT_DONE


def show_info(context: Context) -> int:
    """Who is at the other end; with its state when it is paired."""
    connection = greet(context.target, context.home, min(context.within_s, INFO_WITHIN_S))
    try:
        device = connection.device
        pinned = KnownDevices(context.home.state).pinned(device.serial)
        facts: dict[str, Any] = {
            "serial": device.serial,
            "model": device.model,
            "software": device.software,
            "protocol": list(device.versions),
            "security": "required" if device.secured else "none",
            "paired": pinned is not None,
            "port": connection.port,
        }
        warn_of_no_security(connection, context)
        if pinned is not None or not device.secured:
            shake_hands(connection, context.home, context.within_s)
            facts["role"] = connection.client.end.role
            facts["status"] = connection.client.call("dev.status").all()
            facts["link"] = connection.client.call("link.stats").all()
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json(facts)
    else:
        for key, value in flat(facts):
            context.console.result(f"{key:28} {value}")
    return EXIT_DONE


def pair_device(context: Context, role: str, ask: Callable[[str], str]) -> int:
    """Pairs with the device by the code on its screen. ``ask`` gets the person's answer to a prompt."""
    if role not in PAIRABLE:
        raise UsageError(f"--role {role!r} is not one of {', '.join(PAIRABLE)}")

    def ask_code(digits: int) -> str:
        code = "".join(ask(f"code on the device's screen ({digits} digits): ").split())
        if not (code.isascii() and code.isdigit() and len(code) == CODE_DIGITS):
            raise UsageError(f"a code has {CODE_DIGITS} digits; run 'barbotage pair' again")
        return code

    connection = pair(context.target, context.home, role, ask_code, context.within_s)
    connection.close()
    device = connection.device
    if context.as_json:
        context.console.result_json({"serial": device.serial, "model": device.model, "role": role})
    else:
        context.console.result(f"paired with {device.serial} ({device.model}) as {role}")
    return EXIT_DONE

"""What ``barbotage pair --list|--revoke|--rotate`` do: the computers that a device knows, and this computer's own key."""

from datetime import UTC, datetime
from typing import Any

from barbotage_device.console import EXIT_DONE
from barbotage_device.errors import NotFoundError, RefusedError, UsageError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError
from barbotage_device.link.noise import public_key
from barbotage_host.devices.connecting import shake_hands
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.own_keys import OwnKeys

SHORTEST_KEY = 8
"""Hexadecimal digits that name a key: two of a few computers agree in them once in 10^8."""
SHOWN_KEY = 16


def show_hosts(context: Context) -> int:
    """The computers that the device knows."""
    connection = connect_device(context)
    try:
        hosts = _hosts(connection.client)
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json({"serial": connection.device.serial, "hosts": hosts})
        return EXIT_DONE
    for each in hosts:
        when = datetime.fromtimestamp(each["paired_utc_ns"] / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")
        mine = "  this computer" if each["this_computer"] else ""
        context.console.result(f"{each['key'][:SHOWN_KEY]}  {each['role']:9} paired {when}  {each['name']}{mine}")
    context.console.note(f"{connection.device.serial} knows {len(hosts)} computer{'s' if len(hosts) != 1 else ''}")
    return EXIT_DONE


def revoke_host(context: Context, wanted: str) -> int:
    """Makes the device forget a computer, named by its name or its key. Raises NotFoundError, UsageError, RefusedError."""
    connection = connect_device(context)
    try:
        host = choose_host(_hosts(connection.client), wanted)
        if host["this_computer"]:
            raise RefusedError("a computer does not revoke itself, it would be locked out; do it from another one")
        connection.client.call("pair.revoke", {"key": bytes.fromhex(host["key"])})
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json({"serial": connection.device.serial, "revoked": host})
    else:
        context.console.result(f"{connection.device.serial} does not know '{host['name']}' ({host['key'][:SHOWN_KEY]}) any more")
    return EXIT_DONE


def choose_host(hosts: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The host with this name, or whose key begins so. Raises NotFoundError when none is, UsageError when several are."""
    found = [each for each in hosts if each["name"] == wanted]
    if not found and len(wanted) >= SHORTEST_KEY:
        found = [each for each in hosts if each["key"].startswith(wanted.lower())]
    if not found:
        raise NotFoundError(f"the device knows no computer '{wanted}'; 'barbotage pair --list' shows names and keys")
    if len(found) > 1:
        keys = ", ".join(each["key"][:SHOWN_KEY] for each in found)
        raise UsageError(f"{len(found)} computers are called '{wanted}'; name one by its key: {keys}")
    return found[0]


def rotate_key(context: Context) -> int:
    """Gives this computer another key for this device, and proves it by connecting anew.

    A cut at any moment locks nobody out: the next connection tries both keys and keeps the one that the device knows (``OwnKeys``).
    """
    connection = connect_device(context)
    try:
        if not connection.device.secured:
            raise RefusedError("the device is in the laboratory setting: there are no keys to change")
        own = OwnKeys(context.home.state, connection.device.serial)
        key = public_key(own.begin())
        try:
            connection.client.call("pair.rotate", {"key": key})
        except AnswerError:
            own.settle(own.current())  # refused: nothing was changed there
            raise
        connection.client.end.greet()
        shake_hands(connection, context.home, context.within_s)
        settled = public_key(own.current()) == key
    finally:
        connection.close()
    if not settled:
        raise RefusedError("the device has answered but let in the old key only; nothing was changed")
    if context.as_json:
        context.console.result_json({"serial": connection.device.serial, "key": key.hex()})
    else:
        context.console.result(f"{connection.device.serial} now knows this computer by the key {key.hex()[:SHOWN_KEY]}")
    return EXIT_DONE


def _hosts(client: LinkClient) -> list[dict[str, Any]]:
    own = public_key(client.end.identity.static).hex()
    return [
        {
            "name": each.text("name"),
            "role": each.text("role"),
            "key": each.text("key"),
            "paired_utc_ns": each.whole("paired_utc_ns"),
            "this_computer": each.text("key") == own,
        }
        for each in client.call("pair.list").maps("hosts")
    ]

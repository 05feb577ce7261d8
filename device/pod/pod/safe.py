# Safe mode: the link only. The application failed to start three times; the device says so and a tool can repair it.
from time import ticks_ms

import asyncio
import machine
import startup
from pod import protocol
from pod.identity import send_hello
from pod.link import Link
from pod.supervisor import WATCHDOG_MS


def _beat(link):
    bad = link.decoder.bad + link.refused & 0xFFFF
    flags = protocol.FLAGS_SAFE_MODE
    link.send(protocol.HEARTBEAT, protocol.HEARTBEAT_LAYOUT, ticks_ms() & 0xFFFFFFFF, link.dropped, bad, flags, 0)


async def _listen(link):
    while True:
        command = await link.command()
        if command == protocol.GREET:
            send_hello(link, protocol.FLAGS_SAFE_MODE, b"")
        elif command == protocol.ENTER_REPL:
            link.reply(protocol.RESULT_DONE)
            startup.restart_into_repl()
        elif command == protocol.RESTART:
            link.reply(protocol.RESULT_DONE)
            startup.restart()
        elif command != protocol.FEEDBACK:
            link.reply(protocol.RESULT_REFUSED)


async def _main():
    link = Link()
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    asyncio.create_task(_listen(link))
    send_hello(link, protocol.FLAGS_SAFE_MODE, b"")
    link.fault(protocol.FAULT_CODE_SAFE_MODE, "three failed starts")
    while True:
        _beat(link)
        watchdog.feed()
        await asyncio.sleep_ms(protocol.HEARTBEAT_EVERY_MS)


def run():
    asyncio.run(_main())

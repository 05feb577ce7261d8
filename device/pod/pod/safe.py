# Safe mode: the link only. The application failed to start three times; the device says so and a tool can repair it.
import asyncio
import machine
import startup
from pod import protocol
from pod.identity import send_hello
from pod.link import Link
from pod.supervisor import WATCHDOG_MS

_EVERY_MS = 200


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
        watchdog.feed()
        await asyncio.sleep_ms(_EVERY_MS)


def run():
    asyncio.run(_main())

"""The link of a running device: who it is, what it serves, and the thread that serves it. Used by ``serve`` and ``run --serial``."""

import json
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from barbotage_device.config_store import ConfigStore, schema_document
from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.device_end import DeviceEnd, DeviceIdentity
from barbotage_device.link.keys import PairedHosts, static_key
from barbotage_device.link.messages import BOOT_BYTES
from barbotage_device.link.methods import Caller, Methods
from barbotage_device.link.pairing import PairingDesk, PairingScreen
from barbotage_device.link.roles import Role
from barbotage_device.link.server import LinkServer
from barbotage_device.link.serving import Served, Service
from barbotage_device.link.transport import TtyTransport
from barbotage_device.link.updating import UpdateService
from barbotage_device.runtime.health import read_health
from barbotage_device.runtime.identity import device_identity, software
from barbotage_device.runtime.link_request import LinkRequest
from barbotage_device.runtime.logbook import Logbook
from barbotage_device.runtime.logged import LoggedClock, LoggedConfiguration, LoggedHosts, LoggedScreen, LoggedSessions
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import is_claimed
from barbotage_device.session.manifest import read_manifest
from barbotage_device.update.desk import DeviceUpdates

HEALTH_EVERY_S = 1.0
LABORATORY_WARNING = (
    "LABORATORY SETTING: the link is neither authenticated nor encrypted; whoever holds the cable can read and change everything"
)


class SystemClock:
    """The computer's clocks."""

    def utc_ns(self) -> int:
        """As in WallClock."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """As in WallClock."""
        return time.monotonic_ns()

    def set_utc_ns(self, utc_ns: int) -> None:
        """As in WallClock; needs the privilege to set the clock."""
        time.clock_settime_ns(time.CLOCK_REALTIME, utc_ns)


class ConsoleScreen:
    """Shows pairing codes on the terminal, where there is no other screen."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:
        """As in PairingScreen."""
        self._console.note(f"pairing: '{name}' asks for the role {role.word}; code {code[:4]} {code[4:]} (for {valid_s:.0f} s)")

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""
        self._console.note("pairing: done" if paired else "pairing: the code is void")


def make_server(
    request: LinkRequest,
    screen: PairingScreen,
    notice: Callable[[str], None],
    in_procedure: Callable[[], bool] | None = None,
    rest: float = 0.0,
) -> LinkServer:
    """A server for this computer, not yet running. ``in_procedure``: by default whether any program records into the folder of sessions.

    ``rest``: as in LinkServer.
    Raises LinkError when keys or pairings are damaged, OSError.
    """
    in_procedure = in_procedure or partial(is_recording_into, request.sessions)
    who = device_identity()
    logbook = Logbook(request.state)
    notice, lost = logbook.noting(notice), logbook.noting(notice, logging.WARNING)
    hosts = LoggedHosts(PairedHosts(request.state, time.time_ns), logbook.logger)
    identity = DeviceIdentity(
        static_key(request.state), who.model, who.id, software().version, secrets.token_bytes(BOOT_BYTES), request.secured
    )
    services: list[Service] = []
    updating: list[UpdateService] = []

    def on_connection(caller: Caller | None) -> None:
        for service in services:
            service.files.close_all()
        for each in updating:
            each.interrupt()
        notice("the host is gone" if caller is None else f"connected: '{caller.name}' as {caller.role.word}")

    end = DeviceEnd(
        identity,
        hosts,
        PairingDesk(LoggedScreen(screen, logbook.logger), in_procedure=in_procedure),
        Methods(),
        LineRate.of_baud(request.baud),
        secrets.token_bytes,
        on_connection,
    )
    started_s = time.monotonic()

    def status() -> dict[str, Any]:
        health = read_health(request.sessions).as_dict()
        return {"state": "procedure" if in_procedure() else "idle", "uptime_s": round(time.monotonic() - started_s, 1), **health}

    def diagnosis() -> bytes:
        return json.dumps({"status": status(), "link": end.counts(), "software": identity.software}, indent=1).encode() + b"\n"

    settings = LoggedConfiguration(ConfigStore(request.config), logbook.logger)
    served = Served(
        sessions=LoggedSessions(request.sessions, logbook.logger),
        configuration=settings,
        clock=LoggedClock(SystemClock(), logbook.logger),
        hosts=hosts,
        status=status,
        in_procedure=in_procedure,
        documents={
            "config-schema.json": schema_document,
            "config.toml": settings.document,
            "diagnosis.json": diagnosis,
            "log.txt": logbook.tail,
        },
    )
    services.append(Service(end, served))
    updating.append(UpdateService(end, DeviceUpdates(request.state, notice), in_procedure, time.monotonic))
    server = LinkServer(end, lambda: TtyTransport(request.port, request.baud), time.monotonic, notice, lost, rest)
    logbook.attach(
        server, f"version {identity.software}, link on {request.port}, {'secured' if request.secured else 'NOT SECURED'}"
    )
    return server


def serve(request: LinkRequest, console: Console) -> int:
    """Serves until it is interrupted; health goes out each second to a host that listens."""
    if not request.secured:
        console.warning(LABORATORY_WARNING)
    server = make_server(request, ConsoleScreen(console), lambda text: console.note(f"{request.port}: {text}"))
    server.start()
    try:
        while not signal.sigtimedwait([signal.SIGTERM], HEALTH_EVERY_S):
            server.publish("health", time.monotonic_ns(), asdict(read_health(request.sessions)))
    finally:
        server.stop()
    return EXIT_DONE


def is_recording_into(root: Path) -> bool:
    """Whether a living program records a session under ``root`` now."""
    for path in reversed(find_sessions(root)):  # the newest first
        try:
            state = read_manifest(path).state
        except SessionError:
            continue
        # Only then the claim is tried: it would be in the way of a recorder that is about to claim its new folder.
        if state == "recording" and is_claimed(path):
            return True
    return False


def serve_until_terminated(request: LinkRequest, console: Console) -> int:
    """As ``serve``, with SIGTERM held back so that it ends the service in an orderly way."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.umask(0o077)
    return serve(request, console)

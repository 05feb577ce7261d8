"""Reaches a pod for a tool: its port, who it is, and its way into the prompt."""

import contextlib
import time
from collections.abc import Iterator

from barbotage_device.errors import BarbotageError, NotFoundError
from barbotage_device.probe_pod.connection import PodConnection
from barbotage_device.probe_pod.port import open_serial, the_pod
from barbotage_device.probe_pod.protocol import ENTER_REPL_MAGIC, PROTOCOL, EnterRepl, Greet, Hello, Reply
from barbotage_device.probe_pod.state import PodIdentity, identity_of

_LOOK_S = 4.0
_REPLY_S = 20.0
COME_BACK_S = 60.0
"""A pod is back within two seconds; an emulated one on a busy machine takes its time."""
_BETWEEN_TRIES_S = 0.3


def port_or_the_pod(port: str | None) -> str:
    """``port``, or that of the only pod that is plugged in. Raises NotFoundError, RefusedError."""
    return port if port is not None else the_pod()


@contextlib.contextmanager
def connected(port: str) -> Iterator[PodConnection]:
    """An open connection to the port; nothing is asked yet. Raises NotFoundError."""
    connection = PodConnection(open_serial(port), time.monotonic_ns)
    try:
        yield connection
    finally:
        connection.close()


def who_is_at(port: str) -> PodIdentity | None:
    """Who answers at the port, whatever protocol it speaks; None when nobody does within four seconds. Raises NotFoundError."""
    with connected(port) as connection:
        for _ in range(4):
            connection.send(Greet(PROTOCOL))
            hello = connection.wait_for(Hello, lambda _hello: True, _LOOK_S / 4)
            if hello is not None:
                return identity_of(hello)
    return None


def send_to_prompt(port: str) -> None:
    """Asks the running firmware to restart into its prompt. Raises NotFoundError when it does not reply."""
    with connected(port) as connection:
        sequence = connection.send(EnterRepl(ENTER_REPL_MAGIC))
        if connection.wait_for(Reply, lambda reply: reply.sequence == sequence, _REPLY_S) is None:
            raise NotFoundError(f"{port}: the pod did not reply when asked for its prompt")


def wait_for_pod(port: str, patience_s: float = COME_BACK_S) -> PodIdentity:
    """Who answers after a restart, during which the port may vanish. Raises NotFoundError when nobody does in time."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        try:
            identity = who_is_at(port)
        except BarbotageError:
            identity = None
        if identity is not None:
            return identity
        time.sleep(_BETWEEN_TRIES_S)
    raise NotFoundError(f"{port}: the pod did not come back within {patience_s:.0f} s; barbotage-pod doctor looks why")

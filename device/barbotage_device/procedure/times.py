"""How long a procedure stood in its states, from the transitions it recorded."""

from collections.abc import Collection

from barbotage_device.procedure.events import PHASE
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State


def time_in_ns(procedure: Procedure, states: Collection[State], now_ns: int) -> int:
    """Time spent in these states so far, pauses not counted.

    The monotonic clock begins anew when the device is restarted: a stretch that would be negative counts as nothing.
    """
    total, since_ns, inside = 0, 0, False
    for record in procedure.records:
        if record.kind != PHASE:
            continue
        if inside:
            total += max(0, record.at_ns - since_ns)
        inside, since_ns = record.value["to"] in states, record.at_ns
    return total + (max(0, now_ns - since_ns) if inside else 0)

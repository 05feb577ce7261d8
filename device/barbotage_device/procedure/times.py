"""How long a procedure stood in its states, from the transitions it recorded."""

from collections.abc import Collection

from barbotage_device.procedure.events import PHASE, EventKind
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State


def time_in_ns(procedure: Procedure, states: Collection[State], now_ns: int) -> int:
    """Time spent in these states so far, pauses not counted.

    The monotonic clock begins anew when the device is restarted, and may by then have passed the old one: of a state that was cut, what lies
    between its beginning and the last record before the restart counts, and nothing up to the first one after it.
    """
    total, since_ns, latest_ns, inside = 0, 0, 0, False
    for record in procedure.records:
        if record.kind == EventKind.RESTART:
            total, inside = total + (latest_ns - since_ns if inside else 0), False
        elif record.kind == PHASE:
            if inside:
                total += max(0, record.at_ns - since_ns)
            inside, since_ns, latest_ns = record.value["to"] in states, record.at_ns, record.at_ns
        else:
            latest_ns = max(latest_ns, record.at_ns)
    return total + (max(0, now_ns - since_ns) if inside else 0)

"""Prompts of a procedure as events: told when raised, once more when one that was held back comes to be shown."""

from collections.abc import Mapping

from barbotage_device.procedure.notices import Kind, Notices
from barbotage_device.runtime.recording.edges import Happening

ToldPrompts = Mapping[Kind, bool]
"""What stands raised, and whether it was shown since it was raised."""


def prompt_happenings(before: ToldPrompts, notices: Notices) -> tuple[ToldPrompts, list[Happening]]:
    """What is to be recorded of a turn's notices, and what to give to the next call. Held back is told with its reason."""
    present = {notice.kind: (notice, why.value) for notice, why in notices.held}
    if notices.shown is not None:
        present[notices.shown.kind] = (notices.shown, "")
    found: list[Happening] = []
    for kind, (notice, why) in present.items():
        if kind in before and (why or before[kind]):
            continue
        value = {"kind": kind.value, "priority": notice.priority.name.lower(), "shown": not why}
        found.append(Happening("prompt", value | ({"held": why} if why else {})))
    return {kind: not why or before.get(kind, False) for kind, (_, why) in present.items()}, found

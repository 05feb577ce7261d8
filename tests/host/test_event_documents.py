"""The page on sessions names every kind of event that a device can record."""

import re
from pathlib import Path

from tests.host.event_kinds import written_kinds

from barbotage_device.procedure.events import EventKind

E = EventKind
MOVES = {E.ACCEPT, E.CONFIRM, E.SKIP, E.FRAGMENT, E.PAUSE, E.RESUME, E.ABORT}
"""What moves a procedure is recorded as ``phase``, and acceptance as what was accepted."""


def test_the_table_of_events_names_all_kinds_and_no_others() -> None:
    page = (Path(__file__).parents[2] / "docs" / "session.md").read_text(encoding="utf-8")
    table = page.partition("The kinds of events:")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [kind for row in rows for kind in re.findall(r"`([^`]+)`", row)]
    assert len(named) == len(set(named))
    assert set(named) == written_kinds() - {str(kind) for kind in MOVES}

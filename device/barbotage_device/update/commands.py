"""What ``barbotage-device update …`` does."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.errors import UsageError
from barbotage_device.update.activation import outcome_words, roll_back
from barbotage_device.update.desk import lane_record
from barbotage_device.update.launcher import active_software
from barbotage_device.update.manifest import Kind
from barbotage_device.update.store import Lane, Slot, UpdateStore
from barbotage_device.update.trust import HOW_TO_TRUST, TrustedKeys, read_public_key


def trust(state: Path, file: Path, console: Console) -> int:
    """Trusts the key in ``file``."""
    key = read_public_key(file)
    TrustedKeys(state).add(key)
    console.result(f"updates signed with key {key.name} are taken from now on")
    return EXIT_DONE


def untrust(state: Path, name: str, console: Console) -> int:
    """Trusts a key no more."""
    TrustedKeys(state).remove(name)
    console.result(f"updates signed with key {name.upper()} are refused from now on")
    return EXIT_DONE


def show_status(state: Path, console: Console, as_json: bool) -> int:
    """The state of updates."""
    store = UpdateStore(state)
    updates = store.load()
    keys = sorted(key.name for key in TrustedKeys(state).all().values())
    software = active_software(state)
    if as_json:
        record: dict[str, Any] = {str(kind): lane_record(updates.lane(kind)) for kind in Kind}
        last = None if updates.last is None else asdict(updates.last)
        console.result_json(
            {**record, "last": last, "keys": keys, "software_folder": None if software is None else str(software)}
        )
        return EXIT_DONE
    for kind in Kind:
        for line in lane_lines(kind, updates.lane(kind)):
            console.result(line)
    if software is not None:
        console.result(f"software runs from: {software}")
    if updates.last is not None:
        console.result(f"last update: {outcome_words(updates.last)}")
    console.result(f"trusted keys: {', '.join(keys)}" if keys else f"trusted keys: none; {HOW_TO_TRUST}")
    return EXIT_DONE


def rollback(state: Path, kind: str, console: Console) -> int:
    """Goes back."""
    if kind not in tuple(Kind):
        raise UsageError(f"'{kind[:40]}' is neither model nor software")
    store = UpdateStore(state)
    outcome = roll_back(store, Kind(kind))
    now = _words(store.load().lane(Kind(kind)).active)
    console.result(f"{outcome_words(outcome)}; from the next start on: {now}")
    return EXIT_DONE


def lane_lines(kind: Kind, lane: Lane) -> list[str]:
    """A lane in words."""
    lines = [f"{kind}: {_words(lane.active)}"]
    if lane.candidate is not None:
        doing = "being tried" if lane.tries else "staged for the next start"
        lines.append(f"{kind}, {doing}: {_words(lane.candidate)}")
    if lane.active is not None:
        lines.append(f"{kind}, to go back to: {_words(lane.previous)}")
    return lines


def _words(slot: Slot | None) -> str:
    return "as installed" if slot is None else f"{slot.name} {slot.version} (security version {slot.security_version})"

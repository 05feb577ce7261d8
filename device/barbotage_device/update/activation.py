"""What happens to updates at a start: damaged ones are left, a staged one is tried, and becomes active or is rolled back (docs/update.md).

The state on the disk changes before and after each step, never in between: a power cut leaves the old one active, or the new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from barbotage_device.update.errors import UpdateError
from barbotage_device.update.manifest import Kind
from barbotage_device.update.store import Outcome, Slot, Updates, UpdateStore

MAX_TRIES = 2
"""Begun and never ended so often, a trial counts as failed: it may be what takes the device down."""


class Trials(Protocol):
    """Tries a candidate without using it for anything else."""

    def model(self, file: Path) -> str | None:
        """Why the model in ``file`` must not be used; None when it passed."""
        ...

    def software(self, folder: Path, version: str, model: Path | None) -> str | None:
        """Why the software in ``folder`` must not be used, with the model that will be active; None when it passed."""
        ...


@dataclass(frozen=True, slots=True)
class Activation:
    """The step from staged to active of one device. ``note`` gets a line for people; ``running`` is the software update that runs."""

    store: UpdateStore
    trials: Trials
    note: Callable[[str], None]
    running: Path | None = None

    def start(self) -> Updates:
        """Does what is due at a start, and gives the state afterwards. Raises UpdateError when the state is damaged, OSError.

        Software comes first: a model that was staged after it is tried by the new software, once that runs.
        """
        with self.store.locked():
            updates = self.store.load()
            for kind in (Kind.SOFTWARE, Kind.MODEL):
                self._leave_damaged(updates, kind)
            before = updates.software.active
            self._try_candidate(updates, Kind.SOFTWARE)
            if updates.software.active == before:
                self._try_candidate(updates, Kind.MODEL)
            self.store.clean(updates, self.running)
            return updates

    def _leave_damaged(self, updates: Updates, kind: Kind) -> None:
        """Goes back when files of the active one are missing or changed."""
        lane = updates.lane(kind)
        while lane.active is not None and not self.store.is_intact(kind, lane.active):
            slot = lane.active
            lane.active, lane.previous = lane.previous, None
            self._end(updates, kind, slot, "rolled-back", "its files are missing or damaged")

    def _try_candidate(self, updates: Updates, kind: Kind) -> None:
        lane = updates.lane(kind)
        slot = lane.candidate
        if slot is None:
            return
        if lane.tries >= MAX_TRIES:
            lane.candidate, lane.tries = None, 0
            self._end(updates, kind, slot, "rolled-back", f"its self-test was cut off {MAX_TRIES} times")
            return
        lane.tries += 1
        self.store.save(updates)
        self.note(f"update: testing {kind} {slot.name} {slot.version} before it is used …")
        try:
            why = self._trial(updates, kind, slot)
        except KeyboardInterrupt:
            lane.tries -= 1  # somebody at the keyboard is no fault of the update
            self.store.save(updates)
            raise
        lane.candidate, lane.tries = None, 0
        if why is None:
            lane.previous, lane.active = lane.active, slot
            lane.highest_security_version = max(lane.highest_security_version, slot.security_version)
        self._end(updates, kind, slot, "active" if why is None else "rolled-back", why or "")

    def _trial(self, updates: Updates, kind: Kind, slot: Slot) -> str | None:
        if not self.store.is_intact(kind, slot):
            return "its files are missing or damaged"
        folder = self.store.folder(kind, slot)
        if kind is Kind.MODEL:
            return self.trials.model(model_file(folder))
        return self.trials.software(folder, slot.version, active_model(self.store, updates))

    def _end(self, updates: Updates, kind: Kind, slot: Slot, state: str, why: str) -> None:
        updates.last = Outcome(state, str(kind), slot.name, slot.version, why)
        self.store.save(updates)
        self.note(f"update: {outcome_words(updates.last)}")


def roll_back(store: UpdateStore, kind: Kind) -> Outcome:
    """Makes the previous one active from the next start on, and drops what was staged. Raises UpdateError when there is nothing to leave."""
    with store.locked():
        updates = store.load()
        lane = updates.lane(kind)
        slot = lane.candidate or lane.active
        if slot is None:
            raise UpdateError(f"no {kind} update is active or staged: the device runs the {kind} that it was installed with")
        if lane.candidate is not None:
            why = "withdrawn by hand before it was used"
        else:
            lane.active, lane.previous = lane.previous, None
            why = "by hand"
        lane.candidate, lane.tries = None, 0
        updates.last = Outcome("rolled-back", str(kind), slot.name, slot.version, why)
        store.save(updates)
        return updates.last


def active_model(store: UpdateStore, updates: Updates) -> Path | None:
    """The file of the active model; None when it is the one that the software brought."""
    slot = updates.model.active
    return None if slot is None else model_file(store.folder(Kind.MODEL, slot))


def model_file(folder: Path) -> Path:
    """The .tflite file of a model's folder."""
    return next(iter(sorted(folder.glob("*.tflite"))), folder / "model.tflite")


def outcome_words(outcome: Outcome) -> str:
    """How an update ended, in one line."""
    what = f"{outcome.kind} {outcome.name} {outcome.version}"
    if outcome.state == "active":
        return f"{what} passed its self-test and is active"
    return f"{what} {outcome.state.replace('-', ' ')}: {outcome.why}"

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.bundles import (
    FailingDisk,
    Judge,
    PowerCut,
    copy_state,
    make_model_bundle,
    make_software_bundle,
    make_store,
)

from barbotage_device.update.activation import MAX_TRIES, Activation, Trials, active_model, roll_back
from barbotage_device.update.disk import Disk
from barbotage_device.update.errors import UpdateError
from barbotage_device.update.manifest import Kind
from barbotage_device.update.staging import stage
from barbotage_device.update.store import Updates, UpdateStore

KINDS: dict[Kind, Callable[..., Path]] = {Kind.MODEL: make_model_bundle, Kind.SOFTWARE: make_software_bundle}
Said = list[str]


def start(state: Path, trials: Trials | None = None, disk: Disk | None = None, said: Said | None = None) -> Updates:
    """A start of the device's program."""
    lines: Said = [] if said is None else said
    return Activation(UpdateStore(state, disk), trials or Judge(), lines.append).start()


def put(state: Path, bundle: Path, disk: Disk | None = None) -> None:
    store, keys = make_store(state, disk)
    stage(store, keys, bundle)


def active_version(updates: Updates, kind: Kind) -> str | None:
    slot = updates.lane(kind).active
    return None if slot is None else slot.version


@pytest.mark.parametrize("kind", Kind)
def test_what_is_staged_becomes_active_at_the_next_start_and_not_before(tmp_path: Path, kind: Kind) -> None:
    state, judge = tmp_path / "state", Judge()
    put(state, KINDS[kind](tmp_path, "1.0", 3))
    assert active_version(UpdateStore(state).load(), kind) is None
    updates = start(state, judge)
    assert active_version(updates, kind) == "1.0"
    assert updates.lane(kind).highest_security_version == 3
    assert updates.last is not None
    assert updates.last.state == "active"
    assert len(judge.asked) == 1
    start(state, judge)
    assert len(judge.asked) == 1, "what is active is not tried again"


@pytest.mark.parametrize("kind", Kind)
def test_what_fails_its_self_test_is_rolled_back_and_the_old_one_goes_on(tmp_path: Path, kind: Kind) -> None:
    state = tmp_path / "state"
    put(state, KINDS[kind](tmp_path, "1.0"))
    start(state)
    put(state, KINDS[kind](tmp_path, "2.0", 2))
    said: Said = []
    updates = start(state, Judge(model="saw nothing", software="saw nothing"), said=said)
    assert active_version(updates, kind) == "1.0"
    assert updates.lane(kind).highest_security_version == 1, "it was never active"
    assert updates.last is not None
    assert (updates.last.state, updates.last.version, updates.last.why) == ("rolled-back", "2.0", "saw nothing")
    assert "saw nothing" in said[-1]
    updates = start(state)
    assert active_version(updates, kind) == "1.0"
    kept = [path.name for path in UpdateStore(state).root(kind).iterdir()]
    assert len(kept) == 1, "what failed is removed"


def test_a_model_waits_for_the_new_software_to_try_it(tmp_path: Path) -> None:
    state, judge = tmp_path / "state", Judge()
    put(state, make_software_bundle(tmp_path, "2.0"))
    put(state, make_model_bundle(tmp_path, "2.0"))
    updates = start(state, judge)
    assert judge.asked == ["software 2.0 with no update"]
    assert updates.model.candidate is not None
    updates = start(state, judge)
    assert active_version(updates, Kind.MODEL) == "2.0"
    put(state, make_software_bundle(tmp_path, "3.0"))
    start(state, judge)
    assert judge.asked[-1].startswith("software 3.0 with small-2.0-"), "new software is tried with the model that it will run"


class Crash:
    """Takes the device down in every trial."""

    def model(self, file: Path) -> str | None:  # noqa: ARG002
        raise PowerCut

    def software(self, folder: Path, version: str, model: Path | None) -> str | None:  # noqa: ARG002
        raise PowerCut


@pytest.mark.parametrize("kind", Kind)
def test_what_takes_the_device_down_is_given_up_after_two_tries(tmp_path: Path, kind: Kind) -> None:
    state = tmp_path / "state"
    put(state, KINDS[kind](tmp_path, "1.0"))
    for _ in range(MAX_TRIES):
        with pytest.raises(PowerCut):
            start(state, Crash())
        assert active_version(UpdateStore(state).load(), kind) is None
    updates = start(state, Crash())
    assert updates.last is not None
    assert updates.last.state == "rolled-back"
    assert "cut off 2 times" in updates.last.why
    assert updates.lane(kind).candidate is None


def test_one_power_cut_in_the_test_is_no_fault_of_the_update(tmp_path: Path) -> None:
    state = tmp_path / "state"
    put(state, make_model_bundle(tmp_path))
    with pytest.raises(PowerCut):
        start(state, Crash())
    assert active_version(start(state), Kind.MODEL) == "1.0"


class Impatient(Crash):
    """Somebody presses Ctrl-C."""

    def model(self, file: Path) -> str | None:  # noqa: ARG002
        raise KeyboardInterrupt


def test_ctrl_c_in_the_test_does_not_count(tmp_path: Path) -> None:
    state = tmp_path / "state"
    put(state, make_model_bundle(tmp_path))
    for _ in range(MAX_TRIES + 1):
        with pytest.raises(KeyboardInterrupt):
            start(state, Impatient())
    assert active_version(start(state), Kind.MODEL) == "1.0"


@pytest.mark.parametrize("kind", Kind)
def test_going_back_leads_to_the_one_before_and_then_to_what_was_installed(tmp_path: Path, kind: Kind) -> None:
    state = tmp_path / "state"
    for version in ("1.0", "2.0"):
        put(state, KINDS[kind](tmp_path, version, 4))
        start(state)
    store = UpdateStore(state)
    put(state, KINDS[kind](tmp_path, "3.0", 4))
    assert roll_back(store, kind).version == "3.0", "what is staged goes first"
    before: tuple[str | None, ...] = ("1.0", None)
    for expected in before:
        assert roll_back(store, kind).state == "rolled-back"
        assert active_version(start(state), kind) == expected
    with pytest.raises(UpdateError, match="that it was installed with"):
        roll_back(store, kind)
    with pytest.raises(UpdateError, match="never goes below"):
        put(state, KINDS[kind](tmp_path, "0.9", 3))


@pytest.mark.parametrize("kind", Kind)
def test_damaged_files_are_never_used(tmp_path: Path, kind: Kind) -> None:
    state = tmp_path / "state"
    for version in ("1.0", "2.0"):
        put(state, KINDS[kind](tmp_path, version))
        start(state)
    store = UpdateStore(state)
    lane = store.load().lane(kind)
    assert lane.active is not None
    assert lane.previous is not None
    next(path for path in store.folder(kind, lane.active).rglob("*") if path.is_file()).write_bytes(b"damaged")
    assert active_version(start(state), kind) == "1.0"
    for path in store.folder(kind, lane.previous).rglob("*.*"):
        if path.is_file():
            path.unlink()
    updates = start(state)
    assert active_version(updates, kind) is None
    assert active_model(store, updates) is None
    put(state, KINDS[kind](tmp_path, "3.0"))
    staged = store.load().lane(kind).candidate
    assert staged is not None
    next(path for path in store.folder(kind, staged).rglob("*") if path.is_file()).write_bytes(b"damaged")
    assert active_version(start(state), kind) is None


@pytest.mark.parametrize("kind", Kind)
def test_the_power_may_go_at_any_file_operation(tmp_path: Path, kind: Kind) -> None:
    """Cut at each operation of staging, trying, activating and going back: always the old one or the new one, whole."""
    base = tmp_path / "base"
    old, new = KINDS[kind](tmp_path, "1.0"), KINDS[kind](tmp_path, "2.0", 2)
    put(base, old)
    start(base)
    total = _sweep(base, tmp_path, kind, new)
    assert total > 20, "the sweep found every operation"


def _sweep(base: Path, folder: Path, kind: Kind, new: Path) -> int:
    for last in range(1, 200):
        state = copy_state(base, folder / f"cut-{last}")
        disk = FailingDisk(last)
        try:
            put(state, new, disk)
            start(state, disk=disk)
            start(state, disk=disk)
            roll_back(UpdateStore(state, disk), kind)
        except PowerCut:
            _check_after_cut(state, kind, last)
        else:
            return disk.count
    raise AssertionError("the sweep did not end")


def _check_after_cut(state: Path, kind: Kind, last: int) -> None:
    store = UpdateStore(state)
    active = store.load().lane(kind).active
    assert active is not None, f"neither old nor new after {last} operations"
    assert active.version in ("1.0", "2.0")
    assert store.is_intact(kind, active), f"half of {active.version} after {last} operations"
    updates = start(state)
    settled = active_version(updates, kind)
    assert settled in ("1.0", "2.0")
    assert updates.lane(kind).candidate is None
    assert active_version(start(state), kind) == settled
    folders = {path.name for path in store.root(kind).iterdir()}
    assert folders == {each.folder for each in updates.lane(kind).slots}, "nothing half-made is left"

"""The command ``flash``: brings a pod's files to this build, changed ones only, each verified before it is put in place."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from barbotage_device.errors import RefusedError
from barbotage_device.probe_pod.state import PodIdentity
from barbotage_firmware_tools.build.mpy import MANIFEST, Compiled
from barbotage_firmware_tools.build.sources import HASH_BYTES
from barbotage_firmware_tools.errors import PodToolError
from barbotage_firmware_tools.greeting import send_to_prompt, wait_for_pod, who_is_at
from barbotage_firmware_tools.prompt import Prompt

_POD_MACHINE = "Barbotage probe pod"
_OURS = ("pod", "main.py", "startup.mpy", "boot.py", MANIFEST)


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What was done."""

    written: list[str]
    kept: list[str]
    removed: list[str]
    before: PodIdentity | None
    after: PodIdentity


def flash(port: str, compiled: Compiled, confirm: Callable[[str], bool], progress: Callable[[str], None]) -> FlashReport:
    """Flashes the pod at ``port``. ``confirm`` is asked before anything that is not a pod of ours is overwritten.

    Raises RefusedError when that is declined, PodToolError when a step fails: files already replaced then stay, and flashing again goes on.
    """
    expected = str(compiled.manifest["firmware_sha256"])[: 2 * HASH_BYTES]
    before = who_is_at(port)
    if before is not None:
        if before.firmware_hash == expected:
            return FlashReport([], sorted(compiled.files), [], before, before)
        send_to_prompt(port)
    with Prompt(port) as prompt:
        if before is None:
            _be_sure(prompt, port, confirm)
        wanted = {**compiled.files, MANIFEST: json.dumps(compiled.manifest).encode()}
        written, kept = _write_changed(prompt, wanted, compiled, progress)
        removed = _remove_stale(prompt, wanted)
        prompt.restart()
    after = wait_for_pod(port)
    if after.firmware_hash != expected:
        raise PodToolError(f"{port}: the pod runs firmware {after.firmware_hash} after flashing, not {expected}; flash again")
    return FlashReport(written, kept, removed, before, after)


def _be_sure(prompt: Prompt, port: str, confirm: Callable[[str], bool]) -> None:
    machine = prompt.machine()
    if _POD_MACHINE in machine:
        return
    files = [name for name in prompt.list_files("") if not name.startswith(_OURS)]
    others = f", with {len(files)} other files ({', '.join(files[:3])})" if files else ""
    if not confirm(f"{port}: this is {machine}{others}, and not a probe pod yet. Put the pod's firmware on it?"):
        raise RefusedError(f"{port}: not flashed; it is {machine}")


def _write_changed(
    prompt: Prompt, wanted: dict[str, bytes], compiled: Compiled, progress: Callable[[str], None]
) -> tuple[list[str], list[str]]:
    present = prompt.file_hashes(sorted(wanted))
    hashes = compiled.hashes
    # The manifest last, and only when something changed: it tells that everything before it is in place.
    changed = [name for name in sorted(compiled.files) if present.get(name) != hashes[name]]
    kept = [name for name in compiled.files if name not in changed]
    if changed or MANIFEST not in present:
        changed.append(MANIFEST)
    for number, name in enumerate(changed, start=1):
        progress(f"{number}/{len(changed)} {name} ({len(wanted[name])} bytes)")
        prompt.put(name, wanted[name])
    return changed, kept


def _remove_stale(prompt: Prompt, wanted: dict[str, bytes]) -> list[str]:
    """What an earlier build left: MicroPython would still import it."""
    stale = [name for name in prompt.list_files("pod") if name not in wanted]
    for name in stale:
        prompt.remove(name)
    return stale

"""The command ``flash``: brings a pod's files to this build, changed ones only, each verified before any is put in place."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from barbotage_device.errors import RefusedError
from barbotage_device.probe_pod.state import PodIdentity
from barbotage_firmware_tools.build.mpy import MANIFEST, Compiled
from barbotage_firmware_tools.build.sources import HASH_BYTES
from barbotage_firmware_tools.errors import PodToolError
from barbotage_firmware_tools.greeting import COME_BACK_S, send_to_prompt, wait_for_pod, who_is_at
from barbotage_firmware_tools.prompt import Prompt

_POD_MACHINE = "Barbotage probe pod"
_OURS = ("pod", "main.py", "startup.mpy", "boot.py", MANIFEST)
_LOOK_S = 12.0
"""For a prompt at a port at which no pod has answered: time for two tries, the board may just have been plugged in."""
_LAST = ("pod/version.mpy", MANIFEST)
"""What the pod says it runs is in place after everything else, so that flashing again mends what was cut short."""


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

    Raises RefusedError when that is declined, PodToolError when a step fails. Until the last file has arrived, the old ones stay; whatever
    happens, the board is restarted.
    """
    expected = str(compiled.manifest["firmware_sha256"])[: 2 * HASH_BYTES]
    before = who_is_at(port)
    if before is not None:
        if before.firmware_hash == expected:
            return FlashReport([], sorted(compiled.files), [], before, before)
        send_to_prompt(port)
    with _prompt(port, COME_BACK_S if before is not None else _LOOK_S, progress) as prompt:
        try:
            if before is None:
                _be_sure(prompt, port, confirm)
            written, kept, removed = _bring_up_to_date(prompt, compiled, progress)
        finally:
            prompt.restart()
    after = wait_for_pod(port)
    if after.firmware_hash != expected:
        raise PodToolError(f"{port}: the pod runs firmware {after.firmware_hash} after flashing, not {expected}; flash again")
    return FlashReport(written, kept, removed, before, after)


def _prompt(port: str, patience_s: float, progress: Callable[[str], None]) -> Prompt:
    progress(f"{port}: waiting for its prompt")
    try:
        return Prompt(port, patience_s)
    except KeyboardInterrupt:
        progress(f"{port}: the pod waits at its prompt; flash it again, or pull it out and put it back")
        raise


def _be_sure(prompt: Prompt, port: str, confirm: Callable[[str], bool]) -> None:
    machine = prompt.machine()
    if _POD_MACHINE in machine:
        return
    files = [name for name in prompt.list_files("") if not name.startswith(_OURS)]
    others = f", with {len(files)} other files ({', '.join(files[:3])})" if files else ""
    if not confirm(f"{port}: this is {machine}{others}, and not a probe pod yet. Put the pod's firmware on it?"):
        raise RefusedError(f"{port}: not flashed; it is {machine}")


def _bring_up_to_date(
    prompt: Prompt, compiled: Compiled, progress: Callable[[str], None]
) -> tuple[list[str], list[str], list[str]]:
    wanted = {**compiled.files, MANIFEST: json.dumps(compiled.manifest).encode()}
    present = prompt.file_hashes(sorted(wanted))
    changed = [name for name, sha256 in compiled.hashes.items() if present.get(name) != sha256]
    kept = sorted(name for name in compiled.files if name not in changed)
    if changed or MANIFEST not in present:
        changed.append(MANIFEST)
    changed.sort(key=lambda name: (name in _LAST, name == MANIFEST, name))
    for number, name in enumerate(changed, start=1):
        progress(f"{number}/{len(changed)} {name} ({len(wanted[name])} bytes)")
        prompt.put_beside(name, wanted[name])
    progress("putting them in place")
    prompt.replace(changed)
    # What an earlier build left, or one that was cut short: MicroPython would still import it.
    removed = [name for name in prompt.list_files("pod") if name not in wanted]
    for name in removed:
        prompt.remove(name)
    return changed, kept, removed

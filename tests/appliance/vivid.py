"""Runs the check of a frame grabber in a virtual machine: python -m tests.appliance.vivid [--json] [--out DIR] [--within S].

The grabber is the kernel's virtual video driver (vivid). Ends with 0 when every step passed, 1 when one failed, 3 when this computer lacks something.
"""

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.drivers.machine import MissingError, accelerator, boot, fetch_kernel, write_initramfs

TREE = Path(__file__).resolve().parents[2]
CACHE = TREE / ".cache" / "appliance"
INSIDE = Path(__file__).with_name("vivid_inside.py")
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "vivid")
PACKAGES = ("device/barbotage_device", "models/barbotage_models", "tests/appliance", "tests/drivers")
DATA = ("models/barbotage_models/bundle", "device/barbotage_device/bedside/fonts", "device/barbotage_device/bedside/locale")
"""What is read beside what is imported."""
WITHIN_S = 900.0
"""Three minutes are usual; a computer that is busy with other things takes longer."""
EXIT_FAILED, EXIT_MISSING = 1, 3


def check(out: Path, within_s: float) -> dict[str, Any]:
    """What the steps said; ``ok`` when all passed. Leaves console.log, results.json and pictures of the screen in ``out``."""
    start_s = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    for name in ("results.json", "console.log"):
        (out / name).unlink(missing_ok=True)
    kernel = fetch_kernel(CACHE, MODULES)
    for package in PACKAGES:
        compileall.compile_dir(TREE / package, quiet=2)
    archive = out / "initramfs"
    write_initramfs(archive, kernel, [sys.executable, str(INSIDE)], _near())
    failure = None
    try:
        boot(kernel, archive, out, within_s)
    except TimeoutError as error:
        failure = str(error)
    archive.unlink()
    said = out / "results.json"
    done: dict[str, Any] = json.loads(said.read_text()) if said.exists() else {"steps": 0, "results": []}
    passed = sum(each["ok"] for each in done["results"])
    if not done["results"]:
        failure = failure or f"the machine has said nothing; see {out / 'console.log'}"
    figures = {"kernel": kernel.version, "accelerator": accelerator(), "wall_s": round(time.monotonic() - start_s, 1)}
    return {"ok": failure is None and passed == done["steps"], "failure": failure, **figures, **done}


def _near() -> list[Path]:
    """What the check will load, as far as that can be known: the shared root gives files far too slowly."""
    path = os.pathsep.join(str(TREE / part) for part in ("models", "device", "host", "firmware_tools", "."))
    environ = os.environ | {"PYTHONPATH": path}
    said = subprocess.run(
        [sys.executable, INSIDE, "--list"], env=environ, cwd=TREE, capture_output=True, text=True, check=True
    ).stdout
    data = [each for folder in DATA for each in (TREE / folder).rglob("*") if each.is_file()]
    return list(dict.fromkeys([*(Path(line) for line in said.splitlines()), *data]))


def _show(done: dict[str, Any]) -> None:
    say = sys.stdout.write
    for each in done["results"]:
        say(f"{'ok  ' if each['ok'] else 'FAIL'} {each.get('took_s', '?'):>7} s  {each['step']}\n")
        for key, value in each.get("facts", {}).items():
            say(f"{'':16}{key}: {value}\n")
        if "error" in each:
            say(f"{'':16}{each['error']}\n")
    if done["failure"]:
        say(f"FAIL {done['failure']}\n")
    passed = sum(each["ok"] for each in done["results"])
    say(f"{passed} of {done['steps']} steps; kernel {done['kernel']}, {done['accelerator']}, {done['wall_s']} s\n")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="tests.appliance.vivid", description="The bedside program on the kernel's virtual frame grabber."
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout instead of words")
    parser.add_argument("--out", type=Path, help="folder for what the machine said; by default a temporary one")
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="S", help="seconds until the machine is ended")
    options = parser.parse_args()
    out = (options.out or Path(tempfile.mkdtemp(prefix="barbotage-vivid-"))).resolve()
    try:
        done = check(out, options.within)
    except MissingError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_MISSING
    if options.json:
        sys.stdout.write(json.dumps(done, indent=1) + "\n")
    else:
        _show(done)
    if done["ok"] and options.out is None:
        shutil.rmtree(out)
    elif not done["ok"]:
        sys.stderr.write(f"see {out}/console.log\n")
    return 0 if done["ok"] else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())

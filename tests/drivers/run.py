"""Runs the check of the real USB serial drivers in a virtual machine: python -m tests.drivers.run [--json] [--out DIR] [--within S].

Ends with 0 when every step passed, 1 when one failed, 3 when this computer lacks something (the message says what).
"""

import argparse
import compileall
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.drivers.machine import MissingError, accelerator, boot, fetch_kernel, write_initramfs
from tests.support.sessions import Script, write_session

TREE = Path(__file__).resolve().parents[2]
CACHE = TREE / ".cache" / "drivers"
PACKAGES = ("device/barbotage_device", "host/barbotage_host", "models/barbotage_models", "tests/drivers")
SESSIONS = (Script(frames=32),) * 3
"""2.2 MB each: one to be copied in one go, two to be interrupted."""
TOOLS = (
    "sh",
    "basename",
    "cat",
    "cut",
    "dmesg",
    "env",
    "find",
    "id",
    "ln",
    "mkdir",
    "mount",
    "paste",
    "rm",
    "rmdir",
    "sed",
    "sleep",
    "sort",
)
WITHIN_S = 600.0
"""Two minutes are usual; a computer that is busy with other things takes longer."""
EXIT_FAILED, EXIT_MISSING = 1, 3


def check(out: Path, within_s: float) -> dict[str, Any]:
    """What the steps said; ``ok`` when all passed. Leaves console.log, results.json and what the commands said in ``out``."""
    start_s = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    for name in ("results.json", "console.log"):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "said", ignore_errors=True)
    kernel = fetch_kernel(CACHE)
    fetched_s = time.monotonic() - start_s
    _prepare(out / "prepared")
    _write_serial(out / "say-serial")
    archive = out / "initramfs"
    write_initramfs(archive, kernel, [sys.executable, str(TREE / "tests" / "drivers" / "inside.py")], _near())
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
    figures = {"kernel": kernel.version, "accelerator": accelerator(), "fetch_s": round(fetched_s, 1)}
    figures["wall_s"] = round(time.monotonic() - start_s, 1)
    return {"ok": failure is None and passed == done["steps"], "failure": failure, **figures, **done}


def _prepare(folder: Path) -> None:
    """Writes the sessions, and compiles the sources: the machine is too slow to do either, and cannot write here."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for script in SESSIONS:
        write_session(folder, script)
    for package in PACKAGES:
        compileall.compile_dir(TREE / package, quiet=2)


def _near() -> list[Path]:
    """What the check will load, as far as that can be known: what its programs load here, and the tools of the gadget script."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.drivers.forked"], cwd=TREE, capture_output=True, text=True, check=True
    ).stdout
    tools = [Path(found).resolve() for tool in TOOLS if (found := shutil.which(tool))]
    return [Path(line) for line in said.splitlines()] + tools


def _write_serial(script: Path) -> None:
    """Stands in for 'barbotage-device serial', which would take half a minute in the machine: says what it says here."""
    serial = subprocess.run(
        [Path(sys.executable).with_name("barbotage-device"), "serial"], capture_output=True, text=True, check=True
    )
    script.write_text(f'#!/bin/sh\n[ "$*" = serial ] && echo {serial.stdout.strip()}\n')
    script.chmod(0o755)


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
    parser = argparse.ArgumentParser(prog="tests.drivers.run", description="The link over the kernel's own USB serial drivers.")
    parser.add_argument("--json", action="store_true", help="JSON on stdout instead of words")
    parser.add_argument("--out", type=Path, help="folder for what the machine and the commands said; by default a temporary one")
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="S", help="seconds until the machine is ended")
    options = parser.parse_args()
    out = (options.out or Path(tempfile.mkdtemp(prefix="barbotage-drivers-"))).resolve()
    try:
        done = check(out, options.within)
    except MissingError as error:
        sys.stderr.write(f"error: {error}\n")
        if options.out is None:
            shutil.rmtree(out)
        return EXIT_MISSING
    if options.json:
        sys.stdout.write(json.dumps(done, indent=1) + "\n")
    else:
        _show(done)
    if done["ok"] and options.out is None:
        shutil.rmtree(out)
    elif not done["ok"]:
        sys.stderr.write(f"see {out}/console.log and {out}/said\n")
    return 0 if done["ok"] else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())

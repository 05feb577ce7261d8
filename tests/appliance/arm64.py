"""Runs the device's software on an arm64 Debian under qemu-user: python -m tests.appliance.arm64 [--json] [--out DIR] [--quick].

The root is made of Debian's packages (the ones that device/setup/install asks for), the program and what it needs come as wheels for arm64. Children
cannot be started in it (the kernel does not know arm64 programs), so Qt is tried in the process itself. Ends with 0 when every step
passed, 1 when one failed, 3 when this computer lacks something.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.appliance.debian import Archive, MissingError, unpack

TREE = Path(__file__).resolve().parents[2]
CACHE = TREE / ".cache" / "appliance"
SCRIPT = TREE / "device" / "setup" / "install"
OLDEST = "bookworm"
"""Debian 12: what runs with its C library runs on later ones."""
PYTHON = "3.11"
EMULATOR_RELEASE = "trixie"
"""qemu-user 7.2 of Debian 12 crashes in the network's runtime where /proc is mounted; 10.0 does not."""
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_31_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
"""Of wheels that Debian 12 (glibc 2.36) can load."""
SOURCE_ONLY = ("cobs",)
"""Published as source alone; without a compiler it installs in plain Python."""
PROCESSOR = "cortex-a72"
"""Of the Raspberry Pi 4."""
WITHIN_S = 900.0
"""Emulated, a minute on a Raspberry Pi may take ten."""
NOISE, BLOCK = 3, 3
OUTPUT_LEVELS = 256
"""Of an int8 probability."""
ROUNDED_SHARE_MOST = 0.002
"""Class probabilities that may be one level apart; 0.0003 were, with the first network that was looked at."""
EXIT_FAILED, EXIT_MISSING = 1, 3

Facts = dict[str, Any]


@dataclass
class Bench:
    """The root, and what it is run with."""

    out: Path
    quick: bool
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.out / "root"

    def emulated(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs the root's Python with these arguments; what it says goes to the log, too."""
        settings = {"PYTHONPATH": "/site", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"} | environ  # noqa: S108
        inner = ["chroot", str(self.root), "/qemu", "-cpu", PROCESSOR, "/usr/bin/python3", *arguments]
        mounts = "; ".join(f"mount --rbind /{name} {shlex.quote(str(self.root / name))}" for name in ("proc", "sys", "dev"))
        argv = [
            "unshare",
            "--mount",
            *([] if os.geteuid() == 0 else ["--map-root-user"]),
            "sh",
            "-ec",
            f'{mounts}; exec "$@"',
            "sh",
        ]
        clean = {"PATH": os.environ["PATH"], **settings}
        done = subprocess.run([*argv, *inner], env=clean, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        with (self.out / "said.log").open("a") as log:
            log.write(f"$ python3 {' '.join(arguments)}\n{done.stdout}{done.stderr}\n(ended with {done.returncode})\n\n")
        return done

    def device(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command barbotage-device."""
        return self.emulated("-c", "from barbotage_device.cli import main; main()", *arguments)


def root_is_made_of_debians_packages(bench: Bench) -> Facts:
    """The packages that the installer asks for, and qemu beside them."""
    packages = ["python3", *(name for name in installed_packages() if name != "python3-venv")]
    debs = Archive(CACHE, OLDEST, "arm64").fetch(packages)
    emulator = Archive(CACHE, EMULATOR_RELEASE, "amd64").fetch_alone("qemu-user")
    shutil.rmtree(bench.root, ignore_errors=True)
    # Links to the files of a copy that is kept: nothing changes them.
    run("cp", "-a", "--link", str(unpacked(debs, emulator)), str(bench.root))
    said = bench.emulated("-c", "import platform; print(platform.machine(), platform.python_version())")
    assert said.stdout.startswith("aarch64 3."), last_line(said)
    return {"packages": len(debs), "python": said.stdout.strip(), "emulator": emulator.name.split("_")[1].replace("%3a", ":")}


def unpacked(debs: list[Path], emulator: Path) -> Path:
    """The root of these packages, from the cache if it is there."""
    key = hashlib.sha256("".join(path.name for path in [*debs, emulator]).encode()).hexdigest()[:12]
    kept = CACHE / f"root-{key}"
    if not kept.exists():
        for old in CACHE.glob("root-*"):
            shutil.rmtree(old)
        new = CACHE / "new-root"
        shutil.rmtree(new, ignore_errors=True)
        unpack(debs, new)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            run("dpkg-deb", "-x", str(emulator), folder)
            shutil.copy(Path(folder) / "usr" / "bin" / "qemu-aarch64", new / "qemu")
        new.rename(kept)
    return kept


def program_installs_from_wheels_alone(bench: Bench) -> Facts:
    """Everything that [device,screen] needs exists as a wheel that Debian 12 can load, in the pinned versions."""
    wheels, site = bench.out / "wheels", bench.root / "site"
    shutil.rmtree(wheels, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(TREE))
    (wheel,) = wheels.glob("barbotage-*.whl")
    pinned = ["-c", str(TREE / "constraints.txt")]
    for (
        name
    ) in SOURCE_ONLY:  # as pip does on a computer without a compiler; --no-cache-dir: not the one that was compiled for this one
        options = ["--no-deps", "--no-cache-dir", "--no-binary", name, *pinned, "--wheel-dir", str(wheels)]
        run(*pip, "wheel", *options, name, CC="/bin/false")
    only = [
        "--only-binary=:all:",
        "--python-version",
        PYTHON,
        "--implementation",
        "cp",
        *(f"--platform={each}" for each in PLATFORMS),
    ]
    run(*pip, "install", *only, *pinned, "--find-links", str(wheels), "--target", str(site), f"{wheel}[device,screen]")
    found = [path for path in site.rglob("*.so*") if path.is_file()]
    return {"distributions": len(list(site.glob("*.dist-info"))), "libraries": len(found), "mb": round(size_bytes(site) / 1e6)}


def model_gives_the_same(bench: Bench) -> Facts:
    """The shipped int8 network, by the product's own interpreter and by reference kernels, on the same pictures here and there."""
    folder = bench.root / "tmp"
    shutil.copy(Path(__file__).with_name("model_bytes.py"), folder)
    np.savez(folder / "pictures.npz", **pictures())  # type: ignore[arg-type]
    there = bench.emulated("/tmp/model_bytes.py", "/tmp/pictures.npz", "/tmp/there.npz")  # noqa: S108
    assert there.returncode == 0, last_line(there)
    path = os.pathsep.join(str(TREE / part) for part in ("models", "device"))
    names = ("model_bytes.py", "pictures.npz", "here.npz")
    own = run(sys.executable, *(str(folder / name) for name in names), PYTHONPATH=path)
    here, other = json.loads(own.stdout), json.loads(there.stdout)
    assert other["machine"] == "aarch64", other
    with np.load(folder / "here.npz") as ours, np.load(folder / "there.npz") as theirs:
        facts = compared(dict(ours), dict(theirs))
    return facts | {"network": other["network"], "here": here["machine"], "there": other["machine"]}


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Facts:
    """Everything must be the same bytes but the class probabilities of the fast kernels, whose softmax may round to the next level."""
    levels, values = 0, 0
    for name, one in ours.items():
        if not name.endswith("/classes"):
            assert one.tobytes() == theirs[name].tobytes(), f"{name} differs"
            continue
        away = np.rint(np.abs(one.astype(np.float64) - theirs[name]) * OUTPUT_LEVELS)
        assert away.max() <= 1, f"{name} differs by {away.max():.0f} levels"
        levels, values = levels + int(np.count_nonzero(away)), values + away.size
    share = levels / values
    assert share <= ROUNDED_SHARE_MOST, f"{100 * share:.2f} % of the class probabilities are rounded otherwise"
    assert len({one.tobytes() for name, one in ours.items() if name.endswith("/classes")}) > 1, "the pictures do not differ"
    return {"same_bytes": len(ours) - NOISE - BLOCK, "class_probabilities": values, "next_level": levels}


def help_and_version_answer(bench: Bench) -> Facts:
    """The command line."""
    start_s = time.monotonic()
    told, version = bench.device("--help"), bench.device("--version")
    assert told.returncode == 0, last_line(told)
    assert "run" in told.stdout
    assert version.stdout.startswith("barbotage-device "), last_line(version)
    return {"version": version.stdout.strip(), "took_s": round(time.monotonic() - start_s, 1)}


def qt_starts_and_its_screens_load(bench: Bench) -> Facts:
    """A window offscreen, and that the plug-ins for a bare screen find every library that they need."""
    script = (
        "import ctypes, pathlib, PySide6\n"
        "from PySide6.QtGui import QGuiApplication, QRasterWindow\n"
        "application = QGuiApplication([])\n"
        "window = QRasterWindow(); window.show(); application.processEvents()\n"
        "folder = pathlib.Path(PySide6.__file__).parent / 'Qt' / 'plugins'\n"
        "for name in ('platforms/libqlinuxfb.so', 'platforms/libqeglfs.so', 'generic/libqevdevtouchplugin.so'):\n"
        "    ctypes.CDLL(str(folder / name)); print(name)\n"
    )
    done = bench.emulated("-c", script, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, last_line(done)
    return {"loaded": done.stdout.split()}


def a_run_ends_with_a_whole_session(bench: Bench) -> Facts:
    """The bedside program without a screen on simulated frames, recorded, and its session verified."""
    frames = 5 if bench.quick else 20
    done = bench.device("run", "--source", "sim", "--headless", "--frames", str(frames), "--record", "/tmp/sessions", "--json")  # noqa: S108
    assert done.returncode == 0, last_line(done)
    summary = next(one for line in done.stdout.splitlines() if (one := json.loads(line)).get("event") == "summary")
    assert (summary["frames"], summary["model_errors"]) == (frames, 0), summary
    verified = bench.device("sessions", "verify", "/tmp/sessions")  # noqa: S108
    assert verified.returncode == 0, last_line(verified)
    first = re.search(r"first frame ([0-9.]+) s", done.stderr)
    return {"frames": frames, "first_frame_s_emulated": first[1] if first else None, "verified": last_line(verified)}


def check_finds_it_fit(bench: Bench) -> Facts:
    """barbotage-device check; that it is slower than the budget says nothing here, as the processor is emulated."""
    if bench.quick:
        return {"skipped": "--quick"}
    done = bench.device("check", "--json")
    checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    failed = {name: each["detail"] for name, each in checks.items() if each["verdict"] == "fail"}
    assert set(failed) <= {"ms per stage, p95/budget"}, failed
    return {"checks": len(checks), "too_slow_when_emulated": bool(failed), "parts": checks["parts"]["detail"]}


STEPS: tuple[Callable[[Bench], Facts], ...] = (
    root_is_made_of_debians_packages,
    program_installs_from_wheels_alone,
    model_gives_the_same,
    help_and_version_answer,
    qt_starts_and_its_screens_load,
    a_run_ends_with_a_whole_session,
    check_finds_it_fit,
)


def installed_packages() -> list[str]:
    """The Debian packages that the installer asks for."""
    found = re.search(r'^PACKAGES="([^"]+)"', SCRIPT.read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def pictures() -> dict[str, "np.ndarray[Any, np.dtype[np.uint8]]"]:
    """Fixed pictures, in whole numbers from the start: noise, and noise with a bright block and a bright line."""
    noise = np.random.default_rng(7)
    found = {f"noise-{n}": noise.integers(0, 256, (400 + 37 * n, 500), dtype=np.uint8) for n in range(NOISE)}
    for n in range(BLOCK):
        picture = noise.integers(10, 60 + 20 * n, (480, 640), dtype=np.uint8)
        picture[200 + 20 * n : 240 + 20 * n, 300:410] = 235
        for column in range(20, 280):
            picture[100 + column // 3 : 104 + column // 3, column] = 220
        found[f"block-{n}"] = picture
    return found


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command of this computer that must succeed."""
    done = subprocess.run(argv, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, last_line(done)
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said at the end."""
    lines = [line for line in (done.stderr + "\n" + done.stdout).strip().splitlines() if line.strip()]
    return f"ended with {done.returncode}: {lines[-1] if lines else 'nothing was said'}"


def size_bytes(folder: Path) -> int:
    """Of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check(bench: Bench, say: Callable[[str], None]) -> list[Facts]:
    """What the steps said, in order; the first that fails ends the check."""
    results: list[Facts] = []
    for step in STEPS:
        start_s = time.monotonic()
        result: Facts = {"step": step.__name__.replace("_", " "), "ok": False}
        try:
            result["facts"], result["ok"] = step(bench), True
        except (AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            result["error"] = f"{type(error).__name__}: {error}"
        result["took_s"] = round(time.monotonic() - start_s, 1)
        results.append(result)
        say(f"{'ok  ' if result['ok'] else 'FAIL'} {result['took_s']:>7} s  {result['step']}")
        for key, value in result.get("facts", {}).items():
            say(f"{'':16}{key}: {value}")
        if not result["ok"]:
            say(f"{'':16}{result['error']}")
            break
    return results


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="tests.appliance.arm64", description="The device's software on an arm64 Debian under qemu-user."
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout; the steps as they end on stderr")
    parser.add_argument("--out", type=Path, help="folder for the root and the log; by default a temporary one")
    parser.add_argument("--quick", action="store_true", help="fewer frames, and without 'barbotage-device check'")
    options = parser.parse_args()
    out = (options.out or Path(tempfile.mkdtemp(prefix="barbotage-arm64-"))).resolve()
    out.mkdir(parents=True, exist_ok=True)
    start_s = time.monotonic()
    stream = sys.stderr if options.json else sys.stdout
    try:
        results = check(Bench(out, options.quick), lambda line: print(line, file=stream, flush=True))
    except MissingError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_MISSING
    ok = len(results) == len(STEPS) and all(each["ok"] for each in results)
    passed = sum(each["ok"] for each in results)
    if options.json:
        sys.stdout.write(json.dumps({"ok": ok, "steps": len(STEPS), "results": results}, indent=1) + "\n")
    else:
        sys.stdout.write(f"{passed} of {len(STEPS)} steps, {time.monotonic() - start_s:.0f} s\n")
    if ok and options.out is None:
        shutil.rmtree(out)
    elif not ok:
        sys.stderr.write(f"see {out}/said.log\n")
    return 0 if ok else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())

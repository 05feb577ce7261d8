"""A virtual machine with the distribution's own kernel: fetched, cut down to the modules that are needed, booted on this computer's root, read-only."""

import hashlib
import itertools
import lzma
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "configfs", "dummy_hcd", "usb_f_acm", "cdc_acm")
"""What the check needs beside what is in the kernel; what these depend on is found in them."""
MEMORY_MB = 1536
"""The archive is in it twice while it is unpacked."""
CORES = 2
INIT = """\
#!/bin/busybox sh
busybox mkdir -p /bin /proc /sys /dev /near /lower /upper /new
busybox mount -t proc proc /proc
busybox --install -s /bin
export PATH=/bin
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module || echo "cannot load $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 root /lower
mount -t tmpfs -o size=80% upper /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/near:/lower,upperdir=/upper/data,workdir=/upper/work root /new
for each in proc sys dev; do mount --move /$each /new/$each; done
mount -t tmpfs run /new/run
mkdir -p /new/tmp/out
mount -t 9p -o trans=virtio,version=9p2000.L out /new/tmp/out
chroot /new /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1 {command}
sync
poweroff -f
"""


class MissingError(Exception):
    """Something that this computer lacks; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and its modules, in the order in which they go in."""

    version: str
    image: Path
    modules: tuple[Path, ...]
    busybox: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive."""

    name: str
    mode: int
    data: bytes
    mtime_s: int = 0


def fetch_kernel(cache: Path, modules: Sequence[str] = MODULES) -> Kernel:
    """The distribution's current kernel with ``modules``, and busybox, by apt, kept in ``cache``; nothing is installed. Raises MissingError."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise MissingError(f"{tool} is needed: this check runs on Debian and its kin, on x86-64")
    package = _kernel_package()
    name = _file_of(package).removesuffix(".deb")
    folder = cache / f"{name}-{hashlib.sha256(' '.join(modules).encode()).hexdigest()[:8]}"
    if not folder.exists():
        _unpack(package, folder, modules)
    version = re.sub(r"^linux-image-|_.*$", "", name)
    return Kernel(version, folder / "vmlinuz", tuple(sorted((folder / "modules").iterdir())), folder / "busybox")


def write_initramfs(archive: Path, kernel: Kernel, command: Sequence[str], near: Iterable[Path]) -> None:
    """Writes an archive from which the kernel starts: it loads the modules and runs ``command`` on this computer's root.

    The files ``near`` are in the archive too: the shared root gives them far too slowly, 4 KiB at a time.
    """
    script = INIT.format(command=shlex.join(command)).encode()
    entries = [Entry("init", 0o755, script), Entry("bin/busybox", 0o755, kernel.busybox.read_bytes())]
    entries += [Entry(f"modules/{path.name}", 0o644, path.read_bytes()) for path in kernel.modules]
    with archive.open("wb") as out:
        _write_cpio(out, itertools.chain(entries, (_near(path) for path in near)))


def boot(kernel: Kernel, archive: Path, out: Path, within_s: float) -> None:
    """Runs the machine until it powers off. ``out`` is its /tmp/out; the console goes to ``out``/console.log. Raises MissingError, TimeoutError."""
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        raise MissingError("qemu-system-x86_64 is needed: sudo apt-get install --no-install-recommends qemu-system-x86")
    argv = [qemu, "-accel", accelerator(), "-cpu", "max", "-smp", str(CORES), "-m", str(MEMORY_MB), "-no-reboot", "-nodefaults"]
    argv += ["-display", "none", "-serial", f"file:{out / 'console.log'}", "-kernel", str(kernel.image), "-initrd", str(archive)]
    # no_timer_check: on a computer so busy that the emulated timer stands still for a while, the kernel would take it for broken and panic.
    argv += ["-append", "console=ttyS0 panic=-1 quiet no_timer_check"]
    argv += ["-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"]
    argv += ["-virtfs", f"local,path={out},mount_tag=out,security_model=none"]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"the machine did not end within {within_s:.0f} s; see {out / 'console.log'}") from error
    if done.returncode:
        raise MissingError(f"qemu ended with {done.returncode}: {done.stderr.strip()}")


def accelerator() -> str:
    """KVM where the processor can, else emulation. A /dev/kvm alone proves nothing: without vmx or svm guests hang."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if os.access("/dev/kvm", os.R_OK | os.W_OK) and re.search(r"\b(vmx|svm)\b", flags):
        return "kvm"
    return "tcg,thread=multi"


def _kernel_package() -> str:
    said = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: (linux-image-\S+)", said)
    if found is None:
        raise MissingError("apt knows no linux-image-amd64: run 'sudo apt-get update' (this check runs on Debian, on x86-64)")
    return found[1]


def _file_of(package: str) -> str:
    """The file that apt would download, with its version in it."""
    said = subprocess.run(["apt-get", "download", "--print-uris", package], capture_output=True, text=True, check=False)
    found = re.search(r"^'\S+' (\S+\.deb) ", said.stdout, re.MULTILINE)
    if found is None:
        raise MissingError(f"apt cannot say where {package} is: run 'sudo apt-get update'")
    return found[1]


def _unpack(package: str, folder: Path, modules: Sequence[str]) -> None:
    """Puts into ``folder`` what the machine needs of two packages."""
    work = folder.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    got = subprocess.run(
        ["apt-get", "download", "-q", package, "busybox-static"], cwd=work, capture_output=True, text=True, check=False
    )
    if got.returncode:
        raise MissingError(f"{package} and busybox-static cannot be fetched: {got.stderr.strip()}; run 'sudo apt-get update'")
    for deb in list(work.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, work / "root"], check=True)
        deb.unlink()
    root = work / "root"
    shutil.copy(next(iter([*root.glob("bin/busybox"), *root.glob("usr/bin/busybox")])), work / "busybox")
    shutil.copy(next(root.glob("boot/vmlinuz-*")), work / "vmlinuz")
    _copy_modules({_module_name(path): path for path in root.rglob("*.ko*")}, work / "modules", modules)
    shutil.rmtree(root)
    work.rename(folder)


def _copy_modules(there: dict[str, Path], folder: Path, modules: Sequence[str]) -> None:
    """The wanted modules and those that they need, uncompressed, numbered in the order of loading."""
    folder.mkdir()
    ordered: list[str] = []

    def add(name: str) -> None:
        if name in ordered or name not in there:  # what is not there is in the kernel itself
            return
        for needed in _needs(_module(there[name])):
            add(needed)
        ordered.append(name)

    for name in modules:
        add(name)
    for index, name in enumerate(ordered):
        (folder / f"{index:02d}-{name}.ko").write_bytes(_module(there[name]))


def _module_name(path: Path) -> str:
    return path.name.split(".ko")[0].replace("-", "_")


def _module(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _needs(module: bytes) -> list[str]:
    """What a module's own information says it depends on."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else []


def _near(path: Path) -> Entry:
    status = path.stat()  # Python compares the time of a source with the one that its compiled form remembers
    return Entry(f"near{path}", status.st_mode & 0o777, path.read_bytes(), int(status.st_mtime))


def _write_cpio(out: BinaryIO, entries: Iterable[Entry]) -> None:
    """The "newc" format of cpio, which the kernel reads (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    folders: set[str] = set()
    for entry in entries:
        for folder in reversed(Path(entry.name).parents[:-1]):
            if str(folder) not in folders:
                folders.add(str(folder))
                _write_entry(out, Entry(str(folder), 0, b""), 0o040755)
        _write_entry(out, entry, 0o100000 | entry.mode)
    _write_entry(out, Entry("TRAILER!!!", 0, b""), 0)


def _write_entry(out: BinaryIO, entry: Entry, mode: int) -> None:
    name = entry.name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, entry.mtime_s, len(entry.data), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name
    for part in (header, entry.data):
        out.write(part + bytes(-len(part) % 4))

"""The peers of the link benchmark: lrzsz, C-Kermit and smpclient, each fetching a file over a given cable."""

import asyncio
import importlib.util
import os
import shutil
import struct
import subprocess
import sys
import time
import tty
from pathlib import Path
from typing import Protocol

import cbor2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.cable import Cable

START_S = 1.0
"""The receiver is let start first, unmeasured."""
POLL_S = 0.02
END_S = 2.0
"""A peer's time ends when the file has its size: rz then often waits 30 s more for a farewell that sz has flushed away, which is not counted."""
SMP_HEADER = struct.Struct(">BBHHBB")
SMP_BUFFER_BYTES = 65_000
"""The largest that SMP's 16-bit length allows: its best case, since it waits for each answer."""
SMP_FRAME_BYTES = SMP_BUFFER_BYTES - 64
SMP_GROUP_OS, SMP_GROUP_FS = 0, 8
SMP_PARAMETERS, SMP_FILE = 6, 0


class Peer(Protocol):
    """A program that moves a file from end b of a cable to end a."""

    def present(self) -> bool:
        """Whether it is installed."""
        ...

    def fetch(self, cable: Cable, baud: int, path: Path, folder: Path, limit_s: float) -> float | None:
        """The seconds that it took; None when it failed, took longer than ``limit_s``, or damaged the file."""
        ...


def _raw(name: str) -> int:
    descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)
    return descriptor


def _run_both(
    device: list[str], host: list[str], ends: tuple[int, int] | None, arrived: Path, size_bytes: int, limit_s: float
) -> float | None:
    """Seconds until ``arrived`` has its size; both programs run on descriptors as their standard streams, or on ports that they open themselves."""
    at_host, at_device = ends or (subprocess.DEVNULL, subprocess.DEVNULL)
    receiver = subprocess.Popen(host, cwd=arrived.parent, stdin=at_host, stdout=at_host, stderr=subprocess.DEVNULL)
    time.sleep(START_S)
    started_s = time.monotonic()
    sender = subprocess.Popen(device, stdin=at_device, stdout=at_device, stderr=subprocess.DEVNULL)
    try:
        while time.monotonic() - started_s < limit_s:
            if arrived.is_file() and arrived.stat().st_size == size_bytes:
                return time.monotonic() - started_s
            if receiver.poll() is not None:
                return None
            time.sleep(POLL_S)
        return None
    finally:
        try:
            receiver.wait(END_S)
        except subprocess.TimeoutExpired:
            receiver.kill()
        for process in (receiver, sender):
            process.kill()
            process.wait()


def _same(path: Path, arrived: Path) -> bool:
    return arrived.is_file() and arrived.read_bytes() == path.read_bytes()


class Lrzsz:
    """ZMODEM by lrzsz: ``sz`` at the device, ``rz`` at the host."""

    def present(self) -> bool:
        """As in Peer."""
        return shutil.which("sz") is not None and shutil.which("rz") is not None

    def fetch(self, cable: Cable, baud: int, path: Path, folder: Path, limit_s: float) -> float | None:  # noqa: ARG002
        """As in Peer."""
        where = folder / "lrzsz"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        arrived = where / path.name
        ends = (_raw(cable.a), _raw(cable.b))
        try:
            took_s = _run_both(
                ["sz", "-q", "-b", str(path)], ["rz", "-q", "-b", "-y"], ends, arrived, path.stat().st_size, limit_s
            )
        finally:
            for end in ends:
                os.close(end)
        return took_s if _same(path, arrived) else None


class Kermit:
    """C-Kermit with its fast settings."""

    def present(self) -> bool:
        """As in Peer."""
        return shutil.which("kermit") is not None

    def fetch(self, cable: Cable, baud: int, path: Path, folder: Path, limit_s: float) -> float | None:
        """As in Peer."""
        where = folder / "kermit"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()

        def argv(port: str, action: str) -> list[str]:
            commands = [
                "set quiet on", "set carrier-watch off", f"set line {os.path.realpath(port)}", f"set speed {baud or 3_000_000}", "set flow none",
                "set file type binary", "fast", "set prefixing minimal", "set transfer display none", action, "exit",
            ]  # fmt: skip
            return ["kermit", "-Y", "-C", ", ".join(commands)]

        took_s = _run_both(
            argv(cable.b, f"send {path}"), argv(cable.a, "receive"), None, where / path.name, path.stat().st_size, limit_s
        )
        return took_s if _same(path, where / path.name) else None


class Smp:
    """smpclient's file download in its fastest mode (raw serial, the largest buffer), against a server of ours that answers at once."""

    def present(self) -> bool:
        """As in Peer."""
        return importlib.util.find_spec("smpclient") is not None and importlib.util.find_spec("serial") is not None

    def fetch(self, cable: Cable, baud: int, path: Path, folder: Path, limit_s: float) -> float | None:
        """As in Peer."""
        arrived = folder / "smp.bin"
        arrived.unlink(missing_ok=True)
        server = subprocess.Popen([sys.executable, __file__, "serve", cable.b, str(path)])
        try:
            argv = [sys.executable, __file__, "fetch", cable.a, str(baud), str(arrived)]
            done = subprocess.run(
                argv, timeout=limit_s, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        finally:
            server.kill()
            server.wait()
        return float(done.stdout) if done.returncode == 0 and _same(path, arrived) else None


PEERS: dict[str, Peer] = {"lrzsz": Lrzsz(), "ckermit": Kermit(), "smpclient": Smp()}


def serve_smp(port: str, path: Path) -> None:
    """A server for SMP over raw serial: parameters and file download, nothing else."""
    data, descriptor = path.read_bytes(), _raw(port)
    pending = bytearray()
    while True:
        pending += os.read(descriptor, 65536)
        while len(pending) >= SMP_HEADER.size:
            operation, _flags, length, group, sequence, command = SMP_HEADER.unpack_from(pending)
            end = SMP_HEADER.size + length
            if len(pending) < end:
                break
            asked = cbor2.loads(bytes(pending[SMP_HEADER.size : end]))
            del pending[:end]
            answer = cbor2.dumps(_smp_answer(group, command, asked, data))
            left = memoryview(SMP_HEADER.pack(operation + 1, 0, len(answer), group, sequence, command) + answer)
            while left:
                left = left[os.write(descriptor, left) :]


def _smp_answer(group: int, command: int, asked: dict[str, int], data: bytes) -> dict[str, object]:
    if (group, command) == (SMP_GROUP_OS, SMP_PARAMETERS):
        return {"buf_size": SMP_BUFFER_BYTES, "buf_count": 1}
    if (group, command) == (SMP_GROUP_FS, SMP_FILE):
        offset = asked["off"]
        answer: dict[str, object] = {"off": offset, "data": data[offset : offset + SMP_FRAME_BYTES]}
        return answer | ({"len": len(data)} if offset == 0 else {})
    return {"rc": 8}


async def fetch_smp(port: str, baud: int, arrived: Path) -> float:
    """Downloads by smpclient; the seconds that it took."""
    from smpclient import SMPClient
    from smpclient.transport.serial import SMPSerialRawTransport

    transport = SMPSerialRawTransport(mtu=SMP_BUFFER_BYTES, baudrate=baud or 3_000_000)
    client = SMPClient(transport, port)
    await client.connect()
    started_s = time.monotonic()
    data = await client.download_file("file", timeout_s=60.0)
    took_s = time.monotonic() - started_s
    arrived.write_bytes(data)
    await client.disconnect()
    return took_s


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve_smp(sys.argv[2], Path(sys.argv[3]))
    else:
        print(asyncio.run(fetch_smp(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))

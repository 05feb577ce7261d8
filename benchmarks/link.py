"""Our link against lrzsz, C-Kermit and smpclient over the same emulated cable, in the same run.

Each row is one line (rate, errors, adapter timer); each column a program that fetches an incompressible file over it. Ours is authenticated and sealed, as
always. The figure is file bytes a second over a tenth of the baud rate; without a rate, MB/s. Both ends of ours run in processes of their own,
as the peers do; every file is compared with the original. Peers that are not installed are left out and named: lrzsz and C-Kermit are Debian
packages (lrzsz, ckermit), smpclient comes from PyPI. Another busy process slows every column: the load average is in the result.

    python benchmarks/link.py [--quick] [--json]          # the last line with --json is one JSON object
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.link_peers import PEERS, Peer  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: E402
from tests.support.cable import Cable  # noqa: E402

from barbotage_device.link.bulk_receiver import LineRate  # noqa: E402
from barbotage_device.link.client import LinkClient, RemoteFile  # noqa: E402
from barbotage_device.link.device_end import DeviceEnd, DeviceIdentity  # noqa: E402
from barbotage_device.link.errors import LinkLostError  # noqa: E402
from barbotage_device.link.host_end import HostEnd, HostIdentity  # noqa: E402
from barbotage_device.link.intervals import Intervals  # noqa: E402
from barbotage_device.link.messages import Telemetry  # noqa: E402
from barbotage_device.link.methods import Caller, Methods  # noqa: E402
from barbotage_device.link.noise import public_key  # noqa: E402
from barbotage_device.link.pairing import PairingDesk  # noqa: E402
from barbotage_device.link.pump import Pump  # noqa: E402
from barbotage_device.link.roles import Role  # noqa: E402
from barbotage_device.link.transport import TtyTransport  # noqa: E402

TELEMETRY_HZ = 30
TELEMETRY_BYTES = 200
TELEMETRY_P99_MS = 20.0
USB_MB_PER_S = 30.0
BEHIND_BEST = 0.02
HANDLE = 1
HOST_KEY, DEVICE_KEY = (X25519PrivateKey.from_private_bytes(bytes((n,)) * 32) for n in (1, 2))


@dataclass(frozen=True)
class Case:
    """One line. ``target``: the least fraction (MB/s without a rate) for ours; ``noisy``: ours must be above every peer."""

    name: str
    line: dict[str, float]
    mb: float
    target: float
    peers: tuple[str, ...] = ()
    noisy: bool = False
    telemetry: bool = False

    @property
    def baud(self) -> int:
        """0 without a rate."""
        return int(self.line.get("baud", 0))


ALL = ("lrzsz", "ckermit", "smpclient")
FULL = (
    Case("921600", {"baud": 921_600}, 4, 0.97, ALL),
    Case("3M", {"baud": 3_000_000}, 12, 0.97, ALL),
    Case("921600, 1e-6", {"baud": 921_600, "ber": 1e-6}, 4, 0.95, ALL, noisy=True),
    Case("921600, 1e-5", {"baud": 921_600, "ber": 1e-5}, 4, 0.88, ALL, noisy=True),
    Case("3M, 1e-6", {"baud": 3_000_000, "ber": 1e-6}, 12, 0.95, ("lrzsz", "ckermit"), noisy=True),
    Case("3M, 1e-5", {"baud": 3_000_000, "ber": 1e-5}, 12, 0.88, ("lrzsz", "ckermit"), noisy=True),
    Case("921600, timer 16 ms", {"baud": 921_600, "timer_ms": 16}, 4, 0.95, ("lrzsz", "smpclient")),
    Case("921600, telemetry", {"baud": 921_600}, 4, 0.0, (), telemetry=True),
    Case("unthrottled", {}, 400, USB_MB_PER_S, ("lrzsz", "smpclient")),
)
QUICK = (
    Case("921600", {"baud": 921_600}, 0.6, 0.97, ("lrzsz",)),
    Case("3M", {"baud": 3_000_000}, 1.5, 0.97),
    Case("3M, 1e-6", {"baud": 3_000_000, "ber": 1e-6}, 1.5, 0.95),
    Case("921600, 1e-5", {"baud": 921_600, "ber": 1e-5}, 0.6, 0.88, ("lrzsz",), noisy=True),
    Case("921600, telemetry", {"baud": 921_600}, 0.6, 0.0, (), telemetry=True),
    Case("unthrottled", {}, 60, USB_MB_PER_S),
)


@dataclass
class Row:
    """What one line gave. Fractions of the line rate, or MB/s without a rate; None: the program failed or damaged the file."""

    name: str
    ours: float
    target: float
    peers: dict[str, float | None] = field(default_factory=dict)
    telemetry_p50_ms: float | None = None
    telemetry_p99_ms: float | None = None
    mended: int = 0
    missed: int = 0
    cpu_s_per_mb: tuple[float, float] | None = None
    damaged: bool = False
    failures: list[str] = field(default_factory=list)


class _Hosts(dict[bytes, Caller]):
    def find(self, key: bytes) -> Caller | None:
        return self.get(key)

    def add(self, key: bytes, name: str, role: Role) -> None:
        self[key] = Caller(role, key, name)


class _NoScreen:
    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:  # noqa: ARG002
        raise AssertionError("nobody pairs here")

    def hide_code(self, paired: bool) -> None:
        raise AssertionError(f"nobody pairs here ({paired})")


class _File:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


def serve(port: str, baud: int, path: Path, telemetry: bool) -> None:
    """The device's end, in a process of its own, until the port is gone."""
    hosts = _Hosts()
    hosts.add(public_key(HOST_KEY), "benchmark", Role.SERVICE)
    identity = DeviceIdentity(DEVICE_KEY, "benchmark", "1", "0", os.urandom(8))
    end = DeviceEnd(identity, hosts, PairingDesk(_NoScreen()), Methods(), LineRate.of_baud(baud), os.urandom)
    end.sender.offer(HANDLE, _File(path))
    pump = Pump(end, TtyTransport(port), time.monotonic)
    due_s = time.monotonic()
    with contextlib.suppress(LinkLostError):
        while True:
            pump.step(due_s if telemetry else time.monotonic() + 1.0)
            now_s = time.monotonic()
            if telemetry and now_s >= due_s:
                due_s = max(due_s + 1 / TELEMETRY_HZ, now_s)
                end.subscribe(("guidance",), TELEMETRY_HZ)
                end.telemetry(Telemetry("guidance", time.monotonic_ns(), bytes(TELEMETRY_BYTES)), now_s)
    times = os.times()
    print(json.dumps({"cpu_s": times.user + times.system}))


def measure_ours(case: Case, path: Path) -> Row:
    """Fetches the file by our link."""
    data = path.read_bytes()
    row = Row(case.name, 0.0, case.target)
    with Cable(**case.line) as cable:
        argv = [sys.executable, __file__, "--serve", cable.b, "--baud", str(case.baud), "--file", str(path)]
        device = subprocess.Popen(argv + ["--telemetry"] * case.telemetry, stdout=subprocess.PIPE, text=True)
        end = HostEnd(HostIdentity(HOST_KEY, "0"), LineRate.of_baud(case.baud), os.urandom)
        client = LinkClient(end, TtyTransport(cable.a), time.monotonic)
        client.connect(public_key(DEVICE_KEY))
        took_s, arrived, ages_ms, cpu_s = _fetch(client, end, data)
        row.ours = len(data) / took_s / (case.baud / 10 if case.baud else 1e6)
        row.mended, row.missed = end.counts()["mended"], end.counts()["missed"]
        client.close()
        cable.cut("hangup")
        device_cpu_s = json.loads(device.communicate(timeout=20)[0])["cpu_s"]
    megabytes = len(data) / 1e6
    row.cpu_s_per_mb = (round(cpu_s / megabytes, 4), round(device_cpu_s / megabytes, 4))
    row.damaged = arrived != data
    if row.damaged:
        row.failures.append("the file is damaged")
    if row.ours < case.target:
        row.failures.append(f"ours is below {case.target}")
    if case.telemetry:
        _judge_telemetry(row, ages_ms, took_s)
    return row


def _fetch(client: LinkClient, end: HostEnd, data: bytes) -> tuple[float, bytearray, list[float], float]:
    arrived = bytearray(len(data))
    ages_ms: list[float] = []

    def timed(message: Telemetry) -> None:
        ages_ms.append((time.monotonic_ns() - message.t_ns) / 1e6)

    end.on_telemetry = timed

    def sink(offset: int, piece: bytes) -> None:
        arrived[offset : offset + len(piece)] = piece

    start = os.times()
    started_s = time.monotonic()
    for _ in client.fetch(RemoteFile(HANDLE, len(data), ""), Intervals([(0, len(data))]), sink):
        pass
    took_s = time.monotonic() - started_s
    now = os.times()
    return took_s, arrived, ages_ms, now.user + now.system - start.user - start.system


def _judge_telemetry(row: Row, ages_ms: list[float], took_s: float) -> None:
    ordered = sorted(ages_ms)
    row.telemetry_p50_ms = round(ordered[len(ordered) // 2], 1)
    row.telemetry_p99_ms = round(ordered[int(len(ordered) * 0.99)], 1)
    if row.telemetry_p99_ms > TELEMETRY_P99_MS:
        row.failures.append(f"telemetry is older than {TELEMETRY_P99_MS:.0f} ms")
    if len(ordered) < 0.95 * TELEMETRY_HZ * took_s:
        row.failures.append(f"only {len(ordered)} of {TELEMETRY_HZ * took_s:.0f} telemetry messages came")


def measure_peer(peer: Peer, case: Case, path: Path, folder: Path) -> float | None:
    """Fetches the file by a peer; None when it fails."""
    limit_s = 60 + 6 * case.mb * 1e6 / (case.baud / 10 if case.baud else 1e6)
    with Cable(**case.line) as cable:
        took_s = peer.fetch(cable, case.baud, path, folder, limit_s)
    return None if took_s is None else case.mb * 1e6 / took_s / (case.baud / 10 if case.baud else 1e6)


def run(cases: Sequence[Case], say: Any) -> tuple[list[Row], list[str]]:
    """Every case with ours and the peers, one after the other."""
    absent = [name for name, peer in PEERS.items() if not peer.present()]
    rows = []
    with TemporaryDirectory(prefix="link-") as folder:
        for case in cases:
            path = Path(folder, "file.bin")
            _write_noise(path, int(case.mb * 1e6), case.name)
            say(f"{case.name}: ours")
            row = measure_ours(case, path)
            for name in case.peers:
                if name not in absent:
                    say(f"{case.name}: {name}")
                    row.peers[name] = measure_peer(PEERS[name], case, path, Path(folder))
            best = max((value for value in row.peers.values() if value is not None), default=0.0)
            if case.noisy and row.ours <= best:
                row.failures.append("a peer is faster on this noisy line")
            if not case.noisy and case.baud and row.ours < best - BEHIND_BEST:
                row.failures.append(f"more than {BEHIND_BEST} behind the best peer")
            rows.append(row)
            say(table([row]))
    return rows, absent


def _write_noise(path: Path, count_bytes: int, seed: str) -> None:
    rng = random.Random(seed)
    with path.open("wb") as file:
        for offset in range(0, count_bytes, 1 << 20):
            file.write(rng.randbytes(min(1 << 20, count_bytes - offset)))


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    names = sorted({name for row in rows for name in row.peers}, key=ALL.index)
    lines = [f"{'line':22}{'ours':>8}{'target':>8}" + "".join(f"{name:>11}" for name in names) + "   remarks"]
    for row in rows:
        cells = "".join(f"{_cell(row.peers[name]) if name in row.peers else '':>11}" for name in names)
        remarks = [f"telemetry p50 {row.telemetry_p50_ms} p99 {row.telemetry_p99_ms} ms"] if row.telemetry_p99_ms else []
        remarks += [f"{row.mended} mended, {row.missed} missed"] if row.mended or row.missed else []
        remarks += [f"MISSED: {each}" for each in row.failures]
        lines.append(f"{row.name:22}{_cell(row.ours):>8}{row.target:>8.2f}{cells}   {'; '.join(remarks)}")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None:
        return "failed"
    return f"{value:.3f}" if value < 2 else f"{value:.1f}"


def main() -> int:
    """The benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute, fewer lines and peers")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--only", help="lines whose name contains this")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--mb", type=float, help="another size of the file, for every line with a rate")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--baud", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--telemetry", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.baud, options.file, options.telemetry)
        return 0
    cases = [case for case in (QUICK if options.quick else FULL) if not options.only or options.only in case.name]
    if options.mb:
        cases = [Case(**{**asdict(case), "mb": options.mb if case.baud else case.mb}) for case in cases]
    if options.no_peers:
        cases = [Case(**{**asdict(case), "peers": ()}) for case in cases]
    rows, absent = run(cases, lambda text: print(text, file=sys.stderr, flush=True))
    missed = [f"{row.name}: {failure}" for row in rows for failure in row.failures]
    print(table(rows))
    if absent:
        print(f"not installed, left out: {', '.join(absent)}")
    if options.json:
        print(json.dumps(summary(rows) | {"missed": missed, "absent": absent, "load": os.getloadavg()[0]}))
    return 1 if any(row.damaged for row in rows) else 0  # a missed figure may be the machine's fault; it is said


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures by their names."""
    by_name = {row.name: row for row in rows}

    def ours(name: str) -> float | None:
        return round(by_name[name].ours, 4) if name in by_name else None

    live = by_name.get("921600, telemetry")
    return {
        "line_rate_fraction_921600": ours("921600"),
        "line_rate_fraction_3m": ours("3M"),
        "line_rate_fraction_ber_1e6": ours("921600, 1e-6") or ours("3M, 1e-6"),
        "line_rate_fraction_ber_1e5": ours("921600, 1e-5"),
        "line_rate_fraction_timer_16ms": ours("921600, timer 16 ms"),
        "telemetry_p99_ms": live.telemetry_p99_ms if live else None,
        "unthrottled_mb_per_s": ours("unthrottled"),
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())

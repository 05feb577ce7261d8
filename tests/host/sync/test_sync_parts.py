"""The pieces of a sync by themselves: plan, ports, files on their way, names in the archive."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from barbotage_device.errors import BarbotageError, NotFoundError, UsageError
from barbotage_device.link.errors import LinkError
from barbotage_device.link.keys import KnownDevice, KnownDevices, PairedHosts, static_key
from barbotage_device.link.part_file import PartFile
from barbotage_device.link.roles import Role
from barbotage_host.devices.ports import PortInfo, choose_port, list_candidates
from barbotage_host.sync.archive import Archive, Archived
from barbotage_host.sync.board import Board
from barbotage_host.sync.plan import arrivals_s, make_plan, time_left_s
from barbotage_host.sync.progress import RateMeter
from barbotage_host.sync.remote import RemoteSession, SessionFile


@dataclass
class FakePort:
    device: str
    description: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    serial_number: str | None = None
    vid: int | None = None
    pid: int | None = None


def session(identity: str, state: str = "closed") -> RemoteSession:
    return RemoteSession(identity, 0, None, 0, state, False, None)


def files(*kinds: str) -> list[SessionFile]:
    return [SessionFile(f"{kind}-0", kind, 10, "") for kind in kinds]


def test_what_is_worth_most_comes_first_and_of_that_the_newest_session() -> None:
    both = [
        (session("A"), files("manifest", "telemetry", "video")),
        (session("B"), files("manifest", "telemetry", "proxy", "video")),
    ]
    plan = make_plan(both, {})
    order = [(fetch.file.kind, fetch.session) for fetch in plan.fetches]
    assert order == [
        ("manifest", "B"), ("manifest", "A"), ("telemetry", "B"), ("telemetry", "A"), ("proxy", "B"), ("video", "B"), ("video", "A"),
    ]  # fmt: skip
    assert plan.bytes_by_kind() == {"manifest": 20, "telemetry": 20, "proxy": 10, "video": 20}


def test_what_is_there_or_not_whole_is_left_out_with_the_reason() -> None:
    listed = [
        (session("A"), files("video")),
        (session("B", "being recorded"), []),
        (session("C", "damaged"), []),
        (session("D"), files("video")),
    ]
    plan = make_plan(listed, {"A": Archived()})
    assert dict(plan.skipped) == {"A": "in the archive", "B": "being recorded", "C": "damaged"}
    assert [fetch.session for fetch in plan.fetches] == ["D"]
    assert make_plan(listed, {}, frozenset("A")).fetches[0].session == "A"


def test_no_time_left_is_invented_before_a_rate_is_known() -> None:
    assert time_left_s(1000, 0.0) is None
    assert time_left_s(1000, 100.0) == 10.0


def test_a_kind_is_there_when_all_that_is_worth_more_is_there() -> None:
    left = {"video": 1000, "telemetry": 100, "keyframes": 0, "proxy": 200}
    assert arrivals_s(left, 10.0) == {"telemetry": 10.0, "proxy": 30.0, "video": 130.0}
    assert arrivals_s(left, 0.0) == {"telemetry": None, "proxy": None, "video": None}


def test_the_rate_is_that_of_lately_with_its_pauses_and_is_not_known_at_first() -> None:
    now_s = [0.0]
    meter = RateMeter(lambda: now_s[0])
    rates = []
    for second, total in ((0.0, 0), (0.5, 500), (1.0, 1000), (10.0, 1000), (20.0, 2000), (40.0, 2000)):
        now_s[0] = second
        meter.received(total)
        rates.append(meter.bytes_per_s)
    assert rates == [0.0, 0.0, 1000.0, 100.0, pytest.approx(1000 / 19), 0.0]
    meter.restart()
    assert meter.bytes_per_s == 0.0


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_each_device_has_a_line_and_what_stays_goes_above() -> None:
    now_s = [0.0]
    stream = Terminal()
    board = Board(stream, lambda: now_s[0])
    for text in ("A 1 %", "A 2 %"):
        board.progress("A", text)
    now_s[0] = 1.0
    board.progress("B", "B 1 %")
    board.note("done with something")
    board.done("A")
    board.done("B")
    assert screen(stream.getvalue()) == ["done with something", ""]
    assert "A 2 %\nB 1 %" in stream.getvalue()


def test_without_a_terminal_progress_is_a_line_now_and_then() -> None:
    now_s = [0.0]
    stream = io.StringIO()
    board = Board(stream, lambda: now_s[0])
    for second in range(100):
        now_s[0] = float(second)
        board.progress("A", f"at {second} s")
    board.done("A")
    assert stream.getvalue().splitlines() == ["at 30 s", "at 60 s", "at 90 s"]


def screen(written: str) -> list[str]:
    """What a terminal shows after these characters: lines, carriage returns, erased lines and the cursor up."""
    rows, row = [""], 0
    for part in re.split(r"(\x1b\[2K|\x1b\[1A|\r|\n)", written):
        if part == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            rows[row] = ""
        elif part != "\r":
            rows[row] += part
    return [each for index, each in enumerate(rows) if each or index <= row]


def test_ports_are_judged_without_opening_them(tmp_path: Path) -> None:
    there = tmp_path / "ttyX"
    there.touch()
    ports: list[PortInfo] = [
        FakePort("/dev/ttyACM0", "Barbotage bedside", "Barbotage", "Barbotage", "S1", 0x1209, 1),
        FakePort("/dev/ttyUSB0", "FT232R", "FTDI", "FT232R", "F9", 0x0403, 0x6001),
        FakePort("/dev/ttyS0", "n/a"),
    ]
    known = [KnownDevice("S2", "", port=str(there)), KnownDevice("S3", "", port="/dev/gone")]
    found = list_candidates(ports, known)
    assert [(each.port, each.ours) for each in found] == [
        ("/dev/ttyACM0", True), (str(there), True), ("/dev/ttyS0", False), ("/dev/ttyUSB0", False),
    ]  # fmt: skip
    assert choose_port(found, known, "S1") == "/dev/ttyACM0"
    assert choose_port(found, known, "S2") == str(there)
    with pytest.raises(UsageError, match="2 devices"):
        choose_port(found, known, None)
    with pytest.raises(NotFoundError, match="S3 is not connected"):
        choose_port(found, known, "S3")
    with pytest.raises(NotFoundError, match="cable"):
        choose_port(found[2:], [], None)


DATA = bytes(range(256)) * 1000
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartFile]:
    made = PartFile(tmp_path, "video.mcap", len(DATA), DIGEST, lambda: 0.0)
    yield made
    made.close()


def put(part: PartFile, start: int, end: int) -> None:
    part.write_at(start, DATA[start:end])
    part.missing.remove(start, end)


def test_a_file_is_taken_up_where_its_journal_ends(part: PartFile, tmp_path: Path) -> None:
    put(part, 0, 1000)
    put(part, 5000, 9000)
    part.checkpoint(force=True)
    put(part, 9000, 20_000)  # after the journal: not vouched for
    part.close()
    again = PartFile(tmp_path, "video.mcap", len(DATA), DIGEST, lambda: 0.0)
    assert again.resumed_bytes == 5000
    assert list(again.missing) == [(1000, 5000), (9000, len(DATA))]
    for start, end in list(again.missing):
        put(again, start, end)
    assert again.verified()
    again.finish()
    assert (tmp_path / "video.mcap").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["video.mcap"]


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "{",
        "[]",
        '{"bytes": 1, "sha256": "", "missing": []}',
        json.dumps({"bytes": len(DATA), "sha256": DIGEST, "missing": 5}),
    ],
)
def test_a_journal_of_another_file_or_a_damaged_one_vouches_for_nothing(part: PartFile, tmp_path: Path, journal: str) -> None:
    put(part, 0, 1000)
    part.checkpoint(force=True)
    part.close()
    (tmp_path / "video.mcap.part.json").write_text(journal)
    again = PartFile(tmp_path, "video.mcap", len(DATA), DIGEST, lambda: 0.0)
    assert again.resumed_bytes == 0
    again.close()


def test_a_wrong_byte_is_never_verified(part: PartFile) -> None:
    put(part, 0, len(DATA))
    assert part.verified()
    part.write_at(100, b"\xff")
    assert not part.verified()


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "", "S 1"])
def test_a_device_cannot_choose_a_folder_outside_the_archive(tmp_path: Path, name: str) -> None:
    place = Archive(tmp_path).session(name, "X")
    assert place.resolve().parent.parent == tmp_path.resolve()


def test_keys_are_kept_private_and_damage_is_said(tmp_path: Path) -> None:
    first = static_key(tmp_path).private_bytes_raw()
    assert static_key(tmp_path).private_bytes_raw() == first
    assert (tmp_path / "link-key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link-key").chmod(0o644)
    with pytest.raises(LinkError, match="chmod"):
        static_key(tmp_path)
    (tmp_path / "link-key").write_bytes(b"short")
    with pytest.raises(LinkError, match="not a key"):
        static_key(tmp_path)
    for name, load in (
        ("paired-hosts.json", lambda: PairedHosts(tmp_path, lambda: 0)),
        ("known-devices.json", lambda: KnownDevices(tmp_path)),
    ):
        (tmp_path / name).write_text('[{"key": "00"}]')
        with pytest.raises(BarbotageError, match="damaged"):
            load()


def test_paired_hosts_outlive_the_program_and_can_be_revoked_or_given_a_new_key(tmp_path: Path) -> None:
    hosts = PairedHosts(tmp_path, lambda: 7)
    hosts.add(b"a" * 32, "one", Role.VIEWER)
    hosts.add(b"b" * 32, "two", Role.SERVICE)
    hosts.replace(b"a" * 32, b"c" * 32)
    assert hosts.remove(b"b" * 32)
    assert not hosts.remove(b"b" * 32)
    again = PairedHosts(tmp_path, lambda: 8)
    assert again.all() == [{"name": "one", "role": "viewer", "key": (b"c" * 32).hex(), "paired_utc_ns": 7}]
    assert again.find(b"a" * 32) is None
    found = again.find(b"c" * 32)
    assert found is not None
    assert found.role is Role.VIEWER

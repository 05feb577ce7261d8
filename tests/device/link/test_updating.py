"""The device fetches a bundle over the emulated line, with virtual time."""

import hashlib
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.bundles import KEY, make_model_bundle
from tests.support.cable import Line
from tests.support.link import Answer, Memory, VirtualLine, ask, connect, connected, make_device, make_host

from barbotage_device.link.device_end import DeviceEnd
from barbotage_device.link.errors import Code
from barbotage_device.link.host_end import HostEnd
from barbotage_device.link.roles import Role
from barbotage_device.link.updating import UpdateService
from barbotage_device.update.desk import DeviceUpdates
from barbotage_device.update.trust import TrustedKeys

BAUD = 921_600


class Bench:
    """A host with a bundle, a device that trusts its key, and the line between them."""

    def __init__(self, folder: Path, bundle: bytes, role: Role = Role.SERVICE, trusted: bool = True) -> None:
        self.state = folder / "state"
        if trusted:
            TrustedKeys(self.state).add(KEY.public)
        self.procedure = False
        self.said: list[str] = []
        self.bundle = bundle
        self.device: DeviceEnd = make_device(BAUD, role)
        self.host: HostEnd = make_host(BAUD)
        self.wire: VirtualLine = connected(self.host, self.device, Line(baud=BAUD))
        self.serve()

    def serve(self) -> None:
        desk = DeviceUpdates(self.state, self.said.append, lambda: self.wire.now_s)
        self.service = UpdateService(self.device, desk, lambda: self.procedure, lambda: self.wire.now_s)

    def begin(self, **changes: object) -> Answer:
        self.host.sender.offer(5, Memory(self.bundle))
        params = {"handle": 5, "name": "test", "bytes": len(self.bundle), "sha256": hashlib.sha256(self.bundle).hexdigest()}
        return ask(self.wire, self.host, "upd.begin", **{**params, **changes})

    def status(self) -> dict[str, Any]:
        return ask(self.wire, self.host, "upd.status").result

    def settled(self) -> dict[str, Any]:
        """The status once nothing is under way; virtual time for the line, real time for the thread that verifies."""
        for _ in range(2000):
            status = self.status()
            if status["state"] not in ("fetching", "verifying"):
                return status
            if status["state"] == "verifying":
                time.sleep(0.005)
            else:
                self.wire.idle(0.2)
        raise AssertionError("it does not end")

    def fetched(self, at_least: int) -> None:
        """Waits until so many bytes have come."""
        for _ in range(1000):
            self.wire.idle(0.02)
            if self.status()["fetched_bytes"] >= at_least:
                return
        raise AssertionError("nothing comes")


def ballast(folder: Path, count: int) -> bytes:
    return make_model_bundle(folder, content=random.Random(1).randbytes(count)).read_bytes()


def test_a_bundle_is_fetched_verified_and_staged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ballast(tmp_path, 200_000))
    assert bench.status()["state"] == "none"
    assert bench.begin().result == {"fetched_bytes": 0}
    bench.wire.idle(0.5)
    under_way = bench.status()
    assert under_way["state"] == "fetching"
    assert 0 < under_way["fetched_bytes"] < under_way["bytes"] == len(bench.bundle)
    status = bench.settled()
    assert (status["state"], status["kind"], status["name"], status["version"]) == ("staged", "model", "small", "1.0")
    assert status["installed"]["model"]["active"] is None
    assert not list((bench.state / "update" / "downloads").iterdir())
    staged = json.loads((bench.state / "update" / "state.json").read_text())["model"]["candidate"]
    assert staged["version"] == "1.0"


def test_a_transfer_goes_on_after_a_new_connection_where_it_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ballast(tmp_path, 300_000))
    bench.begin()
    bench.fetched(100_000)
    bench.wire.cut(True)
    bench.wire.idle(5.0)
    bench.wire.cut(False)
    bench.service.interrupt()
    bench.host.greet()
    connect(bench.wire, bench.host)
    sent_bytes = bench.wire.to_device.sent_bytes
    resumed = bench.begin().result["fetched_bytes"]
    assert isinstance(resumed, int)
    assert resumed >= 100_000
    assert bench.settled()["state"] == "staged"
    assert bench.wire.to_device.sent_bytes - sent_bytes < len(bench.bundle) - 90_000


def test_a_transfer_goes_on_after_the_device_was_switched_off(tmp_path: Path) -> None:
    bundle = ballast(tmp_path, 300_000)
    before = Bench(tmp_path, bundle)
    before.begin()
    before.fetched(200_000)
    after = Bench(tmp_path, bundle)  # nothing was closed; only what was journalled each half second counts
    resumed = after.begin().result["fetched_bytes"]
    assert isinstance(resumed, int)
    assert 50_000 < resumed < len(bundle)
    assert after.settled()["state"] == "staged"


def test_damage_on_the_way_is_found_and_the_bundle_begins_anew(tmp_path: Path) -> None:
    bundle = ballast(tmp_path, 50_000)
    bench = Bench(tmp_path, bytes([bundle[0] ^ 1]) + bundle[1:])
    bench.begin(sha256=hashlib.sha256(bundle).hexdigest())
    status = bench.settled()
    assert status["state"] == "failed"
    assert "digest that was announced" in status["why"]
    bench.bundle = bundle
    assert bench.begin().result == {"fetched_bytes": 0}
    assert bench.settled()["state"] == "staged"


def test_a_bundle_that_is_refused_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, make_model_bundle(tmp_path, key=None).read_bytes())
    bench.begin()
    status = bench.settled()
    assert (status["state"], "not signed" in status["why"]) == ("failed", True)
    assert not list((bench.state / "update" / "downloads").iterdir())


def test_in_a_procedure_nothing_is_fetched(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ballast(tmp_path, 300_000))
    bench.procedure = True
    assert bench.begin().code == Code.BUSY
    assert ask(bench.wire, bench.host, "upd.rollback", kind="model").code == Code.BUSY
    bench.procedure = False
    bench.begin()
    bench.fetched(50_000)
    bench.procedure = True
    bench.wire.idle(1.5)
    status = bench.status()
    assert (status["state"], "a procedure has begun" in status["why"]) == ("failed", True)
    sent_bytes = bench.wire.to_device.sent_bytes
    bench.wire.idle(2.0)
    assert bench.wire.to_device.sent_bytes - sent_bytes < 2000
    bench.procedure = False
    resumed = bench.begin().result["fetched_bytes"]
    assert isinstance(resumed, int)
    assert resumed > 50_000
    assert bench.settled()["state"] == "staged"


def test_only_a_service_host_may_update(tmp_path: Path) -> None:
    bench = Bench(tmp_path, b"x", role=Role.OPERATOR)
    assert bench.begin().code == Code.FORBIDDEN
    for method in ("upd.rollback", "upd.cancel"):
        assert ask(bench.wire, bench.host, method, kind="model").code == Code.FORBIDDEN
    assert bench.status()["state"] == "none"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "../../../../etc/passwd"}, Code.BAD_REQUEST),
        ({"sha256": "A" * 64}, Code.BAD_REQUEST),
        ({"bytes": 0}, Code.BAD_REQUEST),
        ({"bytes": 1 << 40}, Code.BAD_REQUEST),
        ({"handle": 64}, Code.BAD_REQUEST),
        ({"name": 3}, Code.BAD_REQUEST),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, object], code: Code) -> None:
    bench = Bench(tmp_path, b"x" * 100)
    assert bench.begin(**changes).code == code
    assert not list(bench.state.rglob("*.part"))


def test_a_device_without_a_trusted_key_says_how_to_install_one(tmp_path: Path) -> None:
    answer = Bench(tmp_path, b"x", trusted=False).begin()
    assert answer.code == Code.BAD_SIGNATURE
    assert "barbotage-device update trust" in answer.text


def test_a_host_that_withdraws_the_bundle_ends_the_transfer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ballast(tmp_path, 300_000))
    bench.begin()
    bench.fetched(20_000)
    bench.host.sender.withdraw(5)
    bench.wire.idle(2.0)
    status = bench.status()
    assert (status["state"], "does not offer" in status["why"]) == ("failed", True)
    ask(bench.wire, bench.host, "upd.cancel")
    assert not list((bench.state / "update" / "downloads").iterdir())


def test_what_is_staged_can_be_withdrawn(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ballast(tmp_path, 2000))
    assert ask(bench.wire, bench.host, "upd.rollback", kind="model").code == Code.NOT_FOUND
    bench.begin()
    bench.settled()
    assert ask(bench.wire, bench.host, "upd.rollback", kind="nonsense").code == Code.BAD_REQUEST
    assert ask(bench.wire, bench.host, "upd.rollback", kind="model").code == 0
    status = bench.status()
    assert (status["state"], status["installed"]["model"]["staged"]) == ("rolled-back", None)

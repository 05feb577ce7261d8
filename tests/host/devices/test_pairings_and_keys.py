"""The computers that a device knows can be listed and revoked; a change of key never locks a host out, wherever it is cut off."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.host.devices.conftest import Bench
from tests.support.link_device import SERIAL

from barbotage_device.errors import BarbotageError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkLostError
from barbotage_device.link.keys import KnownDevice, KnownDevices, PairedHosts
from barbotage_device.link.noise import public_key
from barbotage_device.link.roles import Role
from barbotage_device.link.values import Values
from barbotage_host.devices.commands import show_info
from barbotage_host.devices.connecting import Target, connect
from barbotage_host.devices.own_keys import OwnKeys
from barbotage_host.devices.paired_hosts import choose_host, revoke_host, rotate_key, show_hosts
from barbotage_host.devices.remembered import forget_device, name_device

OTHER = bytes(range(32))


def paired_keys(bench: Bench) -> list[str]:
    """The keys on the device's disk."""
    return [each["key"] for each in PairedHosts(bench.folder / "device", time.time_ns).all()]


def own_key(bench: Bench) -> str:
    return public_key(OwnKeys(bench.state, SERIAL).current()).hex()


def test_paired_computers_are_listed_and_revoked_but_not_oneself(bench: Bench) -> None:
    bench.device.kill()
    PairedHosts(bench.folder / "device", time.time_ns).add(OTHER, "anna on ward-pc", Role.VIEWER)
    bench.device.start()
    hosts = bench.json(show_hosts)["hosts"]
    assert [(each["name"], each["role"], each["this_computer"]) for each in hosts] == [
        ("test host", "service", True),
        ("anna on ward-pc", "viewer", False),
    ]
    assert bench.run(lambda context: revoke_host(context, "test host")) == 4
    assert "locked out" in bench.chatter
    assert bench.run(lambda context: revoke_host(context, OTHER.hex()[:10])) == 0
    assert paired_keys(bench) == [own_key(bench)]
    assert bench.run(lambda context: revoke_host(context, "anna on ward-pc")) == 3


@pytest.mark.parametrize(("wanted", "code"), [("anna", 2), ("ab", 3), ("abababab", 2), ("cdcdcdcd", 0), ("CDCDCDCD", 0)])
def test_a_computer_is_named_without_doubt(wanted: str, code: int) -> None:
    hosts = [{"name": "anna", "key": "ab" * 32}, {"name": "anna", "key": "ab" * 31 + "ff"}, {"name": "b", "key": "cd" * 32}]
    if code:
        with pytest.raises(BarbotageError) as caught:
            choose_host(hosts, wanted)
        assert caught.value.exit_code == code
    else:
        assert choose_host(hosts, wanted)["name"] == "b"


def test_a_new_key_takes_the_place_of_the_old_one_at_both_ends(bench: Bench) -> None:
    before = own_key(bench)
    assert bench.run(rotate_key) == 0, bench.chatter
    assert own_key(bench) != before
    assert paired_keys(bench) == [own_key(bench)]
    assert bench.json(show_info)["role"] == "service"
    assert bench.run(rotate_key) == 0, bench.chatter  # and once more, from a key of the device's own
    assert paired_keys(bench) == [own_key(bench)]


@pytest.mark.parametrize("moment", ["before the request", "before the answer", "after the answer"])
def test_a_change_of_key_that_is_cut_off_locks_nobody_out(bench: Bench, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = own_key(bench)
    call = LinkClient.call

    def cut_call(self: LinkClient, method: str, params: Mapping[str, Any] | None = None, within_s: float = 10.0) -> Values:
        if method == "pair.rotate" and moment == "before the request":
            raise LinkLostError("cut")
        answer = call(self, method, params, within_s)
        if method == "pair.rotate" and moment == "before the answer":
            raise LinkLostError("cut")
        return answer

    def cut_settle(self: OwnKeys, _key: X25519PrivateKey) -> None:
        if len(self.candidates()) > 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LinkClient, "call", cut_call)
        if moment == "after the answer":
            patched.setattr(OwnKeys, "settle", cut_settle)
        assert bench.run(rotate_key) == (130 if moment == "after the answer" else 3), bench.chatter
    assert len(OwnKeys(bench.state, SERIAL).candidates()) == 2

    bench.device.kill()  # the device, too, may restart meanwhile
    bench.device.start()
    assert bench.run(show_info) == 0, bench.chatter
    assert (own_key(bench) != before) is (moment != "before the request")
    assert paired_keys(bench) == [own_key(bench)]
    assert len(OwnKeys(bench.state, SERIAL).candidates()) == 1


def test_another_device_behind_the_port_is_refused(bench: Bench) -> None:
    assert bench.run(show_info, Target(bench.cable.a, "D7")) == 4
    assert f"device {SERIAL} is behind {bench.cable.a}, not D7" in bench.chatter


def test_a_name_chooses_the_device_and_two_devices_cannot_share_one(bench: Bench) -> None:
    KnownDevices(bench.state).remember(KnownDevice("D7", "ab" * 32, name="ward"))
    assert bench.run(lambda context: name_device(context, SERIAL, "ward")) == 2
    assert bench.run(lambda context: name_device(context, SERIAL, "theatre 2")) == 0
    assert bench.json(show_info, Target(serial="theatre 2"))["serial"] == SERIAL
    assert KnownDevices(bench.state).all()[1].name == "theatre 2"  # connecting does not lose it
    assert bench.run(lambda context: forget_device(context, "theatre 2")) == 0
    assert bench.run(lambda context: forget_device(context, "theatre 2")) == 3


def test_the_rate_of_a_uart_is_remembered_with_its_port(bench: Bench) -> None:
    home = bench.context().home
    for target in (Target(bench.cable.a, baud=921600), Target(bench.cable.a), Target()):
        connection = connect(target, home, 10)
        connection.close()
        assert connection.baud == 921600
    (device,) = KnownDevices(bench.state).all()
    assert (device.port, device.baud) == (bench.cable.a, 921600)

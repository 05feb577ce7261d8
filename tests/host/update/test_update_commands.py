"""Whole programs: keys, packing, and a bundle sent over the emulated cable to a device that really serves."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.bundles import KEY, make_model, make_wheel
from tests.support.cable import Cable

from barbotage_device.link.keys import KnownDevice, KnownDevices, PairedHosts, static_key
from barbotage_device.link.noise import public_key
from barbotage_device.link.roles import Role
from barbotage_device.runtime.identity import device_identity
from barbotage_device.update.bundle import open_bundle
from barbotage_device.update.minisign import parse_public_key, parse_secret_key
from barbotage_device.update.trust import TrustedKeys
from barbotage_host.cli import run_command_line
from barbotage_models.bundle import bundled_model

HOST = "from barbotage_host.cli import main; main()"
DEVICE = "from barbotage_device.cli import main; main()"


def pack(folder: Path, model: Path, *options: str) -> Path:
    (folder / "test.key").write_text(KEY.encode())
    out = folder / f"{model.parent.name}.barbotage"
    arguments = ["update", "pack", "model", str(model), "--security-version", "3", "--out", str(out), *options]
    assert run_command_line(arguments) == 0
    return out


def test_a_new_pair_of_keys_signs_what_its_public_half_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["update", "keygen", "--out", str(tmp_path / "keys")]) == 0
    said = capsys.readouterr()
    secret, public = tmp_path / "keys" / "barbotage-update.key", tmp_path / "keys" / "barbotage-update.pub"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert parse_secret_key(secret.read_text()).public == parse_public_key(public.read_text())
    assert parse_public_key(public.read_text()).name in said.out
    assert "no password" in said.err
    before = secret.read_bytes()
    assert run_command_line(["update", "keygen", "--out", str(tmp_path / "keys")]) == 2
    assert secret.read_bytes() == before


def test_a_packed_model_is_whole_signed_and_the_same_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_model(tmp_path / "m", "1.2")
    first = pack(tmp_path, model, "--key", str(tmp_path / "test.key"), "--version", "1.2")
    data = first.read_bytes()
    with open_bundle(first) as bundle:
        bundle.verify_signature({KEY.id: KEY.public})
        bundle.verify_files()
    assert pack(tmp_path, model, "--key", str(tmp_path / "test.key")).read_bytes() == data
    capsys.readouterr()
    assert run_command_line(["update", "show", str(first), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["version"], shown["security_version"], shown["key"]) == ("small", "1.2", 3, KEY.public.name)
    first.write_bytes(data[:-100])
    assert run_command_line(["update", "show", str(first)]) == 4


def test_an_unsigned_bundle_tells_how_minisign_signs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = pack(tmp_path, make_model(tmp_path / "m", "1.2"))
    said = capsys.readouterr().err
    assert "-t 'barbotage model small 1.2 security-version 3'" in said
    assert "zip m.barbotage manifest.json.minisig" in said
    with zipfile.ZipFile(path, "a") as archive:  # as those lines do it
        manifest = archive.read("manifest.json")
        archive.writestr("manifest.json.minisig", KEY.sign(manifest, "barbotage model small 1.2 security-version 3"))
    with open_bundle(path) as bundle:
        bundle.verify_signature({KEY.id: KEY.public})


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["pack", "model", "absent.tflite", "--security-version", "1", "--out", "x"], 3, "no model at"),
        (["pack", "software", "absent.whl", "--security-version", "1", "--out", "x"], 3, "no file at"),
        (["pack", "software", "other.whl", "--security-version", "1", "--out", "x"], 4, "does not belong there"),
        (
            ["pack", "software", "good.whl", "--security-version", "1", "--version", "8", "--out", "x"],
            2,
            "is not the version 7.0",
        ),
        (["pack", "software", "good.whl", "--security-version", "1", "--key", "good.whl", "--out", "x"], 4, "secret key"),
        (["show", "absent.barbotage"], 3, "no bundle at"),
        (["install", "unsigned.barbotage", "--yes"], 4, "not signed"),
        (["rollback", "nonsense"], 2, "neither model nor software"),
    ],
)
def test_what_cannot_be_done_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_wheel(tmp_path, "7.0", {"barbotage_device/cli.py": ""}).rename("good.whl")
    with zipfile.ZipFile("other.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")
    assert (
        run_command_line(["update", "pack", "software", "good.whl", "--security-version", "1", "--out", "unsigned.barbotage"])
        == 0
    )
    capsys.readouterr()
    assert run_command_line(["update", *arguments]) == code
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert why in said
    assert not Path("x").exists()


class Bench:
    """A device that serves at one end of a cable, a host at the other."""

    def __init__(self, folder: Path, **line: float) -> None:
        self.folder = folder
        self.baud = int(line.get("baud", 0))
        self.cable = Cable(**line)
        self.state = folder / "barbotage"
        host = folder / "host"
        serial = device_identity().id
        PairedHosts(self.state, time.time_ns).add(public_key(static_key(host)), "test host", Role.SERVICE)
        KnownDevices(host).remember(KnownDevice(serial, public_key(static_key(self.state)).hex(), "here", port=self.cable.a))
        TrustedKeys(self.state).add(KEY.public)
        self.process: subprocess.Popen[str] | None = None

    def serve(self) -> "subprocess.Popen[str]":
        environ = {**os.environ, "XDG_STATE_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        argv = [sys.executable, "-c", DEVICE, "serve", "--serial", self.cable.b, "--sessions", str(self.folder / "sessions")]
        self.process = subprocess.Popen([*argv, *self._baud()], env=environ, stderr=subprocess.PIPE, text=True)
        return self.process

    def stop(self) -> str:
        """Ends the device in an orderly way; what it said."""
        if self.process is None:
            return ""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=30)
        self.process = None
        return said

    def argv(self, *arguments: str) -> list[str]:
        options = ["--state", str(self.folder / "host"), "--port", self.cable.a, *self._baud()]
        return [sys.executable, "-c", HOST, "update", *arguments, *options]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.argv(*arguments), capture_output=True, text=True, timeout=120, check=False)

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.cable.close()

    def _baud(self) -> list[str]:
        return ["--baud", str(self.baud)] if self.baud else []


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(tmp_path, **getattr(request, "param", {}))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("bench", [{"baud": 921_600}], indirect=True)
def test_a_bundle_arrives_over_a_cable_that_is_pulled_in_mid_transfer(bench: Bench) -> None:
    content = random.Random(2).randbytes(400_000)
    path = pack(bench.folder, make_model(bench.folder / "m", "1.0", content), "--key", str(bench.folder / "test.key"))
    bench.serve()
    process = subprocess.Popen(
        bench.argv("install", str(path), "--yes", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline_s = time.monotonic() + 30
    while bench.cable.stats()["a_to_b"]["bytes_out"] < 120_000 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    bench.cable.cut("hangup")
    time.sleep(0.3)
    bench.cable.restore()
    said, chatter = process.communicate(timeout=90)
    assert process.returncode == 0, chatter
    outcome = json.loads(said)
    assert (outcome["state"], outcome["kind"], outcome["version"]) == ("staged", "model", "1.0")
    assert outcome["interruptions"] >= 1
    assert outcome["resumed_bytes"] > 30_000
    assert "model small 1.0 is staged" in bench.stop()


def test_the_host_refuses_what_the_device_would_and_asks_before_it_sends(bench: Bench) -> None:
    path = pack(bench.folder, make_model(bench.folder / "m", "1.0"), "--key", str(bench.folder / "test.key"))
    bench.serve()
    asked = bench.run("install", str(path))
    assert (asked.returncode, "add --yes" in asked.stderr) == (2, True)
    TrustedKeys(bench.state).remove(KEY.public.name)
    untrusted = bench.run("install", str(path), "--yes")
    assert untrusted.returncode == 4
    assert "barbotage-device update trust" in untrusted.stderr
    nothing = bench.run("rollback", "model")
    assert nothing.returncode == 3
    status = bench.json("status")
    assert (status["state"], status["keys"]) == ("none", [])
    assert "model: as installed" in bench.run("status").stdout


@pytest.mark.slow
def test_from_the_bundle_to_the_active_model_and_back(bench: Bench) -> None:
    good = pack(
        bench.folder,
        make_model(bench.folder / "good", "2.0", bundled_model().read_bytes()),
        "--key",
        str(bench.folder / "test.key"),
    )
    bad = pack(bench.folder, make_model(bench.folder / "bad", "3.0"), "--key", str(bench.folder / "test.key"))
    for path, version, state in ((good, "2.0", "active"), (bad, "3.0", "rolled-back")):
        bench.serve()
        assert bench.json("install", str(path), "--yes")["version"] == version
        assert bench.json("status")["state"] == "staged"
        bench.stop()
        bench.serve()
        status = bench.json("status", "--within", "60")
        assert (status["state"], status["version"]) == (state, version)
        assert status["installed"]["model"]["active"]["version"] == "2.0"
        bench.stop()
    bench.serve()
    assert bench.json("rollback", "model")["installed"]["model"]["active"] is None

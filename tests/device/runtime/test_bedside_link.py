"""How the bedside program serves a PC: what options and configuration say, codes on the screen, and what a procedure forbids."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.link import Screen
from tests.support.sessions import Script, write_session

from barbotage_device.bedside.view import PairingNotice
from barbotage_device.config import DeviceConfig, LinkConfig, RecordingConfig
from barbotage_device.config_store import ConfigStore
from barbotage_device.console import Console
from barbotage_device.errors import UsageError
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.methods import Caller
from barbotage_device.link.pairing import PairingDesk
from barbotage_device.link.roles import Role
from barbotage_device.link_cli import link_of_run
from barbotage_device.runtime.bedside_link import BedsideLink, PairingBoard
from barbotage_device.runtime.link_request import LinkOptions, LinkRequest, link_request
from barbotage_device.runtime.linking import is_recording_into
from barbotage_device.runtime.telemetry import About
from barbotage_device.session.files import claimed
from barbotage_device.session.manifest import read_manifest, write_manifest

ENVIRONMENT = {"HOME": "/home/x"}
USB = LinkConfig(serial="/dev/ttyGS0")
UART = LinkConfig(serial="/dev/serial0", baud=921_600)


@dataclass
class Now:
    """A clock that the test moves."""

    s: float = 100.0

    def __call__(self) -> float:
        return self.s


@dataclass
class Terminal(Screen):
    """Where codes go without a window."""

    said: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("options", "link", "port", "baud"),
    [
        (LinkOptions(), LinkConfig(), None, None),
        (LinkOptions(), USB, "/dev/ttyGS0", None),
        (LinkOptions(), UART, "/dev/serial0", 921_600),
        (LinkOptions(serial="/dev/ttyGS0"), LinkConfig(), "/dev/ttyGS0", None),
        (LinkOptions(serial="/dev/ttyGS0"), UART, "/dev/ttyGS0", None),
        (LinkOptions(serial="/dev/serial0"), UART, "/dev/serial0", 921_600),
        (LinkOptions(baud=115_200), UART, "/dev/serial0", 115_200),
    ],
)
def test_options_go_before_the_configuration_whose_rate_belongs_to_its_port(
    options: LinkOptions, link: LinkConfig, port: str | None, baud: int | None
) -> None:
    request = link_request(options, DeviceConfig(link=link), None, ENVIRONMENT)
    assert (port, baud) == (None, None) if request is None else (request.port, request.baud) == (port, baud)


@pytest.mark.parametrize(
    ("record", "directory", "sessions"),
    [(Path("/rec"), "/conf", Path("/rec")), (None, "/conf", Path("/conf")), (None, "", Path("sessions"))],
)
def test_the_sessions_served_are_those_that_are_recorded(record: Path | None, directory: str, sessions: Path) -> None:
    chosen = DeviceConfig(link=USB, recording=RecordingConfig(directory=directory))
    request = link_request(LinkOptions(), chosen, record, ENVIRONMENT)
    assert request is not None
    assert request.sessions == sessions
    assert request.state == Path("/home/x/.local/state/barbotage")
    assert request.config == Path("/home/x/.config/barbotage/device.toml")


@pytest.mark.parametrize(
    ("no_security", "security", "setting"),
    [(False, "required", "secured"), (True, "required", "unsecured"), (False, "none", "unsecured")],
)
def test_option_or_configuration_turn_security_off(no_security: bool, security: str, setting: str) -> None:
    chosen = DeviceConfig(link=replace(USB, security=security))
    request = link_request(LinkOptions(no_security=no_security), chosen, None, ENVIRONMENT)
    assert request is not None
    assert request.setting == setting


@pytest.mark.parametrize("options", [LinkOptions(baud=9600), LinkOptions(no_security=True)])
def test_options_of_a_link_without_a_port_are_refused(options: LinkOptions) -> None:
    with pytest.raises(UsageError, match="add --serial PORT"):
        link_of_run(options, DeviceConfig(), None)
    assert link_of_run(options, DeviceConfig(link=USB), None) is not None
    assert link_of_run(LinkOptions(config=Path("x")), DeviceConfig(), None) is None


def test_a_code_is_on_the_screen_for_as_long_as_it_is_valid() -> None:
    now, terminal = Now(), Terminal()
    board = PairingBoard(terminal, now)
    board.has_window = True
    assert board.notice() is None
    board.show_code("01234567", "Reading room", Role.OPERATOR, 60.0)
    assert board.notice() == PairingNotice("01234567", "Reading room", "operator", 60)
    now.s += 59.5
    notice = board.notice()
    assert notice is not None
    assert notice.seconds_left == 1
    now.s += 0.5
    assert board.notice() is None
    board.show_code("76543210", "x", Role.VIEWER, 60.0)
    board.hide_code(paired=True)
    assert board.notice() is None
    assert (terminal.shown, terminal.hidden) == (0, []), "what is on the screen is in no log"


def test_without_a_window_the_code_goes_to_the_terminal() -> None:
    terminal = Terminal()
    board = PairingBoard(terminal, Now())
    board.show_code("01234567", "x", Role.VIEWER, 60.0)
    board.hide_code(paired=False)
    assert (terminal.code, terminal.hidden) == ("01234567", [False])


def test_nothing_is_shown_and_nobody_paired_during_a_procedure() -> None:
    running, screen = [True], Screen()
    desk = PairingDesk(screen, in_procedure=lambda: running[0])
    with pytest.raises(CallError, match="procedure") as refused:
        desk.start("PC", Role.VIEWER, 100.0)
    assert (refused.value.code, screen.shown) == (Code.BUSY, 0)
    running[0] = False
    assert desk.start("PC", Role.VIEWER, 101.0)["digits"] == 8
    assert screen.shown == 1


def test_a_procedure_is_a_session_that_somebody_records_now(tmp_path: Path) -> None:
    paths = [write_session(tmp_path / "sessions", Script(frames=3)) for _ in range(2)]
    root = tmp_path / "sessions"
    assert not is_recording_into(tmp_path / "nothing")
    with claimed(paths[0]):
        assert not is_recording_into(root), "closed: a copy is being made of it"
    write_manifest(paths[0], replace(read_manifest(paths[0]), state="recording"))
    assert not is_recording_into(root), "cut, to be recovered"
    with claimed(paths[0]):
        assert is_recording_into(root)
    (paths[0] / "session.json").write_text("{")
    assert not is_recording_into(root)


@dataclass
class Bed:
    """A bedside link whose methods are called without a line."""

    link: BedsideLink
    request: LinkRequest

    def call(self, method: str, **params: Any) -> tuple[int, Any]:
        from barbotage_device.link.messages import Request

        methods = self.link._server.end.methods
        answer = methods.answer(Request(1, method, params), Caller(Role.SERVICE, b"k" * 32, "PC"))
        return answer.code, answer.result if answer.code == 0 else answer.text


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    request = LinkRequest(str(tmp_path / "tty"), None, tmp_path / "sessions", tmp_path / "device.toml", tmp_path / "state")
    return Bed(BedsideLink(request, About("sim", True), Console()), request)


def test_a_recording_run_refuses_clock_configuration_and_pairing(bed: Bed) -> None:
    revision = bed.call("conf.get")[1]["revision"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("clock.set", {"utc_ns": time.time_ns()}),
        ("conf.set", {"values": {"screen.language": "en"}, "revision": revision}),
        ("pair.start", {"name": "PC", "role": "viewer"}),
    ]
    bed.link.procedure = True
    assert [bed.call(method, **params)[0] for method, params in calls] == [Code.BUSY] * 3
    assert bed.call("dev.status")[1]["state"] == "procedure"
    assert bed.link.signs().pairing is None
    bed.link.procedure = False
    assert bed.call(*calls[1][:1], **calls[1][1])[0] == 0
    assert bed.call("dev.status")[1]["state"] == "idle"


def test_another_programs_recording_counts_as_well(bed: Bed) -> None:
    path = write_session(bed.request.sessions, Script(frames=3))
    write_manifest(path, replace(read_manifest(path), state="recording"))
    with claimed(path):
        assert bed.call("pair.start", name="PC", role="viewer")[0] == Code.BUSY
    assert bed.call("pair.start", name="PC", role="viewer")[0] == 0


def test_no_host_turns_security_off(bed: Bed) -> None:
    def change(**values: Any) -> tuple[int, Any]:
        settings = {key.replace("__", "."): value for key, value in values.items()}
        return bed.call("conf.set", values=settings, revision=bed.call("conf.get")[1]["revision"])

    code, text = change(link__security="none", screen__language="en")
    assert code == Code.FORBIDDEN
    assert "link.security" in text
    assert ConfigStore(bed.request.config).values()["screen.language"] == "fr", "nothing of it was applied"
    assert change(link__security="required", screen__language="en")[0] == 0
    bed.request.config.write_text('[link]\nsecurity = "none"\n')
    assert change(link__security="none", screen__language="fr")[0] == 0, "it is so already"


@pytest.mark.parametrize("name", ["\x1b[2Jcode 1234", "two\nlines", "", "   "])
def test_a_name_that_would_change_a_screen_is_refused(bed: Bed, name: str) -> None:
    assert bed.call("pair.start", name=name, role="viewer")[0] == Code.BAD_REQUEST


def test_lines_of_the_run_are_in_the_devices_log(bed: Bed) -> None:
    bed.link.start(has_window=False)
    bed.link.teller.say("warning", "source lost: unplugged")
    bed.link.close()
    assert "warning  source lost: unplugged" in (bed.request.state / "log.txt").read_text()

"""What a device says over the link, as typed values."""

from dataclasses import dataclass

from barbotage_device.link.client import LinkClient, RemoteFile
from barbotage_device.link.values import Values
from barbotage_device.session.ids import is_ulid


@dataclass(frozen=True, slots=True)
class RemoteSession:
    """A session on the device."""

    id: str
    started_utc_ns: int
    duration_s: float | None
    bytes: int
    state: str
    marked: bool
    synced_utc_ns: int | None

    @property
    def complete(self) -> bool:
        """Whether it can be fetched: closed, or recovered after a cut."""
        return self.state in ("closed", "recovered")


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file of a session on the device."""

    name: str
    kind: str
    bytes: int
    sha256: str


def list_sessions(client: LinkClient) -> list[RemoteSession]:
    """Every session on the device, oldest first. Names that could leave the archive's folder are left out."""
    found: list[RemoteSession] = []
    while True:
        answer = client.call("sess.list", {"after": found[-1].id if found else ""})
        page = [_session(each) for each in answer.maps("sessions")]
        found += page
        if not page or not answer.flag("more"):
            return [each for each in found if is_ulid(each.id)]


def list_files(client: LinkClient, session: str) -> list[SessionFile]:
    """The files of a session in the order of worth."""
    found: list[SessionFile] = []
    while True:
        answer = client.call("sess.files", {"id": session, "after": len(found)})
        page = [
            SessionFile(each.text("name", longest=200), each.text("kind"), each.whole("bytes"), each.text("sha256"))
            for each in answer.maps("files")
        ]
        found += page
        if not page or not answer.flag("more"):
            return [each for each in found if _is_plain(each.name)]


def open_session_file(client: LinkClient, session: str, name: str) -> RemoteFile:
    """Opens a file of a session for fetching."""
    return client.open_file({"area": "session", "id": session, "name": name})


def _is_plain(name: str) -> bool:
    """Whether a name stays inside its folder and is not one of ours."""
    return bool(name) and "/" not in name and "\\" not in name and "\0" not in name and name[0] != "." and ".part" not in name


def _session(values: Values) -> RemoteSession:
    return RemoteSession(
        id=values.text("id"),
        started_utc_ns=values.whole("started_utc_ns"),
        duration_s=values.number_or_none("duration_s"),
        bytes=values.whole("bytes"),
        state=values.text("state"),
        marked=values.flag("marked"),
        synced_utc_ns=values.whole_or_none("synced_utc_ns"),
    )

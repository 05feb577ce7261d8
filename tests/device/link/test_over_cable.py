"""Real terminals between two processes: what the virtual line cannot show. The figures are the benchmark's; here nothing is timed but for stalls."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.link_bench import LinkBench, everything
from tests.support.link_device import SERIAL

from barbotage_device.link.errors import AnswerError, Code, LinkError, LinkLostError
from barbotage_device.link.transport import TtyTransport
from barbotage_device.session.ids import new_ulid


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LinkBench]:
    made = LinkBench(tmp_path, **getattr(request, "param", {}))
    try:
        yield made
    finally:
        made.close()


def test_methods_answer_over_a_real_terminal(bench: LinkBench) -> None:
    client = bench.client()
    assert client.call("dev.info").text("serial") == SERIAL
    assert client.call("dev.status").text("state") == "idle"
    before = client.call("conf.get")
    changed = client.call("conf.set", {"values": {"screen.language": "en"}, "revision": before.text("revision")})
    assert client.call("conf.get").map("values")["screen.language"] == "en"
    assert client.call("conf.get").text("revision") == changed.text("revision")
    with pytest.raises(AnswerError) as caught:
        client.call("conf.set", {"values": {}, "revision": before.text("revision")})
    assert caught.value.code == Code.REVISION_CONFLICT
    client.call("clock.set", {"utc_ns": 1_800_000_000_000_000_000})
    assert abs(client.call("clock.get").whole("utc_ns") - 1_800_000_000_000_000_000) < 10_000_000_000
    document = client.open_file({"area": "document", "name": "hello.txt"})
    text = bytearray(document.size_bytes)

    def sink(offset: int, piece: bytes) -> None:
        text[offset : offset + len(piece)] = piece

    for _ in client.fetch(document, everything(document.size_bytes), sink):
        pass
    assert text == b"hello"
    for params, code in (
        ({"area": "document", "name": "nothing"}, Code.NOT_FOUND),
        ({"area": "attic", "name": "x"}, Code.BAD_REQUEST),
        ({"area": "session", "id": bench.session, "name": "../../host/link-key"}, Code.NOT_FOUND),
        ({"area": "session", "id": "..", "name": "x"}, Code.NOT_FOUND),
    ):
        with pytest.raises(AnswerError) as caught:
            client.open_file(params)
        assert caught.value.code == code
    client.close()


def test_a_session_is_deleted_only_when_the_host_has_it(bench: LinkBench) -> None:
    client = bench.client()
    path = bench.folder / "sessions" / bench.session
    digest = hashlib.sha256((path / "session.json").read_bytes()).hexdigest()
    for params, code in (
        ({"id": bench.session, "manifest_sha256": digest}, Code.FORBIDDEN),
        ({"id": bench.session, "manifest_sha256": "0" * 64, "force": True}, Code.REVISION_CONFLICT),
        ({"id": new_ulid(0), "manifest_sha256": digest}, Code.NOT_FOUND),
    ):
        with pytest.raises(AnswerError) as caught:
            client.call("sess.delete", params)
        assert caught.value.code == code
        assert path.is_dir()
    client.call("sess.mark", {"id": bench.session, "marked": True})
    client.call("sess.synced", {"id": bench.session, "utc_ns": 5})
    with pytest.raises(AnswerError, match="marked"):
        client.call("sess.delete", {"id": bench.session, "manifest_sha256": digest})
    client.call("sess.mark", {"id": bench.session, "marked": False})
    client.call("sess.delete", {"id": bench.session, "manifest_sha256": digest})
    assert not path.exists()
    client.close()


def test_a_revoked_host_is_out_at_once(bench: LinkBench) -> None:
    client = bench.client()
    (host,) = client.call("pair.list").maps("hosts")
    with contextlib.suppress(LinkLostError):  # the answer may or may not come before the end
        client.call("pair.revoke", {"key": bytes.fromhex(host.text("key"))}, within_s=3.0)
    with pytest.raises(LinkLostError):
        client.call("dev.status", within_s=3.0)
    client.close()
    with pytest.raises(LinkError, match="does not know this host"):
        bench.client()


def test_a_port_that_is_not_there_and_one_that_is_no_terminal_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(LinkLostError, match="no port"):
        TtyTransport(str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(LinkError, match="not a serial port"):
        TtyTransport(str(tmp_path / "file"))

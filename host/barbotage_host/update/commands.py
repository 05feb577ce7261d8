"""What ``barbotage update …`` does."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.errors import RefusedError, UsageError
from barbotage_device.link.errors import AnswerError
from barbotage_device.update.bundle import open_bundle
from barbotage_device.update.manifest import MANIFEST_NAME, SIGNATURE_NAME, BundleManifest, Kind
from barbotage_host.devices.connecting import Connection
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.words import duration, size
from barbotage_host.sync.board import Board
from barbotage_host.update.keys import make_keys, read_secret_key
from barbotage_host.update.packing import model_bundle, software_bundle, write_bundle
from barbotage_host.update.sending import Sending, Step

KEY_WARNING = (
    "the secret key has no password: whoever has the file can sign updates for every device that trusts it. "
    "Keep it offline, never on a device; for a key with a password use minisign itself (docs/update.md)"
)
NEXT_START = (
    "it is tested and activated when the device's program starts next; if the test fails, the device goes on with what it has"
)


def keygen(out: Path, console: Console) -> int:
    """Makes a pair of keys."""
    key, secret, public = make_keys(out)
    console.warning(KEY_WARNING)
    console.result(f"key {key.public.name}")
    console.result(f"secret: {secret}")
    console.result(f"public: {public} (at the device: barbotage-device update trust {public.name})")
    return EXIT_DONE


def pack(
    kind: Kind, source: Path, key: Path | None, version: str | None, security_version: int, out: Path, console: Console
) -> int:
    """Packs a model or a wheel."""
    make = model_bundle if kind is Kind.MODEL else software_bundle
    secret = None if key is None else read_secret_key(key)
    manifest, payload = make(source, version, security_version)
    write_bundle(out, manifest, payload, secret)
    if secret is None:
        console.warning("the bundle is not signed, no device takes it; sign it so:")
        for line in signing_lines(out, manifest):
            console.note(f"  {line}")
    signed = "not signed" if secret is None else f"signed with key {secret.public.name}"
    console.result(f"{out}: {manifest.title}, security version {security_version}, {size(out.stat().st_size)}, {signed}")
    return EXIT_DONE


def signing_lines(bundle: Path, manifest: BundleManifest) -> list[str]:
    """How minisign itself signs an unsigned bundle."""
    return [
        f"unzip {bundle.name} {MANIFEST_NAME}",
        f"minisign -S -s SECRET.key -m {MANIFEST_NAME} -t '{manifest.trusted_comment}'",
        f"zip {bundle.name} {SIGNATURE_NAME}",
    ]


def show(bundle: Path, console: Console, as_json: bool) -> int:
    """What a bundle is, once it was found whole."""
    manifest, key = check_bundle(bundle)
    if as_json:
        console.result_json(_record(manifest, key) | {"files": [asdict(each) for each in manifest.files]})
        return EXIT_DONE
    for line in _words(manifest, key):
        console.result(line)
    return EXIT_DONE


def check_bundle(path: Path) -> tuple[BundleManifest, str | None]:
    """The manifest of a bundle that is whole, and the id of the key that it says it is signed with. Raises NotFoundError, UpdateError."""
    with open_bundle(path) as bundle:
        bundle.verify_files()
        signature = bundle.signature
        return bundle.manifest, None if signature is None else signature.key_name


def install(context: Context, path: Path, ask: Callable[[str], bool] | None, retry_for_s: float) -> int:
    """Sends a bundle to a device; ``ask`` None asks nothing."""
    console = context.console
    manifest, key = check_bundle(path)
    if key is None:
        raise RefusedError(f"{path.name} is not signed; see 'barbotage update pack --help'")
    for line in _words(manifest, key):
        console.note(line)
    connection = connect_device(context)
    serial = connection.device.serial
    try:
        _check_trust(connection, key)
        _ask(ask, serial)
    except BaseException:
        connection.close()
        raise
    board = Board(sys.stderr)
    sending = Sending(
        lambda: connect_device(context), board.note, lambda step: board.progress(serial, _progress(step)), retry_for_s
    )
    try:
        sent = sending.run(path, manifest, connection)
    finally:
        board.done(serial)
    if context.as_json:
        console.result_json({"device": serial, "state": "staged", **_record(manifest, key), **asdict(sent)})
    else:
        console.result(f"{manifest.title} is staged on {serial}; {NEXT_START}")
    return EXIT_DONE


def show_status(context: Context) -> int:
    """Where updates stand on a device."""
    connection = connect_device(context)
    try:
        status = connection.client.call("upd.status").all()
    finally:
        connection.close()
    console = context.console
    if context.as_json:
        console.result_json({"device": connection.device.serial, **status})
        return EXIT_DONE
    console.result(_status_line(status))
    for kind, lane in sorted(status.get("installed", {}).items()):
        active, staged = lane.get("active"), lane.get("staged")
        console.result(f"{kind}: {_slot(active)}" + (f"; staged for the next start: {_slot(staged)}" if staged else ""))
    keys = status.get("keys", [])
    console.result(f"trusted keys: {', '.join(keys) if keys else 'none'}")
    return EXIT_DONE


def rollback(context: Context, kind: str) -> int:
    """Lets a device go back at its next start."""
    if kind not in tuple(Kind):
        raise UsageError(f"'{kind[:40]}' is neither model nor software")
    connection = connect_device(context)
    try:
        connection.client.call("upd.rollback", {"kind": kind})
        status = connection.client.call("upd.status").all()
    finally:
        connection.close()
    now = _slot(status.get("installed", {}).get(kind, {}).get("active"))
    if context.as_json:
        context.console.result_json({"device": connection.device.serial, **status})
    else:
        context.console.result(f"{_status_line(status)}; from the next start on: {now}")
    return EXIT_DONE


def _ask(ask: Callable[[str], bool] | None, serial: str) -> None:
    if ask is not None and not ask(f"Install this on {serial}?"):
        raise RefusedError("nothing was installed")


def _check_trust(connection: Connection, key: str) -> None:
    """Saves sending what the device would refuse at the end."""
    try:
        keys = connection.client.call("upd.status").all().get("keys", [])
    except AnswerError as error:
        raise RefusedError(f"the device takes no updates: {error.text}") from error
    if key not in keys:
        trusted = f"it trusts {', '.join(map(str, keys))}" if keys else "it trusts none yet"
        raise RefusedError(
            f"the bundle is signed with key {key}, which the device does not trust ({trusted}); "
            "at the device run 'barbotage-device update trust FILE.pub'"
        )


def _words(manifest: BundleManifest, key: str | None) -> list[str]:
    total = sum(each.bytes for each in manifest.files)
    lines = [
        f"{manifest.title}, security version {manifest.security_version}, {size(total)}",
        f"files: {', '.join(each.name for each in manifest.files)}",
        "not signed" if key is None else f"signed with key {key} (proved by the device)",
    ]
    if "python" in manifest.requires:
        lines.append(f"needs Python {manifest.requires['python']}")
    return lines


def _record(manifest: BundleManifest, key: str | None) -> dict[str, Any]:
    return {
        "kind": str(manifest.kind),
        "name": manifest.name,
        "version": manifest.version,
        "security_version": manifest.security_version,
        "key": key,
    }


def _progress(step: Step) -> str:
    if step.state == "verifying":
        return f"{size(step.total_bytes)} sent; the device verifies it"
    left_bytes = step.total_bytes - step.fetched_bytes
    rate = step.rate_bytes_per_s
    pace = f"  {size(rate)}/s, {duration(left_bytes / rate)} left" if rate else ""
    share = 100 * step.fetched_bytes / step.total_bytes
    return f"{share:5.1f} %  {size(step.fetched_bytes)} of {size(step.total_bytes)}{pace}"


def _status_line(status: dict[str, Any]) -> str:
    what = " ".join(str(status.get(key, "")) for key in ("kind", "name", "version")).strip()
    why = status.get("why") or ""
    state = str(status.get("state", "")).replace("-", " ")
    return (f"{what}: " if what else "last update: ") + state + (f" ({why})" if why else "")


def _slot(slot: dict[str, Any] | None) -> str:
    if not slot:
        return "as installed"
    return f"{slot.get('name')} {slot.get('version')} (security version {slot.get('security_version')})"

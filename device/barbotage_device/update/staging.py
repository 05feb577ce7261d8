"""From a bundle file to a staged slot: verified, unpacked out of sight, put in place in one step, noted last."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from barbotage_device.errors import BarbotageError
from barbotage_device.update.bundle import Bundle, open_bundle
from barbotage_device.update.disk import Disk, tree_digest
from barbotage_device.update.errors import SignatureError, UpdateError
from barbotage_device.update.fitting import check_fit
from barbotage_device.update.manifest import MANIFEST_NAME, SIGNATURE_NAME, BundleManifest, Kind, PayloadFile
from barbotage_device.update.store import DRAFT_PREFIX, Slot, UpdateStore
from barbotage_device.update.trust import HOW_TO_TRUST, TrustedKeys
from barbotage_device.update.wheel import DISTRIBUTION, read_facts, read_files
from barbotage_models.contract.card import card_path, load_card

SHORT_DIGEST = 8


def stage(store: UpdateStore, keys: TrustedKeys, path: Path) -> BundleManifest:
    """Verifies the bundle in ``path`` and stages it for the next start; what was staged before is dropped.

    Raises SignatureError, UpdateError with the reason, OSError; nothing is staged then.
    """
    trusted = keys.all()
    if not trusted:
        raise SignatureError(f"this device trusts no key for updates; {HOW_TO_TRUST}")
    with store.locked(), open_bundle(path) as bundle:
        bundle.verify_signature(trusted)
        manifest = bundle.manifest
        updates = store.load()
        lane = updates.lane(manifest.kind)
        check_fit(manifest, lane)
        slot = _put_in_place(store, bundle)
        active = lane.active
        if active is not None and active.folder == slot.folder:
            raise UpdateError(f"{manifest.title} is active already, from this very bundle")
        lane.candidate, lane.tries = slot, 0
        store.save(updates)
        return manifest


def _put_in_place(store: UpdateStore, bundle: Bundle) -> Slot:
    manifest, disk = bundle.manifest, store.disk
    name = _folder_name(manifest)
    root = store.root(manifest.kind)
    final, draft = root / name, root / (DRAFT_PREFIX + name)
    slot = Slot(manifest.name, manifest.version, manifest.security_version, name, "")
    disk.remove(draft)
    disk.make_folder(draft)
    if manifest.kind is Kind.MODEL:
        _unpack_model(disk, bundle, draft)
    else:
        _unpack_software(disk, bundle, draft)
    slot = replace(slot, digest=tree_digest(draft))
    if store.is_intact(manifest.kind, slot):
        disk.remove(draft)  # this very bundle was unpacked before, and may be the one that runs
        return slot
    disk.remove(final)
    disk.rename(draft, final)
    return slot


def _folder_name(manifest: BundleManifest) -> str:
    """Tells apart two bundles of the same version."""
    digest = manifest.files[0].sha256[:SHORT_DIGEST]
    prefix = f"{manifest.name}-" if manifest.kind is Kind.MODEL else ""
    return f"{prefix}{manifest.version}-{digest}"


def _unpack_model(disk: Disk, bundle: Bundle, folder: Path) -> None:
    manifest = bundle.manifest
    model = _one(manifest, ".tflite")
    card = card_path(Path(model.name)).name
    if {each.name for each in manifest.files} != {model.name, card}:
        raise UpdateError(f"a model bundle holds one model and its card {card}, nothing else")
    for file in manifest.files:
        disk.write(folder / file.name, bundle.read(file))
    disk.write(folder / MANIFEST_NAME, bundle.manifest_bytes)
    disk.write(folder / SIGNATURE_NAME, bundle.signature_bytes)
    disk.sync_folder(folder)
    try:
        said = load_card(folder / model.name)
    except BarbotageError as error:
        raise UpdateError(f"the model's card is refused: {error}") from error
    if (said.name, said.version) != (manifest.name, manifest.version):
        raise UpdateError(f"the card is of {said.name} {said.version}, the bundle of {manifest.name} {manifest.version}")


def _unpack_software(disk: Disk, bundle: Bundle, folder: Path) -> None:
    manifest = bundle.manifest
    wheel = _one(manifest, ".whl")
    if len(manifest.files) != 1:
        raise UpdateError("a software bundle holds one wheel and nothing else")
    data = bundle.read(wheel)
    facts = read_facts(data)
    if (DISTRIBUTION, facts.version) != (manifest.name, manifest.version):
        raise UpdateError(f"the wheel has version {facts.version}, the bundle is {manifest.name} {manifest.version}")
    wanted = {"python": facts.requires_python, "dependencies": list(facts.requires)}
    if {key: manifest.requires.get(key) for key in wanted} != wanted:
        raise UpdateError("the requirements in the manifest are not those of the wheel; pack the bundle again")
    folders = {folder}
    for name, content in read_files(data):
        for each in reversed(_folders(folder, name)):
            if each not in folders:
                disk.make_folder(each)
                folders.add(each)
        disk.write(folder / name, content)
    for each in folders:
        disk.sync_folder(each)


def _folders(root: Path, name: PurePosixPath) -> list[Path]:
    """The folders of a file under ``root``, the innermost first."""
    return [root / each for each in name.parents if each != PurePosixPath(".")]


def _one(manifest: BundleManifest, suffix: str) -> PayloadFile:
    found = [each for each in manifest.files if each.name.endswith(suffix)]
    if len(found) != 1:
        raise UpdateError(f"a {manifest.kind} bundle holds exactly one {suffix} file, this one {len(found)}")
    return found[0]

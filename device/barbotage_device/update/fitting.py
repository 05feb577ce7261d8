"""Whether a bundle fits this device: security version, contract of the model, Python and distributions."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from barbotage_device.update.errors import UpdateError
from barbotage_device.update.manifest import BundleManifest, Kind
from barbotage_device.update.requirements import meets, unmet
from barbotage_device.update.store import Lane
from barbotage_models.contract.card import contract_fields

MAX_REQUIREMENTS = 200


def check_fit(manifest: BundleManifest, lane: Lane) -> None:
    """Raises UpdateError with the reason when the bundle must not be installed here."""
    if manifest.security_version < lane.highest_security_version:
        raise UpdateError(
            f"the bundle has security version {manifest.security_version}, this device has had {lane.highest_security_version}; "
            "it never goes below that. Ask for a newer bundle"
        )
    if manifest.kind is Kind.MODEL:
        check_contract(manifest.requires)
    else:
        check_python(manifest.requires)


def check_contract(requires: dict[str, Any]) -> None:
    """Raises UpdateError when a model was made for other software than this."""
    wanted = requires.get("contract")
    if not isinstance(wanted, dict):
        raise UpdateError("the bundle does not say which contract its model keeps")
    for key, here in contract_fields().items():
        if wanted.get(key) != here:
            raise UpdateError(
                f"the model needs {key} {wanted.get(key)!r:.120}, the software of this device has {here!r:.120}; "
                "update the software first, or use a matching model"
            )


def check_python(requires: dict[str, Any]) -> None:
    """Raises UpdateError when this Python, or a distribution that is installed here, does not meet what software needs."""
    python, lines = requires.get("python", ""), requires.get("dependencies", [])
    if not isinstance(python, str) or not isinstance(lines, list) or len(lines) > MAX_REQUIREMENTS:
        raise UpdateError("the bundle's requirements cannot be read")
    if not all(isinstance(each, str) for each in lines):
        raise UpdateError("the bundle's requirements cannot be read")
    here = platform.python_version()
    if not meets(here, python):
        raise UpdateError(f"the software needs Python {python}, this device has {here}")
    missing = unmet(lines, installed_version)
    if missing:
        raise UpdateError(
            f"the software needs what is not installed on this device: {'; '.join(missing)[:300]}. Updates bring no dependencies; install these first"
        )


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, None when it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None

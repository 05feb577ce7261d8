"""Whether the Python and the distributions of this device meet what a bundle requires. No I/O."""

from collections.abc import Callable, Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from barbotage_device.update.errors import UpdateError

EXTRAS = ("", "device")
"""A device needs what is required always, and what its extra requires."""

Installed = Callable[[str], str | None]
"""The version of an installed distribution, None when it is not installed."""


def unmet(requirements: Iterable[str], installed: Installed) -> list[str]:
    """Each requirement line of a wheel that is not met here, in words. Raises UpdateError for a line that cannot be understood."""
    found = []
    for line in requirements:
        requirement = _parsed(line)
        marker = requirement.marker
        if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in EXTRAS):
            continue
        have = installed(requirement.name)
        if have is None:
            found.append(f"{requirement.name} {requirement.specifier} (not installed)")
        elif not requirement.specifier.contains(have, prereleases=True):  # what is installed is there, a pre-release or not
            found.append(f"{requirement.name} {requirement.specifier} (installed: {have})")
    return found


def meets(version: str, specifiers: str) -> bool:
    """Whether a version meets comma-separated specifiers; none are met by any. Raises UpdateError when they cannot be understood."""
    try:
        return SpecifierSet(specifiers).contains(version, prereleases=True)
    except InvalidSpecifier as error:
        raise UpdateError(f"the version specifier '{specifiers[:60]}' cannot be understood") from error


def _parsed(line: str) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise UpdateError(f"the requirement '{line[:100]}' cannot be understood") from error
    if requirement.url is not None:
        raise UpdateError(f"the requirement '{line[:100]}' cannot be understood: updates fetch nothing")
    return requirement

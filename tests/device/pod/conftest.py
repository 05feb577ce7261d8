"""The built firmware and MicroPython's unix port, where this machine has them."""

from pathlib import Path

import pytest
from tests.support.pod import require_image, require_unix_port

from barbotage_firmware_tools.places import Places, places


@pytest.fixture(scope="session")
def pod_places() -> Places:
    return places()


@pytest.fixture(scope="session")
def pod_sources(pod_places: Places) -> Path:
    return pod_places.sources


@pytest.fixture(scope="session")
def unix_port(pod_places: Places) -> Path:
    return require_unix_port(pod_places)


@pytest.fixture(scope="session")
def image(pod_places: Places) -> Path:
    return require_image(pod_places)

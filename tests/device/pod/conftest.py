"""The built firmware and MicroPython's unix port. Tests that need what this machine has not are left out; tests/conftest.py says so in one line."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.support.pod import built_image, built_unix_port, missing

from barbotage_firmware_tools.places import Places, places

collect_ignore = [] if find_spec("rp2040py") else ["test_board.py"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = missing(places())
    left_out = [item for item in items if lacking & set(getattr(item, "fixturenames", ()))]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def pod_places() -> Places:
    return places()


@pytest.fixture(scope="session")
def pod_sources(pod_places: Places) -> Path:
    return pod_places.sources


@pytest.fixture(scope="session")
def unix_port(pod_places: Places) -> Path:
    path = built_unix_port(pod_places)
    assert path is not None
    return path


@pytest.fixture(scope="session")
def image(pod_places: Places) -> Path:
    path = built_image(pod_places)
    assert path is not None
    return path

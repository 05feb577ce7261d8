"""Property tests draw new examples at a developer's desk, and always the same ones in CI; Ctrl-C means the same everywhere."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support.pod import HOW, missing

from barbotage_firmware_tools.places import places

POD_TESTS = Path(__file__).parent / "device" / "pod"

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

# A job started in the background ignores Ctrl-C, and so would every process that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says in one line that tests of the probe pod were left out. Here: with several processes the one that reports collects nothing."""
    wanted = any(POD_TESTS.is_relative_to((config.invocation_params.dir / arg.split("::")[0]).resolve()) for arg in config.args)
    if wanted and config.option.markexpr in ("", "not slow and not browser") and missing(places()):
        terminalreporter.write_line(HOW)

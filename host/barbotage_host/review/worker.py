"""The process that does the heavy work of the review server: ``python -m barbotage_host.review.worker TASK ARGUMENTS``.

One JSON object a line on stdout: progress, then the result or the error.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from barbotage_device.errors import BarbotageError, UsageError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.child import Teller

NICENESS = 5
"""Below the server's priority: frames that somebody looks at come first."""

Task = Callable[[Sequence[str], Teller], dict[str, Any]]


def rerun(arguments: Sequence[str], teller: Teller) -> dict[str, Any]:
    """SESSION FOLDER: runs the present model over the session, the results in the folder."""
    session, folder = arguments
    from barbotage_device.runtime.models import choose_model
    from barbotage_host.review.rerun import run_again_into

    with SessionReader.open(Path(session)) as reader:
        model = choose_model(None, max(1, (os.cpu_count() or 1) - 1))
        return run_again_into(reader, model, Path(folder), teller.progress)


def video(arguments: Sequence[str], teller: Teller) -> dict[str, Any]:
    """SESSION OUT FIRST END overlay|original LANGUAGE: writes an MP4."""
    from barbotage_device.bedside.texts import Language
    from barbotage_host.review.video import VideoRequest, write_video

    session, out, first, end, kind, language = arguments
    request = VideoRequest(Path(out), int(first), int(end), kind == "overlay", Language(language))
    with SessionReader.open(Path(session)) as reader:
        return write_video(reader, request, teller.progress)


TASKS: dict[str, Task] = {"rerun": rerun, "video": video}


def main(arguments: Sequence[str]) -> int:
    """The exit code; what went wrong is the last line of stdout."""
    os.nice(NICENESS)
    teller = Teller()
    try:
        if not arguments or arguments[0] not in TASKS:
            raise UsageError(f"no task {arguments[:1]}; there are {', '.join(TASKS)}")
        teller.say({"result": TASKS[arguments[0]](arguments[1:], teller)})
    except BarbotageError as error:
        teller.say({"error": str(error)})
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

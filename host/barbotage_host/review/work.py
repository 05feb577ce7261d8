"""The long work of a launch: re-runs and videos, each in a process of its own, with their results in the launch's scratch folder."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barbotage_device.bedside.texts import Language
from barbotage_device.errors import InvalidInputError, NotFoundError
from barbotage_host.review.child import run_child
from barbotage_host.review.jobs import Job, Jobs
from barbotage_host.review.library import Library


@dataclass(frozen=True, slots=True)
class Clip:
    """Which part of a session a video shows."""

    first: int
    end: int
    with_overlay: bool
    language: Language


class Work:
    """Starts long work and keeps its results until the launch ends."""

    def __init__(self, library: Library, scratch: Path) -> None:
        self.jobs = Jobs()
        self._library = library
        self._scratch = scratch
        self._lock = threading.Lock()
        self._reruns: dict[str, Path] = {}
        self._exports: dict[str, Path] = {}
        self._folders = 0

    def rerun(self, identity: str) -> Job:
        """Runs the present model over a session's frames."""
        session = self._library.path(identity)

        def work(job: Job) -> dict[str, Any]:
            folder = self._folder()
            result = run_child(job, "rerun", [str(session), str(folder)], folder / "log")
            with self._lock:
                self._reruns[identity] = folder
            return result

        return self.jobs.start(f"rerun {identity}", work)

    def rerun_folder(self, identity: str) -> Path | None:
        """Where the last complete re-run of a session lies."""
        with self._lock:
            return self._reruns.get(identity)

    def video(self, identity: str, clip: Clip) -> Job:
        """Makes an MP4 of a part of a session. Raises InvalidInputError for an empty part."""
        with self._library.opened(identity) as opened:
            session, frames = opened.path, len(opened.index)
        if not 0 <= clip.first < clip.end <= frames:
            raise InvalidInputError(
                f"no frames from {clip.first} to {clip.end}; this session has {frames}, from 0 to before {frames}"
            )
        kind = "overlay" if clip.with_overlay else "original"
        name = f"{session.name}-{clip.first}-{clip.end}-{kind}.mp4"
        arguments = [str(clip.first), str(clip.end), kind, clip.language.value]

        def work(job: Job) -> dict[str, Any]:
            folder = self._folder()
            result = run_child(job, "video", [str(session), str(folder / name), *arguments], folder / "log")
            with self._lock:
                self._exports[f"{folder.name}/{name}"] = folder / name
            return {**result, "name": name, "url": f"/api/exports/{folder.name}/{name}"}

        return self.jobs.start(f"video {identity} {' '.join(arguments)}", work)

    def export(self, key: str) -> Path:
        """The file of an export. Raises NotFoundError."""
        with self._lock:
            path = self._exports.get(key)
        if path is None or not path.is_file():
            raise NotFoundError(f"no export {key!r} in this launch")
        return path

    def close(self) -> None:
        """Cancels what runs."""
        self.jobs.close()

    def _folder(self) -> Path:
        with self._lock:
            self._folders += 1
            folder = self._scratch / str(self._folders)
        folder.mkdir()
        return folder

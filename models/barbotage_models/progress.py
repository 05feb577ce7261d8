"""How commands that take longer say so: a bar on a terminal, plain lines otherwise; always on stderr."""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from barbotage_models.contract.taxonomy import Tissue

if TYPE_CHECKING:
    from barbotage_models.training.fit import EpochReport

T = TypeVar("T")

LINE_EVERY_S = 30.0
"""Seconds between plain lines where there is no terminal."""


def progress_bar(console: Console) -> Progress:
    """A bar with counts and the time left; it draws nothing where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


class FrameProgress:
    """Counts frames: a bar on a terminal, else one line every 30 s by ``clock`` (seconds)."""

    def __init__(self, what: str, console: Console, clock: Callable[[], float]) -> None:
        self._what = what
        self._console = console
        self._clock = clock
        self._said = clock()
        self._bar = progress_bar(console)
        self._task = self._bar.add_task(what, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """``done`` of ``total`` are ready."""
        self._bar.update(self._task, completed=done, total=total)
        if not self._console.is_terminal and self._clock() - self._said >= LINE_EVERY_S:
            self._said = self._clock()
            self._console.print(f"{self._what}: {done} of {total}", highlight=False)

    def counted(self, items: Iterable[T], total: int) -> Iterator[T]:
        """The same items, counted as they pass."""
        for done, item in enumerate(items):
            self.update(done, total)
            yield item


class EpochWatcher:
    """Shows training: steps as a bar on a terminal, one line per epoch everywhere. ``last`` is the last epoch's report."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = progress_bar(console)
        self._task = self._bar.add_task("starting", total=None)
        self.last: EpochReport | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Moves the bar."""
        self._bar.update(self._task, description=f"epoch {epoch}, loss {loss:.3f}", completed=step, total=steps)

    def epoch(self, report: "EpochReport") -> None:
        """Prints the line of an epoch."""
        self.last = report
        iou = ", ".join(f"{tissue.name.lower()} {report.iou[tissue]:.3f}" for tissue in Tissue)
        self._console.print(
            f"epoch {report.epoch}/{report.epochs}: loss {report.loss:.4f}; IoU {iou}; tip {report.tip_mm:.2f} mm; "
            f"{report.left_s / 60:.0f} min left",
            highlight=False,
            soft_wrap=True,
        )

"""What a check found, and running checks from a table. Nothing here knows what is checked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from barbotage_device.errors import BarbotageError

T = TypeVar("T")


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """``text`` says what was found, ``advice`` what to do about it (empty when nothing needs to be done)."""

    verdict: Verdict
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Check(Generic[T]):
    """One question, asked of ``T``."""

    name: str
    ask: Callable[[T], Finding]


@dataclass(frozen=True, slots=True)
class Answer:
    """The finding of the check with this name."""

    name: str
    finding: Finding


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, text)


def warn(text: str, advice: str) -> Finding:
    """It works, but something should be done."""
    return Finding(Verdict.WARN, text, advice)


def fail(text: str, advice: str) -> Finding:
    """It does not work until something is done."""
    return Finding(Verdict.FAIL, text, advice)


def skipped(text: str) -> Finding:
    """It could not be asked."""
    return Finding(Verdict.SKIPPED, text)


def ask_all(checks: Iterable[Check[T]], subject: T) -> Iterator[Answer]:
    """Asks one check after the other; one that itself goes wrong counts as failed and hinders no other."""
    for check in checks:
        try:
            finding = check.ask(subject)
        except (BarbotageError, OSError) as error:
            finding = fail(f"the check itself went wrong: {error}", "run 'barbotage doctor' again")
        yield Answer(check.name, finding)


def skip_all(checks: Iterable[Check[T]], why: str) -> Iterator[Answer]:
    """The same checks where there is nothing to ask them of."""
    for check in checks:
        yield Answer(check.name, skipped(why))

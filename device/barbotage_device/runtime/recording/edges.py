"""What happened, seen as the difference between one turn of the loop and the one before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from barbotage_device.guidance.prompt import Prompt, PromptKind
from barbotage_device.guidance.target import find_deposit
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.records import deposit_place, measured
from barbotage_device.runtime.status import Condition

DEVICE, OPERATOR, PEDAL = "device", "operator", "pedal"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the session, not yet in its chain."""

    kind: str
    value: Mapping[str, Any] = field(default_factory=dict)
    by: str = DEVICE


@dataclass(frozen=True, slots=True)
class Turn:
    """How things stand after one turn of the loop. ``guidance`` is None before the first frame and while the network fails."""

    guidance: Guidance | None
    accepted: int | None
    condition: Condition
    accepted_by: str = DEVICE


class Edges:
    """Remembers the last turn. Everything is told once, when it begins; what goes on is not told again."""

    def __init__(self) -> None:
        self.with_procedure = False
        """Whether a procedure tells of targets and prompts itself, with who did it and why it was held back."""
        self._accepted: int | None = None
        self._in_target = False
        self._prompts: dict[PromptKind, bool] = {}
        self._lost: str | None = None
        self._model_error: str | None = None

    def update(self, turn: Turn) -> list[Happening]:
        """What began with this turn, in the order in which it is to be recorded."""
        found = self._condition(turn.condition)
        if turn.guidance is not None:
            found += [] if self.with_procedure else self._prompt_edges(turn.guidance)
            found += self._needle(turn.guidance)
            found += [] if self.with_procedure else self._target(turn, turn.guidance)
        return found

    def _condition(self, now: Condition) -> list[Happening]:
        found: list[Happening] = []
        if (now.lost is None) != (self._lost is None):
            found.append(Happening("source-back") if now.lost is None else Happening("source-lost", {"why": now.lost}))
        if (now.model_error is None) != (self._model_error is None):
            found.append(Happening("model-error", {"failing": now.model_error is not None, "why": now.model_error}))
        self._lost, self._model_error = now.lost, now.model_error
        return found

    def _prompt_edges(self, guidance: Guidance) -> list[Happening]:
        """A prompt counts when it is raised, and once more when one that was held back comes to be shown."""
        prompts = guidance.prompts
        present: dict[PromptKind, tuple[Prompt, bool]] = {one.kind: (one, False) for one in prompts.suppressed}
        if prompts.shown is not None:
            present[prompts.shown.kind] = (prompts.shown, True)
        found = [
            Happening("prompt", {"kind": kind.value, "priority": prompt.priority.name.lower(), "shown": shown})
            for kind, (prompt, shown) in present.items()
            if kind not in self._prompts or (shown and not self._prompts[kind])
        ]
        # What was shown once stays shown in memory: it may be interrupted by a more important one and come back.
        self._prompts = {kind: shown or self._prompts.get(kind, False) for kind, (_, shown) in present.items()}
        return found

    def _needle(self, guidance: Guidance) -> list[Happening]:
        entered = guidance.aim.in_target and not self._in_target
        self._in_target = guidance.aim.in_target
        return [Happening("needle-in-target", {"sequence": guidance.frame.sequence})] if entered else []

    def _target(self, turn: Turn, guidance: Guidance) -> list[Happening]:
        before, self._accepted = self._accepted, turn.accepted
        if turn.accepted == before:
            return []
        found: list[Happening] = []
        if before is not None:
            found.append(
                Happening("target-released", {"identity": before, "sequence": guidance.frame.sequence}, turn.accepted_by)
            )
        if turn.accepted is not None:
            found.append(Happening("target-accepted", _accepted(guidance, turn.accepted), turn.accepted_by))
        return found


def _accepted(guidance: Guidance, identity: int) -> dict[str, Any]:
    """The accepted deposit. ``sequence`` is the last frame before the acceptance: a replay accepts after the same frame."""
    value: dict[str, Any] = {"identity": identity, "sequence": guidance.frame.sequence}
    track = find_deposit(guidance.tracks, identity)
    if track is None:
        return value
    view = guidance.canonical.view
    return value | {"centre_px": deposit_place(view, track.deposit)} | measured(view, track.deposit)

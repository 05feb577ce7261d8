"""Prompts are recorded when raised and once more when shown; what is held back says why."""

from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_device.procedure.notices import Held, Notice, Notices
from barbotage_device.procedure.standing import OwnPrompt
from barbotage_device.runtime.conduct.prompts import ToldPrompts, prompt_happenings
from barbotage_device.runtime.recording.edges import Happening

TIP = Notice(PromptKind.TIP_NOT_SEEN, Priority.HIGH, 5)
BLOCKED = Notice(OwnPrompt.BLOCKED, Priority.LOW, 7)


def test_a_prompt_is_told_once_and_again_only_when_it_comes_to_be_shown() -> None:
    turns = [
        Notices(TIP, ((BLOCKED, Held.OUTRANKED),)),
        Notices(TIP, ((BLOCKED, Held.OUTRANKED),)),
        Notices(BLOCKED, ((TIP, Held.NOT_HERE),)),
        Notices(BLOCKED),
        Notices(None, ((BLOCKED, Held.SILENCED),)),
        Notices(None),
        Notices(BLOCKED),
    ]
    before: ToldPrompts = {}
    told: list[list[tuple[str, bool, str | None]]] = []
    happenings: list[Happening] = []
    for notices in turns:
        before, happenings = prompt_happenings(before, notices)
        told.append([(one.value["kind"], one.value["shown"], one.value.get("held")) for one in happenings])
    assert told == [
        [("blocked", False, "outranked"), ("tip-not-seen", True, None)],
        [],
        [("blocked", True, None)],
        [],
        [],
        [],
        [("blocked", True, None)],
    ]
    assert happenings[0].value["priority"] == "low"
    assert happenings[0].by == "device"

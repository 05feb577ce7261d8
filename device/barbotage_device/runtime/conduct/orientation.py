"""How the picture lies on the patient in this run: from the settings of the probe, the checklist's side and the finger test."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.config import ProbeConfig
from barbotage_device.procedure.checklist import Item
from barbotage_device.procedure.guidance_side import Body, Orientation, PatientSide, body_direction, marker_test, probe_end
from barbotage_device.procedure.procedure import Procedure
from barbotage_models.contract.taxonomy import EntrySide


class Lie:
    """The orientation now. Changes are by hand only and are given as the value to record."""

    def __init__(self, config: ProbeConfig | None = None) -> None:
        chosen = config or ProbeConfig()
        toward = Body(chosen.toward) if chosen.toward else None
        self._now = Orientation(EntrySide(chosen.marker), chosen.mirrored, toward)

    def of(self, procedure: Procedure) -> Orientation:
        """The orientation with the shoulder that the checklist names."""
        side = procedure.checklist.answer(Item.SIDE)
        return replace(self._now, shoulder=PatientSide(side) if side in set(PatientSide) else None)

    def touched(self, side: str) -> dict[str, Any]:
        """The finger test: the marker end was touched and the picture stirred at this side."""
        self._now = marker_test(EntrySide(side), self._now)
        return self.value

    def pointed(self, toward: str) -> dict[str, Any]:
        """Where the marker on the probe points."""
        self._now = replace(self._now, marker_toward=Body(toward))
        return self.value

    def restore(self, value: Mapping[str, Any]) -> None:
        """Takes what was recorded before a cut; what is not of its kind is left as it is."""
        try:
            toward = value.get("toward")
            self._now = Orientation(
                EntrySide(value["marker_at"]), value["mirrored"] is True, None if toward is None else Body(toward)
            )
        except (KeyError, ValueError):
            return

    @property
    def value(self) -> dict[str, Any]:
        """What is recorded of it."""
        now = self._now
        toward = None if now.marker_toward is None else now.marker_toward.value
        return {"marker_at": now.marker_at.value, "mirrored": now.mirrored, "toward": toward}


def end_of(side: EntrySide, orientation: Orientation) -> Said:
    """What lies at a side of the picture: the direction on the patient, else the end of the probe."""
    direction = body_direction(side, orientation)
    return Said(probe_end(side, orientation).value if direction is None else f"body-{direction}")

"""What the operator reads off the screen: nothing that is not shown."""

from barbotage_device.bedside.view import BedsideView, DisplayState, display_state
from barbotage_device.guidance.prompt import Priority
from barbotage_models.simulator.scenario.operator import Told


def told_by(view: BedsideView, target_proposed: bool) -> Told:
    """The words and numbers of a bedside picture, in the state that it announces; what that state hides is None."""
    state = display_state(view)
    shown = view.prompts.shown
    confirmed = state is DisplayState.CONFIRMED
    shaft = confirmed or state is DisplayState.SHAFT_ONLY
    aim = view.aim
    return Told(
        target_proposed=target_proposed,
        shaft_seen=shaft,
        tip_seen=confirmed,
        distance_mm=aim.distance_mm if confirmed else None,
        advance_mm=aim.advance_mm if confirmed else None,
        angle_error_deg=aim.angle_error_deg if shaft else None,
        in_target=confirmed and aim.in_target,
        stop=shown is not None and shown.priority is Priority.HIGH,
    )

"""Colours and line weights of the bedside picture.

Colours are (blue, green, red). Each thing that has a colour also has its own shape and words; the greys of the state colours differ, so that
the screen reads without colour vision. Sizes are in units of the 800x480 screen and grow with the screen.
"""

from barbotage_device.bedside.view import DisplayState
from barbotage_device.guidance.prompt import Priority

Colour = tuple[int, int, int]

GROUND: Colour = (16, 13, 11)
PANEL: Colour = (34, 28, 24)
RAISED: Colour = (50, 42, 36)
HAIRLINE: Colour = (78, 68, 60)
INK: Colour = (244, 242, 240)
SOFT: Colour = (186, 178, 170)
FAINT: Colour = (140, 130, 122)
DARK_INK: Colour = (14, 12, 10)

PROPOSAL_GROUND: Colour = (58, 40, 20)
PROPOSAL_INK: Colour = (255, 214, 130)

TARGET: Colour = (70, 226, 255)
DEPOSIT: Colour = (255, 214, 130)
BONE: Colour = (255, 110, 235)
SHAFT: Colour = (255, 196, 60)
TIP: Colour = (150, 255, 140)
HALO: Colour = (0, 0, 0)

STATE: dict[DisplayState, Colour] = {
    DisplayState.CONFIRMED: (150, 240, 140),
    DisplayState.SHAFT_ONLY: (60, 190, 255),
    DisplayState.SEARCHING: (190, 170, 150),
    DisplayState.LOST: (70, 120, 255),
    DisplayState.STALE: (60, 60, 225),
    DisplayState.FROZEN: (255, 205, 150),
    DisplayState.OVERLAY_OFF: (132, 122, 114),
    DisplayState.SOURCE_LOST: (60, 60, 225),
    DisplayState.MODEL_ERROR: (60, 60, 225),
}

PROMPT_GROUND: dict[Priority, Colour] = {
    Priority.HIGH: (40, 36, 196),
    Priority.MEDIUM: (60, 200, 255),
    Priority.LOW: (104, 78, 56),
}
PROMPT_INK: dict[Priority, Colour] = {Priority.HIGH: (255, 255, 255), Priority.MEDIUM: DARK_INK, Priority.LOW: INK}

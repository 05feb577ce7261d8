"""Every state, question and set-up looks as it did when it was last looked at, in both languages and on both screens."""

import numpy as np
import pytest
from tests.device.bedside.golden import SIZES, kept, tiles

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize

TOLERANCE = 6
"""Grey levels of a cell's mean: another Pillow or OpenCV draws an edge a little otherwise; one letter changes a cell by more."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", list(Language))
def test_the_pictures_are_those_that_were_looked_at(language: Language, size: ScreenSize) -> None:
    now, golden = tiles(language, size), kept(language, size)
    assert golden.keys() == now.keys(), "make the golden picture anew: python -m tests.device.bedside.golden"
    off = {name: int(np.abs(now[name].astype(int) - golden[name]).max()) for name in now}
    assert {name: far for name, far in off.items() if far > TOLERANCE} == {}, "if wanted: python -m tests.device.bedside.golden"


def test_a_changed_word_is_seen() -> None:
    size = SIZES[0]
    french, english = kept(Language.FR, size), kept(Language.EN, size)
    for name, one in french.items():
        if not name.startswith("setup-region"):
            assert np.abs(one.astype(int) - english[name]).max() > 3 * TOLERANCE, name

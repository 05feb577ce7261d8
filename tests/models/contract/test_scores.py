"""The raw score of a shaft: the mean along its axis, whatever was claimed of it."""

import numpy as np
import pytest

from barbotage_models.contract.scores import needle_score


def shaft(gap: slice) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """A slanting shaft of 1 in 2 from cell (10, 10) to (50, 30), three cells thick, with a gap in its columns."""
    probability = np.zeros((64, 64), dtype=np.uint8)
    columns = np.arange(10, 51)
    rows = (10 + (columns - 10) / 2).round().astype(int)
    for beside in (-1, 0, 1):
        probability[rows + beside, columns] = 192
    probability[:, gap] = 0
    return probability


@pytest.mark.parametrize(("gap", "score"), [(slice(0, 0), 0.75), (slice(21, 31), 0.75 * 0.75), (slice(0, 64), 0.0)])
def test_gaps_lower_the_score_of_a_shaft(gap: slice, score: float) -> None:
    probability = shaft(gap)
    assert needle_score(probability, (10.0, 10.0), (50.0, 30.0)) == pytest.approx(score, abs=0.03)
    assert needle_score(probability, (50.0, 30.0), (10.0, 10.0)) == pytest.approx(score, abs=0.03)


def test_ends_beyond_the_map_count_as_its_border() -> None:
    probability = np.full((64, 64), 128, dtype=np.uint8)
    assert needle_score(probability, (-3.0, 5.0), (70.0, 66.0)) == 0.5

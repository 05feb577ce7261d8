"""The learning rate of a step and the order of an epoch: the same however often a run was stopped."""

from pathlib import Path

import numpy as np
import pytest

from barbotage_models.errors import InvalidInputError
from barbotage_models.training.checkpoint import load_weights, read_arrays, save_weights, write_arrays
from barbotage_models.training.mining import HardSamples, Mining
from barbotage_models.training.schedule import Schedule, learning_rate
from barbotage_models.training.shape import NetworkShape, shape_from_document


def test_the_rate_warms_up_falls_and_ends_low() -> None:
    rates = [learning_rate(step, 1000, Schedule(peak_rate=1.0)) for step in range(1001)]
    assert rates[0] < 0.1
    assert max(rates) == rates[29] == 1.0
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)


def test_a_restart_begins_lower_than_the_cycle_before_and_ends_at_the_end() -> None:
    schedule = Schedule(peak_rate=1.0, warmup_share=0.0, cycles=2)
    rates = [learning_rate(step, 1001, schedule) for step in range(1002)]
    assert rates[499] < 0.02
    assert rates[501] == pytest.approx(0.5, abs=0.01)
    assert rates[-1] == pytest.approx(0.005)
    assert learning_rate(5000, 1001, schedule) == pytest.approx(0.005)


def hard(count: int, hardest: int) -> HardSamples:
    samples = HardSamples(count)
    samples.seen(np.arange(count), np.ones(count, dtype=np.float32))
    samples.seen(np.arange(hardest), np.full(hardest, 99.0, dtype=np.float32))
    samples.begin_epoch()
    return samples


def test_before_mining_every_sample_is_shown_once() -> None:
    order = hard(100, 10).order(1, np.random.default_rng(0), Mining(after=2))
    assert sorted(order) == list(range(100))


def test_hard_samples_are_shown_more_often_but_not_without_limit() -> None:
    order = hard(1000, 100).order(2, np.random.default_rng(0), Mining(share=0.5, after=2, most=4.0))
    assert len(order) == 1000
    shown_hard = float((order < 100).sum()) / 100
    assert 1.5 < shown_hard < 2.5, "half of the epoch in turn, the other half four times as often: 0.5 + 0.5 * 4 / 1.3"


def test_an_epoch_is_drawn_by_what_was_known_when_it_began() -> None:
    samples = hard(100, 10)
    before = samples.order(3, np.random.default_rng(5), Mining())
    samples.seen(np.arange(50, 100), np.full(50, 99.0, dtype=np.float32))
    assert np.array_equal(samples.order(3, np.random.default_rng(5), Mining()), before)


def test_new_losses_are_mixed_with_old_ones() -> None:
    samples = HardSamples(2)
    samples.seen(np.array([0]), np.array([4.0], dtype=np.float32))
    samples.seen(np.array([0]), np.array([2.0], dtype=np.float32))
    assert samples.losses[0] == pytest.approx(3.0)
    assert np.isnan(samples.losses[1])


def test_only_finished_files_are_seen(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"x": np.arange(3)})
    assert list(read_arrays(tmp_path / "a.npz")["x"]) == [0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_weights_say_of_which_network_they_are(tmp_path: Path) -> None:
    shape = NetworkShape(planes=2, stem=24, kernels=(3, 3, 5, 5))
    weights = [np.arange(3, dtype=np.float32), np.zeros((2, 2), dtype=np.float32)]
    save_weights(tmp_path / "w.npz", shape, weights)
    read_shape, read_weights = load_weights(tmp_path / "w.npz")
    assert read_shape == shape
    assert all(np.array_equal(a, b) for a, b in zip(weights, read_weights, strict=True))


def test_weights_that_do_not_say_are_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "w.npz", {"weight_0000": np.zeros(3)})
    with pytest.raises(InvalidInputError, match="of which network"):
        load_weights(tmp_path / "w.npz")
    with pytest.raises(InvalidInputError, match="does not know"):
        shape_from_document({"planes": 2, "wings": 3})

"""The bone surface: drawn lines come back."""

import numpy as np
import pytest
from tests.support.drawing import CARD, Drawing, speckle

from barbotage_device.perception.see import see
from barbotage_models.contract.geometry import FloatArray, Scale
from barbotage_models.contract.taxonomy import Tissue


def bone_of(drawing: Drawing) -> FloatArray | None:
    return see(drawing.output(), drawing.canonical, CARD, 0).bone


@pytest.mark.parametrize("scale", [Scale.isotropic(0.1), Scale(0.12, 0.08), None])
def test_a_curved_bone_is_found_to_a_third_of_a_millimetre(scale: Scale | None) -> None:
    drawing = Drawing(speckle((384, 384)), scale)
    width = drawing.canonical.view.width_mm
    x = np.linspace(0, width, 100)
    z = 15 + 6 * ((x - width / 2) / (width / 2)) ** 2
    bone = bone_of(drawing.line(Tissue.BONE, list(zip(x.tolist(), z.tolist(), strict=True))))
    assert bone is not None
    assert np.all(np.diff(bone[:, 0]) > 0)
    assert bone[-1, 0] - bone[0, 0] > 0.9 * min(width, 38.4)
    inner = bone[2:-2]
    assert np.abs(inner[:, 1] - np.interp(inner[:, 0], x, z)).max() < 0.35


def test_a_gap_as_wide_as_a_shadow_is_bridged_and_a_wider_one_is_not() -> None:
    near = Drawing().line(Tissue.BONE, [(2, 20), (15, 20)]).line(Tissue.BONE, [(18, 20), (36, 20)])
    far = Drawing().line(Tissue.BONE, [(2, 20), (12, 20)]).line(Tissue.BONE, [(22, 20), (36, 20)])
    bridged, broken = bone_of(near), bone_of(far)
    assert bridged is not None
    assert broken is not None
    assert bridged[0, 0] < 3
    assert np.diff(bridged[:, 0]).max() < 0.7
    assert broken[0, 0] > 20


def test_a_stray_patch_does_not_break_the_line() -> None:
    drawing = Drawing().line(Tissue.BONE, [(2, 20), (36, 20)], probability=0.7)
    output = drawing.output()
    output.classes[8:11, 30:33, Tissue.BONE] = 250
    bone = see(output, drawing.canonical, CARD, 0).bone
    assert bone is not None
    assert np.abs(bone[:, 1] - 20).max() < 0.35


@pytest.mark.parametrize(("length_mm", "seen"), [(3.5, False), (8.0, True)])
def test_short_lines_are_not_bone(length_mm: float, seen: bool) -> None:
    assert (bone_of(Drawing().line(Tissue.BONE, [(10, 20), (10 + length_mm, 20)])) is not None) is seen


def test_an_unsure_map_has_no_bone() -> None:
    assert bone_of(Drawing().line(Tissue.BONE, [(2, 20), (36, 20)], probability=0.4)) is None

"""What one frame shows: the model's maps and the picture itself turned into a scene."""

from dataclasses import replace

import cv2
import numpy as np

from barbotage_device.perception.bone import bone_surface
from barbotage_device.perception.deposits import deposit_candidates
from barbotage_device.perception.needle import agreed_tip, needle_line
from barbotage_device.perception.plane import plane_of
from barbotage_device.perception.quality import picture_quality
from barbotage_device.perception.scene import Scene
from barbotage_device.perception.shadow import shadow_type
from barbotage_models.contract.canonical import CanonicalFrame
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import Tissue


def see(output: ModelOutput, canonical: CanonicalFrame, card: ModelCard, capture_ns: int) -> Scene:
    """The scene of one frame, in plane mm (nominal when ``canonical.view.measurable`` is False).

    Pure: the same input always gives the same scene. Cells outside the region are not looked at.
    """
    plane = plane_of(canonical.view)
    rows, columns = plane.used_cells
    maps = [np.asarray(m, dtype=np.uint8) for m in cv2.split(output.classes[:rows, :columns])]
    bone = bone_surface(maps[Tissue.BONE], card.thresholds.bone_pixel, plane)
    needle = needle_line(maps[Tissue.NEEDLE], card, plane)
    tip = None if needle is None else agreed_tip(output.tip[:rows, :columns], needle, card, plane)
    candidates = deposit_candidates(maps[Tissue.DEPOSIT], maps[Tissue.NEEDLE], card, bone, plane)
    boxes = [candidate.box for candidate in candidates]
    deposits = tuple(
        replace(
            candidate.deposit,
            shadow=shadow_type(canonical.pixels, candidate.box, boxes[:i] + boxes[i + 1 :], bone, needle, plane),
        )
        for i, candidate in enumerate(candidates)
    )
    return Scene(
        capture_ns=capture_ns,
        measurable=canonical.view.measurable,
        width_mm=plane.width_mm,
        depth_mm=plane.depth_mm,
        deposits=deposits,
        bone=bone,
        needle=needle,
        tip=tip,
        quality=picture_quality(canonical.pixels, plane),
    )

"""Where a real picture holds bright lines: fascia, bone, pleura. Crops around them are the negatives that are hardest."""

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import GreyImage

RIDGE_SIGMA_SHARE = 1 / 130
"""Width of the lines looked for, as a share of the picture's shorter side: about 0.3 mm of 38.4 mm, as a needle's."""
STRONGEST_SHARE = 0.02
"""Share of the pixels that are taken as ridge."""
POINTS = 96


def ridge_points(region: GreyImage) -> npt.NDArray[np.intp]:
    """Up to 96 points (n, 2) as (x, y) on the strongest bright lines and spots, strong and weak ones alike; the same each time.

    Strength: the most negative curvature of the picture smoothed to a line's width (Hessian ridge, Lindeberg 1998).
    """
    sigma = max(1.0, min(region.shape) * RIDGE_SIGMA_SHARE)
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), sigma)
    xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((2, 0), (0, 2), (1, 1)))
    strength = -(xx + yy) / 2 + np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    border = int(3 * sigma)
    strength[:border], strength[-border:], strength[:, :border], strength[:, -border:] = 0, 0, 0, 0
    rows, columns = np.nonzero(strength > max(float(np.quantile(strength, 1 - STRONGEST_SHARE)), 1e-3))
    if len(rows) == 0:
        return np.zeros((0, 2), dtype=np.intp)
    chosen = np.random.default_rng(0).permutation(len(rows))[:POINTS]
    return np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.intp)

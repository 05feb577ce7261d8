"""What the shipped int8 network makes of given pictures, as digests: python model_bytes.py PICTURES.npz. Run on both processors, and compared."""

import hashlib
import json
import platform
import sys
from typing import Any

import numpy as np


def digests(path: str) -> dict[str, Any]:
    """SHA-256 of the canonical frame and of the network's output, for each picture of the archive."""
    from barbotage_device.runtime.models import choose_model
    from barbotage_models.contract.canonical import to_canonical
    from barbotage_models.contract.geometry import Scale
    from barbotage_models.contract.taxonomy import Tissue

    model = choose_model(None, 1)
    results = []
    with np.load(path) as pictures:
        for name in sorted(pictures.files):
            canonical = to_canonical(pictures[name], Scale.isotropic(0.1))
            output = model.interpreter.run(canonical.pixels)
            results.append(
                {
                    "picture": name,
                    "canonical": hashlib.sha256(canonical.pixels.tobytes()).hexdigest(),
                    "output": hashlib.sha256(output.classes.tobytes() + output.tip.tobytes()).hexdigest(),
                    "deposit_px": int((output.classes.argmax(axis=2) == Tissue.DEPOSIT).sum()),
                }
            )
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "network": model.interpreter.name,
        "pictures": results,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests(sys.argv[1])) + "\n")

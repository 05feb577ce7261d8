"""What the shipped int8 network makes of given pictures: python model_bytes.py PICTURES.npz OUT.npz. Run on both processors, and compared."""

import json
import platform
import sys
from typing import Any

import numpy as np


def main(pictures: str, out: str) -> None:
    """Saves canonical frames, the product's outputs, and those of the interpreter's reference kernels; says what ran where."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from barbotage_device.runtime.models import choose_model
    from barbotage_models.bundle import bundled_model
    from barbotage_models.contract.canonical import to_canonical
    from barbotage_models.contract.geometry import Scale

    model = choose_model(None, 1)
    reference = Interpreter(str(bundled_model("int8")), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    reference.allocate_tensors()
    (entry,) = reference.get_input_details()
    found: dict[str, Any] = {}
    with np.load(pictures) as archive:
        for name in sorted(archive.files):
            frame = to_canonical(archive[name], Scale.isotropic(0.1)).pixels
            output = model.interpreter.run(frame)
            found |= {f"{name}/canonical": frame, f"{name}/classes": output.classes, f"{name}/tip": output.tip}
            planes = np.stack([frame] * entry["shape"][-1], axis=-1)[None]
            reference.set_tensor(entry["index"], (planes.astype(np.int16) - 128).astype(np.int8))
            reference.invoke()
            for number, each in enumerate(reference.get_output_details()):
                found[f"{name}/reference-{number}"] = reference.get_tensor(each["index"])
    np.savez(out, **found)
    said = {"machine": platform.machine(), "python": platform.python_version(), "network": model.interpreter.name}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How fast the simulated probe runs on one core at 192 lines: with everything moving, as a live source needs it.

python benchmarks/simulator.py [--quick] [--json]
"""

import argparse
import json
import time

import cv2
import numpy as np

from barbotage_models.simulator.scenario.live import LiveScene
from barbotage_models.simulator.scenario.script import scenario_start

TARGET_HZ = 15.0


def measure(scenario: str, frames: int) -> dict[str, float]:
    """CPU time per frame of a scripted scene (everything moves: probe, needle, and in the lavage the deposit)."""
    start, script = scenario_start(scenario)
    scene = LiveScene(start)
    hands = script(scene)
    durations = []
    for _ in range(frames):
        before = time.process_time()
        scene.step(0.05, next(hands))
        durations.append((time.process_time() - before) * 1e3)
    p50, p95 = np.percentile(durations[2:], (50, 95))
    return {
        "frames": frames,
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "rate_hz": round(1e3 / float(np.mean(durations)), 1),
    }


def main() -> int:
    """Prints the table or one JSON object; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result: dict[str, object] = {"lines": 192, "target_hz": TARGET_HZ, "threads": 1}
    rows = {name: measure(name, 60 if options.quick else 320) for name in ("scan", "procedure")}
    result["scenarios"] = rows
    met = all(row["rate_hz"] >= TARGET_HZ for row in rows.values())
    result["target_met"] = met
    if options.json:
        print(json.dumps(result))
    else:
        for name, row in rows.items():
            print(
                f"{name:10s} {row['rate_hz']:5.1f} frames/s  p50 {row['p50_ms']:.1f} ms  p95 {row['p95_ms']:.1f} ms CPU on one core"
            )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""The probe pod on the emulated board: latencies, telemetry over minutes, and the codec's bytes a second. All in emulated time.

python benchmarks/pod.py [--quick] [--json]

The board is emulated at 125 MHz without stalls of the flash's cache: times on silicon are 10 to 40 % longer (estimate). Nothing here depends
on how fast the machine is, only how long it takes: about four seconds of one core for each emulated second.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.device.pod.boards import Bench

from barbotage_device.probe_pod import protocol as p
from barbotage_firmware_tools.board.prompt import BoardPrompt
from barbotage_firmware_tools.build.image import build_image
from barbotage_firmware_tools.places import places

PEDAL_P99_MS = 10.0
RING_MAX_MS = 5.0
LOST_SHARE = 0.001
PEDAL = 10
I2C_BYTE_NS = 22_500
CODEC = """
import time
from pod import cobs, frame, protocol
_e = frame.Encoder()
_b = bytearray(range(1, 31)); _b[9] = 0; _b[17] = 0
def _t(f, n, size):
    f(); a = time.ticks_us()
    for _ in range(n): f()
    return round(size * n * 1e6 / time.ticks_diff(time.ticks_us(), a))
_w = bytes(_e.build(protocol.TILT, protocol.TILT_LAYOUT, 1, 2, 3, 4, 5, 6, 7))
_d = frame.Decoder()
def _r():
    for x in _w: _d.push(x)
print([_t(lambda: cobs.encode(_b, 0, 30), 100, 30), _t(lambda: cobs.encode_plain(_b, 0, 30), 50, 30),
       _t(lambda: _e.build(protocol.TILT, protocol.TILT_LAYOUT, 1, 2, 3, 4, 5, 6, 7), 50, 32), _t(_r, 20, 32)])
"""


def ring_ms(bench: Bench, turns: int, chance: random.Random) -> list[float]:
    """From a command at the USB host to the last bit on the ring's pin (the decoder adds its 50 us of latching)."""
    times = []
    aims = (p.Aim.ON_TARGET, p.Aim.UNCERTAIN)
    for turn in range(turns):
        bench.board.run(chance.uniform(60, 100))
        shown, sent_ms = len(bench.board.shown), bench.now_ms
        bench.send(p.Feedback(aims[turn % 2], 0, 0))
        bench.board.run(100, lambda before=shown: len(bench.board.shown) > before)  # type: ignore[misc]
        times.append(bench.board.shown[-1].at_ns / 1e6 - sent_ms)
    return times


def pedal_ms(bench: Bench, turns: int, chance: random.Random) -> list[float]:
    """From the edge at the pin to the frame at the USB host."""
    times = []
    for _ in range(turns):
        bench.board.run(chance.uniform(30, 60))
        start, pressed_ms = len(bench.said), bench.now_ms
        bench.board.press(PEDAL)
        bench.next(p.Input, 100, start)
        times.append(bench.now_ms - pressed_ms)
        bench.board.run(chance.uniform(30, 60))
        bench.board.release(PEDAL)
    return times


def telemetry(bench: Bench, seconds: int) -> dict[str, float]:
    """Frames lost while the device shows ten times a second."""
    start, lost = len(bench.said), bench.receiver.lost
    for _ in range(seconds * 10):
        bench.send(p.Feedback(p.Aim.ON_TARGET, 0, 0))
        bench.board.run(100)
    frames = len(bench.said) - start
    taken_us = np.array([message.time_us for _, message in bench.heard(p.Tilt, start)], dtype=np.int64)
    periods_ms = np.diff(taken_us) % (1 << 30) / 1000
    return {
        "emulated_s": seconds,
        "frames": frames,
        "lost": bench.receiver.lost - lost,
        "damaged": bench.receiver.damaged,
        "tilt_hz": round(1000 / float(periods_ms.mean()), 2),
        "tilt_period_p99_ms": round(float(np.percentile(np.abs(periods_ms - 20), 99)), 2),
        "restarts": bench.board.resets,
    }


def main() -> int:
    """Prints the table or one JSON object; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seconds of telemetry instead of ten minutes")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    chance = random.Random(5)
    bench = Bench(build_image(places(), lambda text: print(text, file=sys.stderr)), i2c_byte_ns=I2C_BYTE_NS)
    hello_ms = 0.0
    bench.boot()
    hello_ms = bench.now_ms
    turns = 30 if options.quick else 200
    ring, pedal = ring_ms(bench, turns, chance), pedal_ms(bench, turns, chance)
    line = telemetry(bench, 3 if options.quick else 600)
    codec = json.loads(BoardPrompt(bench.board).execute(CODEC))
    result = {
        "boot_to_handshake_ms": round(hello_ms, 1),
        "ring_p50_ms": round(float(np.percentile(ring, 50)), 2),
        "ring_max_ms": round(max(ring), 2),
        "pedal_p50_ms": round(float(np.percentile(pedal, 50)), 2),
        "pedal_p99_ms": round(float(np.percentile(pedal, 99)), 2),
        "telemetry": line,
        "codec_bytes_per_s": dict(zip(("cobs_viper", "cobs_plain", "whole_encoder", "whole_decoder"), codec, strict=True)),
    }
    met = float(np.percentile(pedal, 99)) <= PEDAL_P99_MS and max(ring) <= RING_MAX_MS
    met = met and line["lost"] <= LOST_SHARE * line["frames"] and not line["restarts"]
    result["targets_met"] = met
    print(json.dumps(result) if options.json else "\n".join(f"{name:22s} {value}" for name, value in result.items()))
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""The probe pod on the emulated board: latencies, telemetry over minutes, and the codec's bytes a second. All in emulated time.

python benchmarks/pod.py [--quick] [--json]

The board is emulated at 125 MHz without stalls of the flash's cache: times on silicon are 10 to 40 % longer (estimate). Nothing here depends
on how fast the machine is, only how long it takes: up to 12 seconds of one core for each emulated second, up to two hours for the ten minutes;
Ctrl-C ends them early, with what has been measured. The codec is measured beside what one would otherwise take: the plain Python of the PyPI package ``cobs``, and lines of JSON.
"""

import argparse
import contextlib
import inspect
import json
import random
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cobs.cobs import _cobs_py as peer
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
TELEMETRY_S, QUICK_TELEMETRY_S = 600, 1
TURNS, QUICK_TURNS = 200, 10
PROGRESS_S = 10
CODEC = """
import json, time
from pod import cobs, frame, protocol
_n = 30
_b = bytearray(range(1, _n + 1)); _b[9] = 0; _b[17] = 0
_p = bytes(_b[1:])
_s = peer_encode(_p)
_c = bytearray(_n)
_e = frame.Encoder()
_v = (123456789, 4321, -1234, 567, 89, 1, 7)
_w = bytes(_e.build(protocol.TILT, protocol.TILT_LAYOUT, *_v))
_d = frame.Decoder()
def _decode():
    _c[:] = _s
    cobs.decode(_c, _n)
def _receive():
    for x in _w: _d.push(x)
def _line():
    return json.dumps({"time_us": _v[0], "index": _v[1], "pitch": _v[2], "roll": _v[3], "rate": _v[4], "flags": _v[5], "moves": _v[6]}) + "\\n"
def _per_s(f, n, each):
    f(); a = time.ticks_us()
    for _ in range(n): f()
    return round(each * n * 1e6 / time.ticks_diff(time.ticks_us(), a))
_decode()
assert bytes(_c[1:]) == _p == peer_decode(_s)
print(json.dumps({
    "cobs_encode_bytes_per_s": _per_s(lambda: cobs.encode(_b, 0, _n), 100, _n),
    "cobs_decode_bytes_per_s": _per_s(_decode, 100, _n),
    "cobs_encode_without_machine_code_bytes_per_s": _per_s(lambda: cobs.encode_plain(_b, 0, _n), 50, _n),
    "frame_encoder_bytes_per_s": _per_s(lambda: _e.build(protocol.TILT, protocol.TILT_LAYOUT, *_v), 50, 32),
    "frame_decoder_bytes_per_s": _per_s(_receive, 20, 32),
    "peer_pypi_cobs_encode_bytes_per_s": _per_s(lambda: peer_encode(_p), 50, _n),
    "peer_pypi_cobs_decode_bytes_per_s": _per_s(lambda: peer_decode(_s), 50, _n),
    "tilt_frames_per_s": _per_s(lambda: _e.build(protocol.TILT, protocol.TILT_LAYOUT, *_v), 50, 1),
    "peer_tilt_json_lines_per_s": _per_s(_line, 50, 1),
    "tilt_frame_bytes": len(_w),
    "peer_tilt_json_line_bytes": len(_line()),
}))
"""


def peer_source() -> str:
    """The plain-Python codec of the PyPI package ``cobs``, with the two lines changed that MicroPython has no other way for."""
    source = ["class DecodeError(Exception): pass"]
    for function in (peer.encode, peer.decode):
        text = re.sub(r'"""[\s\S]*?"""', "", inspect.getsource(function), count=1)
        text = text.replace(f"def {function.__name__}(", f"def peer_{function.__name__}(")
        source.append(text.replace("_get_buffer_view(", "memoryview(").replace("0 in copy_mv", "0 in bytes(copy_mv)"))
    return "\n".join(line for part in source for line in part.splitlines() if line.strip())


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
    """Frames lost, and when samples were taken, while the device shows ten times a second. Ctrl-C ends it early."""
    start, lost = len(bench.said), bench.receiver.lost
    done = 0
    with contextlib.suppress(KeyboardInterrupt):
        while done < seconds:
            for _ in range(10):
                bench.send(p.Feedback(p.Aim.ON_TARGET, 0, 0))
                bench.board.run(100)
            done += 1
            if done % PROGRESS_S == 0:
                note(f"{done} of {seconds} emulated s: {len(bench.said) - start} frames, {bench.receiver.lost - lost} lost")
    tilts = [message for _, message in bench.heard(p.Tilt, start)]
    pressures = [message for _, message in bench.heard(p.Pressure, start)]
    periods_ms = np.diff([message.time_us for message in tilts]) % (1 << 30) / 1000
    return {
        "emulated_s": done,
        "frames": len(bench.said) - start,
        "lost": bench.receiver.lost - lost,
        "damaged": bench.receiver.damaged,
        "tilt_hz": round(1000 / float(periods_ms.mean()), 2),
        "tilt_period_error_p99_ms": round(float(np.percentile(np.abs(periods_ms - 20), 99)), 2),
        "pressure_samples_hz": round(sum(len(message.pressure_hpa) for message in pressures) / done, 2),
        "missing_samples": _missing([message.index for message in tilts], 1)
        + _missing([message.index for message in pressures], len(pressures[0].pressure_hpa)),
        "restarts": bench.board.resets,
    }


def _missing(indices: list[int], step: int) -> int:
    return sum((after - before - step) % (1 << 16) for before, after in pairwise(indices))


def codec(image: Path) -> dict[str, float]:
    """Bytes a second of the codec and of its peers, timed on the board by its own clock."""
    bench = Bench(image)
    bench.boot()
    found: dict[str, float] = json.loads(BoardPrompt(bench.board).execute(peer_source() + CODEC))
    return dict(sorted(found.items()))


def measured(quick: bool) -> dict[str, object]:
    """The whole table. Each part is noted as soon as it is there: the telemetry takes most of the time."""
    chance = random.Random(5)
    image = build_image(places(), note)
    result: dict[str, object] = {"codec": codec(image)}
    note(json.dumps(result))
    bench = Bench(image, i2c_byte_ns=I2C_BYTE_NS)
    bench.boot()
    result["boot_to_handshake_ms"] = round(bench.now_ms, 1)
    turns, seconds = (QUICK_TURNS, QUICK_TELEMETRY_S) if quick else (TURNS, TELEMETRY_S)
    ring, pedal = ring_ms(bench, turns, chance), pedal_ms(bench, turns, chance)
    for name, times in (("ring", ring), ("pedal", pedal)):
        p50, p99 = np.percentile(times, (50, 99))
        result[f"{name}_ms"] = {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(max(times), 2)}
    note(json.dumps(result))
    line = telemetry(bench, seconds)
    result["telemetry"] = line
    met = np.percentile(pedal, 99) <= PEDAL_P99_MS and max(ring) <= RING_MAX_MS and line["emulated_s"] == seconds
    result["targets_met"] = bool(met and line["lost"] <= LOST_SHARE * line["frames"] and not line["restarts"])
    return result


def note(text: str) -> None:
    """How far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Prints the table or one JSON object; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seconds of telemetry instead of ten minutes")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    result = measured(options.quick)
    print(json.dumps(result) if options.json else "\n".join(_lines(result)))
    return 0 if result["targets_met"] else 1


def _lines(values: dict[str, object], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [name, *_lines(value, "  ")]
        else:
            lines.append(f"{indent}{name:46s} {value}")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())

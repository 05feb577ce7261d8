"""The review page on a long session in Chromium, and reading frames from a session against an MP4 with OpenCV and raw files.

python benchmarks/review.py [--quick] [--minutes M] [--json]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.session.reader import SessionReader

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.support.barcode import read_barcode  # noqa: E402 - the numbered frames of the tests, also here
from tests.support.sessions import Script, write_session  # noqa: E402

RATE_HZ = 30.0
PEER_FRAMES = 1800
"""One minute goes into the MP4 and into raw files (0.5 GB); the session is read over the same frames."""
TARGETS = {"first_frame_s": 1.5, "seek_p50_ms": 25.0, "seek_p95_ms": 60.0, "playback_drop_share": 0.01, "server_mb": 200.0}
Grey = npt.NDArray[np.uint8]
Progress = Callable[[str], None]

SEEK = """async ([frames]) => {
  const { app, counters } = window.barbotage;
  let seen = () => {};
  app.player.on("frame", () => seen());
  const times = [];
  for (const frame of frames) {
    const asked = performance.now();
    await new Promise((go) => { seen = () => counters.last.frame === frame && go(); app.player.seek(frame); });
    times.push(counters.last.drawn_ms - asked);
    await new Promise((go) => setTimeout(go, 20));
  }
  return times;
}"""
PLAY = """async ([from, seconds]) => {
  const { app, counters } = window.barbotage;
  const later = (ms) => new Promise((go) => setTimeout(go, ms));
  app.player.seek(from);
  while (counters.last?.frame !== from) await later(5);
  await later(500);
  app.player.play();
  while (counters.last.frame === from) await later(1);
  const before = { drawn: counters.drawn, dropped: counters.dropped, stalls: counters.stalls, ms: counters.last.drawn_ms };
  await later(seconds * 1000);
  const played_s = (counters.last.drawn_ms - before.ms) / 1000;
  const result = { drawn: counters.drawn - before.drawn, dropped: counters.dropped - before.dropped, stalls: counters.stalls - before.stalls, played_s };
  app.player.pause();
  return result;
}"""


def measure_reading(session: Path, folder: Path, samples: int, say: Progress) -> dict[str, Any]:
    """Random access to the same frames of the same minute: session, MP4 (H.264 crf 23, keyframe each 250 frames), raw files."""
    with SessionReader.open(session) as reader:
        count = min(PEER_FRAMES, reader.frame_count)
        say(f"writing {count} frames as MP4 and raw files")
        pixels = _decoded(reader.frame(0).data)
        height, width = pixels.shape
        _write_peers(reader, count, folder)
        order = [int(i) for i in np.random.default_rng(1).integers(0, count, samples)]
        video = cv2.VideoCapture(str(folder / "peer.mp4"))
        readers: dict[str, Callable[[int], Grey]] = {
            "session": lambda i: _decoded(reader.frame(i).data),
            "mp4": lambda i: _from_video(video, i),
            "raw": lambda i: np.fromfile(folder / f"{i:06d}.raw", np.uint8).reshape(height, width),
        }
        say("reading at random")
        times: dict[str, list[float]] = {name: [] for name in readers}
        wrong = dict.fromkeys(readers, 0)
        # In alternating blocks, so that whatever else the machine does slows all of them.
        for start in range(0, samples, 10):
            for name, read in readers.items():
                for index in order[start : start + 10]:
                    before = time.perf_counter()
                    frame = read(index)
                    times[name].append((time.perf_counter() - before) * 1e3)
                    wrong[name] += read_barcode(frame) != index
        video.release()
    rows = {name: {**_percentiles(values), "wrong_frames": wrong[name]} for name, values in times.items()}
    return {
        "frames": count,
        "samples": samples,
        "random_frame": rows,
        "mp4_over_session": round(rows["mp4"]["p50_ms"] / rows["session"]["p50_ms"], 1),
    }


def _write_peers(reader: SessionReader, count: int, folder: Path) -> None:
    with av.open(str(folder / "peer.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(int(RATE_HZ)))
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "veryfast", "crf": "23"}
        stream.height, stream.width = _decoded(reader.frame(0).data).shape
        for index in range(count):
            grey = _decoded(reader.frame(index).data)
            grey.tofile(folder / f"{index:06d}.raw")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())


def _decoded(data: bytes) -> Grey:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _from_video(video: cv2.VideoCapture, index: int) -> Grey:
    video.set(cv2.CAP_PROP_POS_FRAMES, index)
    return np.asarray(cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2GRAY), np.uint8)


@contextmanager
def serving(session: Path) -> Iterator[tuple[str, int]]:
    """A running ``barbotage review``: its address with token, and its process."""
    command = [str(Path(sys.executable).with_name("barbotage")), "review", str(session), "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        lines = server.stderr or ()
        found = next(match for line in lines if (match := re.search(r"http://127\.0\.0\.1:\d+/\S*", line)))
        try:
            yield found.group(0), server.pid
        finally:
            server.terminate()
            server.communicate()


def measure_page(session: Path, quick: bool, say: Progress) -> dict[str, Any]:
    """Opening, seeking and playing in Chromium, and the server's memory (anonymous pages of it and its children)."""
    from playwright.sync_api import sync_playwright

    with SessionReader.open(session) as reader:
        count = reader.frame_count
    order = [int(i) for i in np.random.default_rng(2).permutation(count)[: 50 if quick else 200]]
    with serving(session) as (url, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(url)
        address = f"{url[: url.index('/', len('http://'))]}/session/{session.name}"
        say("opening")
        first = []
        for _ in range(3 if quick else 7):
            page.goto("about:blank")
            page.goto(address)
            page.wait_for_function("() => window.barbotage?.counters.first_ms != null")
            first.append(page.evaluate("() => window.barbotage.counters.first_ms"))
        page.wait_for_load_state("networkidle")
        say(f"{len(order)} random seeks")
        seeks = page.evaluate(SEEK, [order])
        say("playing")
        seconds = 5 if quick else 10
        play = page.evaluate(PLAY, [count // 3, seconds])
        expected = round(play["played_s"] * RATE_HZ)
        heap = page.evaluate("() => performance.memory ? performance.memory.usedJSHeapSize / 1e6 : null")
        memory = _anonymous_mb(pid)
        version = browser.version
        browser.close()
    seek = _percentiles(seeks)
    return {
        "frames": count,
        "chromium": version,
        "first_frame_s": round(float(np.median(first)) / 1e3, 3),
        "first_frame_worst_s": round(float(max(first)) / 1e3, 3),
        "seeks": len(seeks),
        "seek_p50_ms": seek["p50_ms"],
        "seek_p95_ms": seek["p95_ms"],
        "playback": {**play, "expected": expected},
        "playback_drop_share": round(max(play["dropped"], expected - play["drawn"]) / expected, 4),
        "page_heap_mb": None if heap is None else round(heap, 1),
        "server_mb": round(memory, 1),
    }


def _anonymous_mb(pid: int) -> float:
    """Anonymous memory of a process and its children, without the page cache, in MB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    own = re.findall(r"^Anonymous:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"), re.MULTILINE)
    return int(own[0]) / 1e3 + sum(_anonymous_mb(int(child)) for child in children)


def _percentiles(values_ms: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values_ms, (50, 95))
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}


def main() -> int:
    """Prints a table or one JSON object; 1 when a frame was wrong or, in a full run, a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a session of one minute, fewer samples, targets not judged")
    parser.add_argument("--minutes", type=float, help="length of the session; 10, with --quick 1")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    say = lambda text: print(text, file=sys.stderr)  # noqa: E731
    frames = round((options.minutes or (1 if options.quick else 10)) * 60 * RATE_HZ)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        say(f"writing a session of {frames} frames")
        session = write_session(Path(folder), Script(frames=frames, rate_hz=RATE_HZ, unsure=(frames // 2, frames // 2 + 60)))
        size = sum(file.stat().st_size for file in session.iterdir())
        (peers := Path(folder) / "peers").mkdir()
        result: dict[str, Any] = {"session": {"frames": frames, "mb": round(size / 1e6)}}
        result["reading"] = measure_reading(session, peers, 40 if options.quick else 120, say)
        result["page"] = measure_page(session, options.quick, say)
    wrong = result["reading"]["random_frame"]["session"]["wrong_frames"]
    # A quick run shows that everything works; its few samples on a busy machine judge nothing.
    missed = [] if options.quick else [name for name, limit in TARGETS.items() if result["page"][name] > limit]
    result["targets"], result["missed"] = TARGETS, missed
    if options.json:
        print(json.dumps(result))
    else:
        _print_table(result)
    return 1 if missed or wrong else 0


def _print_table(result: dict[str, Any]) -> None:
    reading, page = result["reading"], result["page"]
    print(f"{'a frame at random':28s} {'p50':>9s} {'p95':>9s}   wrong frames of {reading['samples']}")
    for name, row in reading["random_frame"].items():
        print(f"{name:28s} {row['p50_ms']:6.2f} ms {row['p95_ms']:6.2f} ms   {row['wrong_frames']}")
    for name, limit in TARGETS.items():
        print(f"{name:28s} {page[name]:9.3f}   (at most {limit:g})")


if __name__ == "__main__":
    raise SystemExit(main())

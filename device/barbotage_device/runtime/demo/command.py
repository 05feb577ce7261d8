"""The command ``demo``: runs the procedure, opens a window when there is a display, and says where the results are."""

from typing import Any

from barbotage_device.bedside.window import Window, open_window
from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console
from barbotage_device.runtime.demo.procedure import SHEET_NAME, SUMMARY_NAME, VIDEO_NAME, Demo, DemoRequest
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.recording.ending import make_copies_afterwards


def demo(request: DemoRequest, model: LoadedModel, console: Console, *, as_json: bool, with_window: bool) -> int:
    """Runs the demo; 1 when the operator, going by the guidance, did not reach and wash the deposit."""
    window = _window(console) if with_window else None
    console.note("A simulated operator, who sees only the screen, is guided to the deposit and washes it (about half a minute).")
    result = Demo(request, model, console.note, window).run()
    if result.session.state == "closed":
        make_copies_afterwards(result.session_path, console)
    if as_json:
        console.result_json(result.summary)
    else:
        _tell(result.summary, request, console)
    if not result.placed:
        console.error(f"the procedure did not finish; look at {request.out / VIDEO_NAME}")
        return EXIT_FAILED
    return EXIT_DONE


def _window(console: Console) -> Window | None:
    window, reason = open_window("Barbotage")
    if window is None:
        console.note(f"no window: {reason}")
    return window


def _tell(summary: dict[str, Any], request: DemoRequest, console: Console) -> None:
    error, placement, total = summary["tip_error_mm"], summary["placement"], summary["stages"].get("total")
    if placement is not None:
        where = "inside" if placement["tip_in_deposit"] else "OUTSIDE"
        console.result(
            f"needle placed after {placement['at_s']:.1f} s: true tip {where} the deposit, "
            f"{placement['tip_to_centre_mm']} mm from its centre"
        )
    if error is not None:
        console.result(
            f"tip shown against truth: median {error['median']:.2f} mm, p95 {error['p95']:.2f} mm over {error['frames']} frames"
        )
    lavage = summary["lavage"]
    counted = ", ".join(f"{count} from {way}" for way, count in lavage["counted_cycles"].items()) or "none: no lavage"
    console.result(f"lavage: {lavage['true_cycles']} cycles, {lavage['true_washed_share']:.0%} washed out; counted: {counted}")
    if total is not None:
        console.result(f"time per frame: p50 {total['p50_ms']:.2f} ms, p95 {total['p95_ms']:.2f} ms; {summary['frames']} frames")
    for name, what in ((VIDEO_NAME, "overlay video"), (SHEET_NAME, "key moments"), (SUMMARY_NAME, "all figures")):
        console.result(f"  {request.out / name}  {what}")
    session = summary["session"]
    console.result(
        f"  {request.out / session['path']}  the recorded session: {session['frames']} frames, {session['events']} events"
    )
    if session["frames_not_recorded"]:
        console.warning(f"{session['frames_not_recorded']} frames are not in the session; the disk is too slow")
    if session["state"] != "closed":
        console.warning(f"the session is not closed; run 'barbotage-device sessions recover {request.out / session['path']}'")

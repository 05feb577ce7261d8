import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from tests.host.review.conftest import Client
from tests.support.barcode import read_barcode

from barbotage_device.session.reader import SessionReader

STORED = Path(__file__).parents[2] / "data" / "session-small"
"""Recorded live with the bundled model, without loss."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], Client]) -> tuple[Client, str]:
    root = tmp_path_factory.mktemp("stored")
    shutil.copytree(STORED, root / "small")
    client = serve(root)
    return client, f"/api/sessions/{client.get('/api/sessions').json[0]['id']}"


@pytest.fixture(scope="module")
def rerun(stored: tuple[Client, str]) -> Any:
    """The record of a finished re-run of the stored session."""
    client, session = stored
    assert client.get(f"{session}/rerun/differences").status == 404
    started = client.ask("POST", f"{session}/rerun")
    assert started.status == 202
    return client.ended(started.json["job"])


def test_the_same_model_over_lossless_frames_says_the_same_again(stored: tuple[Client, str], rerun: Any) -> None:
    client, session = stored
    frames = client.get(session).json["frame_count"]
    assert (rerun["state"], rerun["error"], rerun["done"], rerun["total"]) == ("done", None, frames, frames)
    found = client.get(f"{session}/rerun/differences").json
    assert (found["compared"], found["identical"], found["different"], found["list"]) == (frames, frames, 0, [])
    assert found["lossless"] is True
    assert found["changed"] == {}


def test_the_re_runs_overlay_has_the_form_and_frames_of_the_recorded_one(stored: tuple[Client, str], rerun: Any) -> None:
    client, session = stored
    assert rerun["state"] == "done"
    recorded, again = (client.get(f"{session}{place}/overlay?from=3&count=9").json for place in ("", "/rerun"))
    assert [row["frame"] for row in again] == list(range(3, 12))
    assert [row["detections"] for row in again] == [row["detections"] for row in recorded]
    assert [row["guidance"].keys() for row in again] == [row["guidance"].keys() for row in recorded]


def test_a_running_re_run_can_be_cancelled(client: Client, small_session_id: str) -> None:
    job = client.ask("POST", f"/api/sessions/{small_session_id}/rerun").json["job"]
    assert client.ask("DELETE", f"/api/jobs/{job}").status == 200
    assert client.ended(job)["state"] == "cancelled"
    assert client.get(f"/api/sessions/{small_session_id}/rerun/differences").status == 404


def test_a_model_that_sees_otherwise_is_told_frame_by_frame(client: Client, small_session_id: str) -> None:
    job = client.ask("POST", f"/api/sessions/{small_session_id}/rerun").json["job"]
    result = client.ended(job)["result"]
    found = client.get(f"/api/sessions/{small_session_id}/rerun/differences").json
    assert result["frames"] == 60
    assert result["compared"] == 60 - 60 // 17
    assert 0 < result["different"] == len(found["frames_different"])
    assert {one["frame"] for one in found["list"]} <= set(found["frames_different"])
    assert found["list"][0].keys() == {"frame", "what", "recorded", "again"}
    unprocessed = client.get(f"/api/sessions/{small_session_id}/rerun/overlay?from=16&count=1").json[0]
    assert unprocessed == {"frame": 16, "detections": None, "guidance": None}


@pytest.mark.parametrize(("overlay", "count", "size"), [(False, 20, (320, 320)), (True, 5, (1280, 800))])
def test_an_exported_video_plays_the_frames_asked_for_at_their_times(
    client: Client, small_session_id: str, overlay: bool, count: int, size: tuple[int, int]
) -> None:
    asked = {"kind": "video", "from": 10, "to": 10 + count, "overlay": overlay, "language": "fr"}
    job = client.ask("POST", f"/api/sessions/{small_session_id}/export", asked).json["job"]
    record = client.ended(job)
    assert record["state"] == "done", record["error"]
    answer = client.get(record["result"]["url"])
    assert record["result"]["name"] in answer.headers["content-disposition"]
    with av.open(io.BytesIO(answer.body), "r") as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        pictures = [(picture.time, picture.to_ndarray(format="gray")) for picture in video.decode(stream)]
    assert len(pictures) == count
    np.testing.assert_allclose([time for time, _ in pictures], np.arange(count) / 30, atol=2e-3)
    assert {picture.shape[::-1] for _, picture in pictures} == {size}
    if not overlay:
        assert [read_barcode(np.asarray(picture, np.uint8)) for _, picture in pictures] == list(range(10, 10 + count))


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "video", "from": 5, "to": 5},
        {"kind": "video", "from": 0, "to": 61},
        {"kind": "video", "from": -1, "to": 3},
        {"kind": "video", "from": "0", "to": 3},
        {"kind": "video", "from": True, "to": 3},
        {"kind": "video"},
        {"kind": "gif", "from": 0, "to": 3},
        {"kind": "video", "from": 0, "to": 3, "path": "/etc/passwd"},
        [],
        b"{",
    ],
)
def test_a_video_of_nothing_is_refused_at_once(client: Client, small_session_id: str, asked: object) -> None:
    answer = client.ask("POST", f"/api/sessions/{small_session_id}/export", asked)
    assert answer.status == 422
    assert answer.json["error"]


def test_a_picture_without_overlay_is_the_recorded_frame(stored: tuple[Client, str]) -> None:
    client, session = stored
    png = cv2.imdecode(np.frombuffer(client.get(f"{session}/export/frame/7.png").body, np.uint8), cv2.IMREAD_UNCHANGED)
    with SessionReader.open(STORED) as reader:
        recorded = cv2.imdecode(np.frombuffer(reader.frame(7).data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert png is not None
    assert recorded is not None
    np.testing.assert_array_equal(png, recorded)


def test_a_picture_with_overlay_is_drawn_as_at_the_bedside(client: Client, small_session_id: str) -> None:
    def picture(query: str) -> Any:
        answer = client.get(f"/api/sessions/{small_session_id}/export/frame/30.png?overlay=1{query}")
        return cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)

    english, french = picture(""), picture("&language=fr")
    assert english.shape == (800, 1280, 3)
    assert np.any(english != french)
    assert np.any(np.ptp(english.astype(int), axis=2) > 60), "no colour: no overlay was drawn"


def test_a_frame_that_was_not_processed_has_no_picture_with_overlay(client: Client, small_session_id: str) -> None:
    answer = client.get(f"/api/sessions/{small_session_id}/export/frame/16.png?overlay=1")
    assert answer.status == 422
    assert "not processed" in answer.json["error"]


def test_an_unknown_export_is_not_found(client: Client) -> None:
    assert client.get("/api/exports/1/nothing.mp4").status == 404
    assert client.get("/api/jobs/99").status == 404

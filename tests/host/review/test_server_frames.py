import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.host.review.conftest import SMALL, Client
from tests.host.review.gappy import PROCESSED, RECORDED, write_gappy

from barbotage_device.session.reader import SessionReader


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], Client]) -> tuple[Client, str]:
    path = write_gappy(tmp_path_factory.mktemp("gappy"))
    return serve(path.parent), f"/api/sessions/{path.name}"


def test_a_frame_is_the_recorded_bytes_and_may_be_kept_for_ever(client: Client, small_session: Path) -> None:
    with SessionReader.open(small_session) as reader:
        for number in (0, 17, 59):
            answer = client.get(f"/api/sessions/{small_session.name}/frames/{number}")
            assert answer.body == reader.frame(number).data
            assert answer.headers["content-type"] == "image/jpeg"
            assert "immutable" in answer.headers["cache-control"]


def test_a_chunk_holds_each_frame_behind_its_length(client: Client, small_session: Path) -> None:
    content = client.get(f"/api/sessions/{small_session.name}/frames?from=55&count=20").body
    frames = []
    while content:
        (length,) = struct.unpack_from("<I", content)
        frames.append(content[4 : 4 + length])
        content = content[4 + length :]
    with SessionReader.open(small_session) as reader:
        assert frames == [reader.frame(number).data for number in range(55, 60)]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/frames/60", 404),
        ("/frames/-1", 422),
        ("/frames/1.5", 422),
        ("/frames/٣", 422),
        ("/frames/99999999999999999999", 422),
        ("/frames?from=60&count=1", 422),
        ("/frames?from=0&count=61", 422),
        ("/frames?from=0&count=0", 422),
        ("/frames?count=3", 422),
        ("/overlay?from=0&count=301", 422),
        ("/overlay?from=x&count=1", 422),
        ("/series/nothing", 404),
        ("/axis/nothing", 404),
        ("/export/frame/60.png", 422),
        ("/export/frame/0.png?overlay=yes", 422),
        ("/export/series.xlsx", 422),
    ],
)
def test_what_does_not_exist_is_said_in_words(client: Client, small_session_id: str, path: str, status: int) -> None:
    from urllib.parse import quote

    answer = client.get(f"/api/sessions/{small_session_id}{quote(path, safe='/?=&')}")
    assert answer.status == status
    assert answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_an_overlay_belongs_to_its_own_frame_and_is_null_where_nothing_was_processed(gappy: tuple[Client, str]) -> None:
    client, session = gappy
    rows = client.get(f"{session}/overlay?from=0&count=300").json
    assert [row["frame"] for row in rows] == list(range(len(RECORDED)))
    for row, sequence in zip(rows, RECORDED, strict=True):
        if sequence in PROCESSED:
            assert row["detections"]["sequence"] == row["guidance"]["sequence"] == sequence
            assert row["guidance"]["stale"] is False
        else:
            assert row["detections"] is row["guidance"] is None


@pytest.mark.parametrize("frame", range(len(RECORDED)))
def test_one_overlay_alone_is_the_same_as_among_many(gappy: tuple[Client, str], frame: int) -> None:
    client, session = gappy
    assert (
        client.get(f"{session}/overlay?from={frame}&count=1").json
        == client.get(f"{session}/overlay?from=0&count=7").json[frame : frame + 1]
    )


def test_curves_are_aligned_with_the_recorded_frames(gappy: tuple[Client, str]) -> None:
    client, session = gappy
    distances = np.frombuffer(client.get(f"{session}/series/tip_to_target_mm").body, "<f4")
    expected = [100.0 + sequence if sequence in PROCESSED else np.nan for sequence in RECORDED]
    np.testing.assert_array_equal(distances, np.array(expected, np.float32))
    axis = np.frombuffer(client.get(f"{session}/axis/frames").body, "<f8")
    np.testing.assert_allclose(axis, [0.04 * sequence for sequence in RECORDED])


def test_several_curves_come_one_after_the_other(gappy: tuple[Client, str]) -> None:
    client, session = gappy
    both = client.get(f"{session}/series?names=latency_ms,tip_to_target_mm").body
    assert both == client.get(f"{session}/series/latency_ms").body + client.get(f"{session}/series/tip_to_target_mm").body


def test_the_session_names_the_curves_that_it_has(gappy: tuple[Client, str], client: Client, small_session_id: str) -> None:
    names = [series["name"] for series in gappy[0].get(gappy[1]).json["series"]]
    assert names == ["tip_to_target_mm", "angle_error_deg", "confidence", "latency_ms", "stage_inference_ms", "stage_draw_ms"]
    for series in client.get(f"/api/sessions/{small_session_id}").json["series"]:
        length = {"frames": SMALL.frames, "pod": 3 * SMALL.frames}[series["axis"]]
        assert len(client.get(f"/api/sessions/{small_session_id}/series/{series['name']}").body) == 4 * length
    assert len(client.get(f"/api/sessions/{small_session_id}/axis/pod").body) == 8 * 3 * SMALL.frames


def test_a_change_of_scale_and_an_event_are_told_by_frame(gappy: tuple[Client, str]) -> None:
    session = gappy[0].get(gappy[1]).json
    assert [(each["from_frame"], each["scale_mm_per_px"]) for each in session["geometry"]] == [(0, [0.1, 0.1]), (4, [0.2, 0.1])]
    assert [(event["kind"], event["frame"]) for event in session["events"]] == [("bookmark", 4)]


def test_doubtful_stretches_begin_where_the_tip_is_not_sure(client: Client, small_session_id: str) -> None:
    assert client.get(f"/api/sessions/{small_session_id}/low-confidence").json == [SMALL.unsure[0]]


def test_the_csv_has_a_line_per_frame_and_nothing_where_nothing_is_known(gappy: tuple[Client, str]) -> None:
    client, session = gappy
    lines = client.get(f"{session}/export/series.csv").body.decode().splitlines()
    assert lines[0].startswith("frame,sequence,t_s,tip_to_target_mm,")
    assert len(lines) == 1 + len(RECORDED)
    assert lines[1].startswith("0,0,0.0,100.0,,0.9,10.0,")
    assert lines[2].startswith("1,1,0.04,,,,,")


def test_json_lines_say_null_where_nothing_is_known(gappy: tuple[Client, str]) -> None:
    import json

    rows = [json.loads(line) for line in gappy[0].get(f"{gappy[1]}/export/series.jsonl").body.splitlines()]
    assert [row["sequence"] for row in rows] == list(RECORDED)
    assert [row["tip_to_target_mm"] for row in rows[:3]] == [100.0, None, 102.0]


def test_the_pressure_of_a_frame_is_the_newest_sample(client: Client, small_session_id: str) -> None:
    import csv

    text = client.get(f"/api/sessions/{small_session_id}/export/series.csv").body.decode().splitlines()
    table = list(csv.DictReader(text))
    pod_s = np.frombuffer(client.get(f"/api/sessions/{small_session_id}/axis/pod").body, "<f8")
    kpa = np.frombuffer(client.get(f"/api/sessions/{small_session_id}/series/pressure_kpa").body, "<f4")
    frame = 45
    newest = kpa[pod_s <= float(table[frame]["t_s"]) + 1e-6][-1]
    assert newest > 0
    assert float(table[frame]["pressure_kpa"]) == pytest.approx(float(newest), rel=1e-5)

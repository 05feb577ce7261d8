"""The tools of the player in Chromium: measure, correct, compare, export; each reviewer's file holds what was done, and nothing else changes."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from barbotage_host.review.reviews import Correction, Judgement, Review, Verdict
from barbotage_host.review.sidecars import save
from barbotage_models.contract.geometry import PointPx

pytestmark = pytest.mark.browser

NOT_PROCESSED = 16
TIP_OF_FRAME_20 = [140.741, 171.852]
"""Where tests/support/sessions.py draws it."""


@pytest.fixture(autouse=True)
def faults(page: Page) -> Iterator[list[str]]:
    """What the browser complains about; a test that provokes it clears the list."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def tools(player: Page) -> Page:
    """The player with its tools, at frame 20."""
    player.wait_for_selector("body[data-ready=all]")
    seek(player, 20)
    return player


def seek(page: Page, frame: int) -> None:
    page.get_by_role("slider", name="Position").fill(str(frame))
    page.wait_for_function("frame => window.barbotage?.counters.last?.frame === frame", arg=frame)


def open_panel(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name).click()
    return page.get_by_role("tabpanel", name=name)


def name_reviewer(page: Page, name: str = "AB") -> None:
    dialog = page.get_by_role("dialog", name="Who reviews?")
    dialog.get_by_role("combobox", name="Name or initials").fill(name)
    dialog.get_by_role("button", name="Review under this name").click()
    expect(dialog).to_be_hidden()


def stored(page: Page) -> None:
    """Waits until the document of the page is on the server's disk."""
    page.wait_for_function("() => window.barbotage.app.review.state === 'saved' && window.barbotage.app.review.canUndo")


def sidecar(review: Any, name: str = "AB") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((review.complete / "review" / f"{name}.json").read_text(encoding="utf-8"))
    return document


def on_page(page: Page, point: tuple[float, float]) -> tuple[float, float]:
    """Where a pixel of the frame lies on the page."""
    x, y = page.evaluate(
        """point => {
          const { view } = window.barbotage.app;
          const box = view.stage.getBoundingClientRect();
          const [x, y] = view.toScreen(point);
          return [box.x + x, box.y + y];
        }""",
        list(point),
    )
    return x, y


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*on_page(page, start))
    page.mouse.down()
    page.mouse.move(*on_page(page, end), steps=4)
    page.mouse.up()


def numbers(words: str) -> list[float]:
    return [float(v) for v in re.findall(r"\d+(?:\.\d+)?", words)]


def digests(session: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in session.iterdir() if p.is_file()}


def test_a_caliper_is_drawn_in_mm_stored_and_counted_in_the_table(tools: Page, review: Any) -> None:
    before = digests(review.complete)
    panel = open_panel(tools, "Measure")
    panel.get_by_label("When").select_option("before")
    panel.get_by_label("Plane").select_option("short")
    panel.get_by_role("button", name="Caliper", exact=True).click()
    drag(tools, (100, 100), (200, 100))
    name_reviewer(tools)
    row = panel.get_by_role("row", name=re.compile("^Caliper 1"))
    expect(row).to_contain_text("21")
    length, uncertainty = numbers(row.locator(".size").inner_text())
    assert length == pytest.approx(6.0, abs=0.1)
    assert uncertainty == pytest.approx(0.042, abs=0.005)
    stored(tools)
    (measure,) = sidecar(review)["measures"]
    assert (measure["kind"], measure["frame"], measure["when"], measure["plane"], measure["reading"]) == (
        "caliper",
        20,
        "before",
        "short",
        1,
    )
    assert measure["points_px"][1] == pytest.approx([200, 100], abs=1)
    table = panel.get_by_role("table", name="Before and after the lavage")
    expect(table.get_by_role("row", name=re.compile("^AB"))).to_contain_text("Short axis")
    expect(table.get_by_role("row", name=re.compile("^Device"))).to_contain_text("reduced by 50 % or more")
    expect(panel.get_by_text("Measured on the day of the lavage")).to_be_visible()
    assert digests(review.complete) == before


def test_measuring_goes_by_keys_alone(tools: Page) -> None:
    tools.keyboard.press("m")
    tools.keyboard.press("Enter")
    tools.get_by_role("combobox", name="Name or initials").press_sequentially("AB")
    tools.keyboard.press("Enter")
    first = tools.get_by_role("button", name=re.compile("^Caliper 1, point 1 of 2"))
    expect(first).to_be_focused()
    size = tools.get_by_role("row", name=re.compile("^Caliper 1")).locator(".size")
    (length, _) = numbers(size.inner_text())
    for key, change_px in [("ArrowLeft", 1), ("Shift+ArrowLeft", 10), ("ArrowRight", -1), ("Alt+ArrowRight", -0.1)]:
        tools.keyboard.press(key)
        length += change_px * 0.06
        expect(size).to_contain_text(re.compile(rf"{length - 0.006:.2f}|{length:.2f}|{length + 0.006:.2f}"))
    assert tools.evaluate("() => window.barbotage.app.player.target") == 20
    tools.keyboard.press("Escape")
    expect(first).to_be_hidden()


def test_points_move_and_every_change_can_be_undone(tools: Page, review: Any) -> None:
    panel = open_panel(tools, "Measure")
    panel.get_by_role("button", name="Outline", exact=True).click()
    for point in ((100, 100), (200, 100), (200, 200), (100, 200)):
        tools.mouse.click(*on_page(tools, point))
    tools.keyboard.press("Enter")
    name_reviewer(tools)
    row = panel.get_by_role("row", name=re.compile("^Outline 1"))
    longest, _, across, _, area, _ = numbers(row.locator(".size").inner_text().replace("mm²", "").replace("×", " "))
    assert (longest, across, area) == pytest.approx((8.49, 8.49, 36.0), abs=0.3)

    third = tools.get_by_role("button", name=re.compile("^Outline 1, point 3 of 4"))
    third.hover()
    tools.mouse.down()
    tools.mouse.move(*on_page(tools, (250, 230)), steps=3)
    tools.mouse.up()
    stored(tools)
    assert sidecar(review)["measures"][0]["points_px"][2] == pytest.approx([250, 230], abs=1)
    third.focus()
    tools.keyboard.press("Enter")
    expect(tools.get_by_role("button", name=re.compile("^Outline 1, point 4 of 5"))).to_be_focused()
    tools.keyboard.press("Delete")
    expect(tools.get_by_role("button", name=re.compile("point 4 of 4"))).to_be_focused()
    for _ in range(3):
        tools.keyboard.press("Control+z")
    stored(tools)
    assert sidecar(review)["measures"][0]["points_px"][2] == pytest.approx([200, 200], abs=1)
    tools.keyboard.press("Control+y")
    stored(tools)
    assert sidecar(review)["measures"][0]["points_px"][2] == pytest.approx([250, 230], abs=1)
    panel.get_by_role("button", name="Delete Outline 1").click()
    expect(panel.get_by_text("No measure yet")).to_be_visible()


def test_without_a_scale_no_length_is_shown(page: Page, review: Any) -> None:
    page.goto(review.url)
    page.goto(review.page_of(review.without_scale))
    page.wait_for_selector("body[data-ready=all]")
    panel = open_panel(page, "Measure")
    expect(panel.get_by_text("Scale unknown: measures are hidden.")).to_be_visible()
    panel.get_by_role("button", name="Caliper", exact=True).click()
    drag(page, (100, 100), (200, 100))
    name_reviewer(page)
    row = panel.get_by_role("row", name=re.compile("^Caliper 1"))
    expect(row.locator(".size")).to_contain_text("Scale unknown")
    stored(page)
    assert not re.search(r"\d\s*mm", panel.inner_text())


def test_a_frame_is_accepted_and_rejected_by_key_object_by_object(tools: Page, review: Any) -> None:
    tools.keyboard.press("a")
    name_reviewer(tools, "Dr É. Blé")
    panel = tools.get_by_role("tabpanel", name="Correct")
    expect(panel.get_by_role("button", name="Accept: Whole frame")).to_have_attribute("aria-pressed", "true")
    tools.keyboard.press("t")
    tools.keyboard.press("t")
    tools.keyboard.press("r")
    expect(panel.get_by_role("button", name="Reject: Tip")).to_have_attribute("aria-pressed", "true")
    panel.get_by_role("button", name="Reject: Deposit 1").click()
    panel.get_by_role("button", name="Reject: Deposit 1").click()
    expect(panel.get_by_role("button", name="Reject: Deposit 1")).to_have_attribute("aria-pressed", "false")
    expect(panel.get_by_role("button", name="Reject: Deposit 1")).to_be_focused()
    panel.get_by_role("textbox", name="Note on this frame").fill("pointe floue")
    tools.keyboard.press("Tab")
    expect(panel.get_by_role("listitem").filter(has_text="pointe floue")).to_contain_text("Whole frame: accepted · Tip: rejected")
    stored(tools)
    document = sidecar(review, "Dr É. Blé")
    assert document["verdicts"] == [
        {"frame": 20, "object": "frame", "verdict": "accepted"},
        {"frame": 20, "object": "tip", "verdict": "rejected"},
    ]
    assert document["notes"] == [{"frame": 20, "text": "pointe floue"}]
    seek(tools, 5)
    expect(panel.get_by_role("textbox", name="Note on this frame")).to_have_value("")
    panel.get_by_role("button", name="Frame 21").click()
    tools.wait_for_function("() => window.barbotage.counters.last?.frame === 20")


def test_tip_shaft_and_outlines_are_corrected(tools: Page, review: Any) -> None:
    panel = open_panel(tools, "Correct")
    panel.get_by_role("button", name="Correct the tip").click()
    tip = tools.get_by_role("button", name=re.compile("^Tip, point 1 of 1"))
    expect(tip).to_be_focused()
    tools.keyboard.press("ArrowRight")
    tools.keyboard.press("ArrowDown")
    tools.keyboard.press("Escape")
    name_reviewer(tools)
    panel.get_by_role("button", name="Not visible: needle").click()
    panel.get_by_role("button", name="Correct the deposits").click()
    expect(tools.get_by_role("button", name=re.compile("^Outline 1, point 1 of"))).to_be_focused()
    panel.get_by_role("button", name="Add an outline").click()
    for point in ((500, 100), (560, 100), (560, 150)):
        tools.mouse.click(*on_page(tools, point))
    tools.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="Outline 2", exact=True)).to_have_attribute("aria-pressed", "true")
    stored(tools)
    (correction,) = sidecar(review)["corrections"]
    x, y = TIP_OF_FRAME_20
    assert correction["tip_px"] == pytest.approx([x + 1, y + 1], abs=0.01)
    assert (correction["tip_visible"], correction["shaft"], correction["shaft_visible"]) == (True, None, False)
    assert len(correction["deposits"]) == 2
    assert correction["deposits"][1]["outline_px"][2] == pytest.approx([560, 150], abs=1)
    panel.get_by_role("button", name="Take the correction back: tip").click()
    stored(tools)
    assert sidecar(review)["corrections"][0]["tip_visible"] is None


def test_a_frame_that_was_not_processed_can_be_corrected_and_not_accepted(tools: Page) -> None:
    panel = open_panel(tools, "Correct")
    seek(tools, NOT_PROCESSED)
    expect(panel.get_by_text("recorded but not processed live")).to_be_visible()
    expect(panel.get_by_role("button", name="Accept: Tip")).to_have_count(0)
    expect(panel.get_by_role("button", name="Correct the tip")).to_be_enabled()


def others(review: Any) -> None:
    """Two reviewers who agree about frame 20 and not about frame 30."""
    one = (Verdict(20, "frame", Judgement.ACCEPTED), Verdict(30, "tip", Judgement.ACCEPTED))
    save(review.complete, Review(review.complete.name, "CD", verdicts=one), 0)
    moved = Correction(30, None, None, PointPx(300, 40), True)
    two = Review(review.complete.name, "EF", verdicts=(Verdict(20, "tip", Judgement.ACCEPTED),), corrections=(moved,))
    save(review.complete, two, 0)


def test_two_reviewers_are_compared(tools: Page, review: Any) -> None:
    others(review)
    panel = open_panel(tools, "Compare")
    expect(panel.get_by_role("status").first).to_contain_text("2 frames judged by both, 1 without disagreement")
    table = panel.get_by_role("table", name="Agreement frame by frame")
    expect(table.get_by_role("row", name=re.compile("^21"))).to_contain_text("agree")
    differing = table.get_by_role("row", name=re.compile("^31"))
    expect(differing).to_contain_text("≠ Tip")
    assert numbers(differing.get_by_role("cell").nth(1).inner_text())[0] > 5
    differing.get_by_role("button").click()
    tools.wait_for_function("() => window.barbotage.counters.last?.frame === 30")
    for mode, left in (("Overlaid", False), ("Side by side", True)):
        panel.get_by_label("Shown on the picture").first.select_option(mode)
        assert tools.locator("figcaption", has_text="CD").is_visible() is left
        assert tools.locator("figcaption", has_text="EF").is_visible() is left
    open_panel(tools, "Measure")
    expect(tools.locator("figcaption", has_text="CD")).to_be_hidden()


def test_each_reviewer_has_an_own_file_and_the_name_is_remembered(tools: Page, review: Any) -> None:
    others(review)
    before = sidecar(review, "CD")
    tools.keyboard.press("a")
    name_reviewer(tools)
    stored(tools)
    tools.reload()
    tools.wait_for_selector("body[data-ready=all]")
    panel = open_panel(tools, "Correct")
    expect(panel.get_by_text("AB", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Change…").click()
    name_reviewer(tools, "CD")
    expect(panel.get_by_role("button", name="Frame 31")).to_be_visible()
    assert sidecar(review, "CD") == before
    assert sidecar(review)["verdicts"] == [{"frame": 20, "object": "frame", "verdict": "accepted"}]


@pytest.mark.parametrize(("choice", "kept"), [("Keep what is here", 2), ("Take what was stored", 1)])
def test_what_was_stored_elsewhere_is_never_overwritten_unasked(
    tools: Page, review: Any, faults: list[str], choice: str, kept: int
) -> None:
    tools.keyboard.press("a")
    name_reviewer(tools)
    stored(tools)
    elsewhere = Review(review.complete.name, "AB", verdicts=(Verdict(1, "tip", Judgement.REJECTED),))
    save(review.complete, elsewhere, 1)
    tools.keyboard.press("t")
    tools.keyboard.press("r")
    panel = tools.get_by_role("tabpanel", name="Correct")
    expect(panel.get_by_text("was stored from another window")).to_be_visible()
    assert len(sidecar(review)["verdicts"]) == 1
    panel.get_by_role("button", name=choice).click()
    expect(panel.get_by_text("Stored", exact=True)).to_be_visible()
    assert [v["object"] for v in sidecar(review)["verdicts"]] == (["frame", "needle"] if kept == 2 else ["tip"])
    assert all("409" in words for words in faults)
    faults.clear()


def test_a_failed_store_is_told_and_tried_again(tools: Page, review: Any, faults: list[str]) -> None:
    tools.keyboard.press("a")
    name_reviewer(tools)
    stored(tools)
    tools.route("**/reviews/AB", lambda route: route.fulfill(status=500, body='{"error": "the disk is full"}'))
    tools.keyboard.press("r")
    panel = tools.get_by_role("tabpanel", name="Correct")
    expect(panel.get_by_text("Not stored: failed")).to_be_visible()
    tools.unroute("**/reviews/AB")
    panel.get_by_role("button", name="Store again").click()
    expect(panel.get_by_text("Stored", exact=True)).to_be_visible()
    assert sidecar(review)["verdicts"] == [{"frame": 20, "object": "frame", "verdict": "rejected"}]
    faults.clear()


def test_the_present_model_runs_again_beside_what_was_recorded(tools: Page) -> None:
    panel = open_panel(tools, "Compare")
    start = panel.get_by_role("button", name="Run it again")
    start.click()
    panel.get_by_role("button", name="Cancel").click()
    expect(start).to_be_enabled(timeout=20_000)
    expect(tools.get_by_text("Cancelled.")).to_be_visible()
    start.click()
    expect(panel.get_by_role("progressbar", name="Present model")).to_be_visible()
    summary = panel.get_by_text(re.compile("frames run again"))
    expect(summary).to_be_visible(timeout=60_000)
    frames, identical, different, changed, *_ = numbers(summary.inner_text())
    assert frames >= identical + different > 0
    assert different >= changed
    expect(panel.get_by_text(re.compile("before JPEG"))).to_be_visible()
    panel.get_by_label("Shown on the picture").last.select_option("Side by side")
    expect(tools.locator("figcaption", has_text="Recorded")).to_be_visible()
    panel.get_by_role("region", name="Differences").get_by_role("button").nth(3).click()
    tools.wait_for_function("() => window.barbotage.counters.last?.frame !== 20")
    panel.get_by_label("Shown on the picture").last.select_option("Run again")
    assert tools.evaluate("() => window.barbotage.app.overlays.source") == "rerun"


def test_a_range_the_picture_and_the_curves_are_exported(tools: Page) -> None:
    panel = open_panel(tools, "Export")
    panel.get_by_label("From frame").fill("11")
    panel.get_by_label("to frame", exact=True).fill("20")
    panel.get_by_role("button", name="Make the video").click()
    link = panel.get_by_role("link", name=re.compile(r"-10-20-overlay\.mp4$"))
    expect(link).to_be_visible(timeout=60_000)
    for name, start in [
        (re.compile("mp4$"), b""),
        (re.compile("PNG with overlay"), b"\x89PNG"),
        (re.compile("PNG original"), b"\x89PNG"),
        (re.compile("^CSV"), b""),
        (re.compile("JSON Lines"), b"{"),
    ]:
        with tools.expect_download() as download:
            panel.get_by_role("link", name=name).click()
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(start)
        assert len(content) > 500
    expect(panel.get_by_text("barbotage export labels")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_tools(tools: Page, review: Any, theme: str) -> None:
    others(review)
    tools.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    tools.keyboard.press("m")
    tools.keyboard.press("Enter")
    found = [str(v) for v in Axe().run(tools).response["violations"]]
    name_reviewer(tools)
    expect(tools.get_by_role("button", name=re.compile("^Caliper 1, point 1"))).to_be_focused()
    for name in ("Measure", "Correct", "Compare", "Export"):
        open_panel(tools, name)
        found += [f"{name}: {v['id']} {v['nodes'][0]['html']}" for v in Axe().run(tools).response["violations"]]
    assert found == []
    stored(tools)


def test_the_tools_speak_french_at_once(tools: Page) -> None:
    others_panel = open_panel(tools, "Measure")
    expect(others_panel.get_by_role("button", name="Caliper", exact=True)).to_be_visible()
    tools.get_by_label("Language").select_option("fr")
    panel = tools.get_by_role("tabpanel", name="Mesurer")
    expect(panel.get_by_role("button", name="Calibreur")).to_be_visible()
    table = panel.get_by_role("table", name="Avant et après la ponction-lavage")
    expect(table.get_by_role("row", name=re.compile("^Appareil"))).to_contain_text("10,8")

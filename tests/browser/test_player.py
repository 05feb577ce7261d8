"""The player in Chromium: the frame asked for is the frame seen, its marks are its own, and everything goes by keyboard."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

LAST = 89
NOT_PROCESSED = 16
EVENT_FRAMES = [18, 42, 54, 63, 81, 88, 89]
UNSURE_FROM = 40
BOOKMARK = 63
MARKED_PIXELS = """() => {
  const { marks } = window.barbotage.app.view.context;
  const { data } = marks.getImageData(0, 0, marks.canvas.width, marks.canvas.height);
  let count = 0;
  for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
  return count;
}"""

Seen = Callable[[], int | None]


@pytest.fixture(autouse=True)
def faults(page: Page) -> Iterator[list[str]]:
    """What the browser complains about; a test that provokes it clears the list."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


def on_screen(page: Page, frame: int) -> None:
    page.wait_for_function("frame => window.barbotage?.counters.last?.frame === frame", arg=frame)


def seek(page: Page, frame: int) -> None:
    page.get_by_role("slider", name="Position").fill(str(frame))
    on_screen(page, frame)


def all_ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready=all]")


def marked_pixels(page: Page) -> int:
    return int(page.evaluate(MARKED_PIXELS))


def test_the_frame_asked_for_is_the_frame_seen(player: Page, seen_frame: Seen) -> None:
    for frame in (57, 3, 88, 0, 41):
        seek(player, frame)
        assert seen_frame() == frame
    expect(player.get_by_role("img", name="Ultrasound picture, frame 42 of 90")).to_be_visible()


def test_many_seeks_at_once_end_at_the_last_and_never_go_back_to_an_older_one(player: Page, seen_frame: Seen) -> None:
    asked = [7, 80, 12, 66, 31, 5, 74]
    player.evaluate("frames => frames.forEach((frame) => window.barbotage.app.player.seek(frame))", asked)
    on_screen(player, asked[-1])
    assert seen_frame() == asked[-1]
    drawn = player.evaluate("() => window.barbotage.counters.draws.map((one) => one.frame)")
    places = [asked.index(frame) for frame in drawn if frame in asked]
    assert places == sorted(places)


def test_keys_step_and_jump(player: Page, seen_frame: Seen) -> None:
    steps = [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Shift+ArrowRight", 11), ("Shift+ArrowLeft", 1)]
    for key, frame in [*steps, ("ArrowLeft", 0), ("ArrowLeft", 0), ("End", LAST), ("ArrowRight", LAST), ("Home", 0)]:
        player.keyboard.press(key)
        on_screen(player, frame)
        assert seen_frame() == frame, key
    player.get_by_role("button", name="One frame forward").click()
    on_screen(player, 1)


def test_playback_runs_to_the_end_in_order_and_stops_there(player: Page, seen_frame: Seen) -> None:
    player.keyboard.press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    player.get_by_label("Speed").select_option(label="2×")
    on_screen(player, LAST)
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert seen_frame() == LAST
    drawn = player.evaluate("() => window.barbotage.counters.draws.map((one) => one.frame)")
    assert drawn == sorted(drawn)
    assert len(drawn) > LAST / 2


def test_speed_changes_by_key_within_its_range(player: Page) -> None:
    speed = player.get_by_label("Speed")
    for key, value in [("<", "0.5"), ("<", "0.25"), ("<", "0.25"), (">", "0.5"), (">", "1"), (">", "2"), (">", "4"), (">", "4")]:
        player.keyboard.press(key)
        expect(speed).to_have_value(value)


def test_a_loop_stays_in_its_range(player: Page) -> None:
    seek(player, 20)
    player.keyboard.press("[")
    seek(player, 26)
    player.keyboard.press("]")
    expect(player.get_by_role("button", name="Loop", exact=True)).to_have_attribute("aria-pressed", "true")
    before = player.evaluate("() => window.barbotage.counters.draws.length")
    player.keyboard.press("Space")
    # A busy machine leaves frames out, also the last one of a round: some round has it.
    player.wait_for_function(
        "before => {"
        " const drawn = window.barbotage.counters.draws.slice(before).map((one) => one.frame);"
        " return drawn.filter((frame) => frame === 20).length >= 2 && drawn.includes(26); }",
        arg=before,
    )
    player.keyboard.press("Space")
    drawn = player.evaluate("before => window.barbotage.counters.draws.slice(before).map((one) => one.frame)", before)
    assert set(drawn) <= set(range(20, 27))


def test_the_overlay_is_switched_off_for_the_original_picture(player: Page) -> None:
    seek(player, 30)
    player.wait_for_function(f"() => ({MARKED_PIXELS})() > 500")
    player.keyboard.press("o")
    expect(player.get_by_role("button", name="Overlay")).to_have_attribute("aria-pressed", "false")
    player.wait_for_function(f"() => ({MARKED_PIXELS})() === 0")
    player.get_by_role("button", name="Overlay").click()
    player.wait_for_function(f"() => ({MARKED_PIXELS})() > 500")
    guided = player.evaluate("() => window.barbotage.app.view.canvases.marks.toDataURL()")
    player.keyboard.press("d")
    expect(player.get_by_role("button", name="Detections")).to_have_attribute("aria-pressed", "true")
    player.wait_for_function("before => window.barbotage.app.view.canvases.marks.toDataURL() !== before", arg=guided)


def test_a_frame_that_was_not_processed_says_so_and_shows_no_marks(player: Page) -> None:
    note = player.locator(".not-processed")
    seek(player, NOT_PROCESSED - 1)
    player.wait_for_function(f"() => ({MARKED_PIXELS})() > 500")
    expect(note).to_be_hidden()
    seek(player, NOT_PROCESSED)
    expect(note).to_be_visible()
    assert marked_pixels(player) == 0
    player.keyboard.press("ArrowRight")
    expect(note).to_be_hidden()


def test_marks_that_come_late_never_show_on_another_frame(player: Page) -> None:
    held: list[Route] = []

    def hold_frame_60(route: Route) -> None:
        first, count = map(int, re.findall(r"(?:from|count)=(\d+)", route.request.url))
        if first <= 60 < first + count:
            held.append(route)
        else:
            route.continue_()

    player.route(re.compile(r"/overlay\?"), hold_frame_60)
    player.reload()
    all_ready(player)
    seek(player, 58)
    player.wait_for_function(f"() => ({MARKED_PIXELS})() > 500")
    player.keyboard.press("ArrowRight")
    player.keyboard.press("ArrowRight")
    on_screen(player, 60)
    assert marked_pixels(player) == 0
    expect(player.locator("#readout .state")).to_have_text("Reading…")
    assert held
    for route in held:
        route.continue_()
    player.wait_for_function(f"() => ({MARKED_PIXELS})() > 500")
    expect(player.locator("#readout .state")).to_have_text("Tip seen")


def test_a_frame_that_cannot_be_read_leaves_no_older_picture(player: Page, seen_frame: Seen, faults: list[str]) -> None:
    for damaged in (re.compile(r"/frames\?from=30&"), re.compile("/frames/33$")):
        player.route(damaged, lambda route: route.fulfill(status=500, json={"error": "damaged"}))
    player.reload()
    all_ready(player)
    player.get_by_role("slider", name="Position").fill("33")
    expect(player.get_by_role("status").filter(has_text="Frame 34 cannot be read")).to_be_visible()
    assert seen_frame() is None
    assert marked_pixels(player) == 0
    assert any("500" in fault for fault in faults)
    faults.clear()
    seek(player, 34)
    assert seen_frame() == 34


def test_playback_passes_over_frames_that_cannot_be_read(player: Page, seen_frame: Seen, faults: list[str]) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, json={"error": "damaged"})

    address = player.url
    player.goto("about:blank")  # what the present page still fetches ahead is not counted
    for damaged in (re.compile(r"/frames\?from=30&"), re.compile("/frames/33$")):
        player.route(damaged, refuse)
    player.goto(address)
    all_ready(player)
    player.keyboard.press("Space")
    on_screen(player, LAST)
    assert seen_frame() == LAST
    assert len(asked) == 2
    drawn = player.evaluate("() => window.barbotage.counters.draws.map((one) => one.frame)")
    assert 33 not in drawn
    assert {30, 31, 32, 34} & set(drawn)
    faults.clear()


def test_next_and_previous_event_and_low_confidence(player: Page) -> None:
    all_ready(player)
    for frame in EVENT_FRAMES:
        player.keyboard.press("n")
        on_screen(player, frame)
    player.keyboard.press("n")
    expect(player.get_by_role("status").filter(has_text="No event after this frame")).to_be_visible()
    player.get_by_role("button", name="Previous event").click()
    on_screen(player, EVENT_FRAMES[-2])
    player.keyboard.press("Home")
    player.keyboard.press("c")
    on_screen(player, UNSURE_FROM)
    expect(player.locator("#readout .state")).to_have_text("Tip not seen")
    player.keyboard.press("c")
    expect(player.get_by_role("status").filter(has_text="No low confidence after this frame")).to_be_visible()
    seek(player, LAST)
    player.keyboard.press("Shift+C")
    on_screen(player, UNSURE_FROM)


def test_the_list_of_events_leads_to_their_frames(player: Page) -> None:
    row = player.get_by_role("button", name="Bookmark")
    row.click()
    on_screen(player, BOOKMARK)
    expect(row).to_have_attribute("aria-current", "true")
    held_back = player.get_by_role("button", name="Needle fairly steep (held back)").or_(
        player.get_by_role("button", name=re.compile(r"\(held back\)"))
    )
    expect(held_back).to_have_count(0)
    player.get_by_label("Show", exact=True).select_option(label="Prompts only")
    expect(held_back).to_have_count(1)
    expect(row).to_have_count(0)


def test_pointer_on_timeline_and_curves_seeks(player: Page) -> None:
    all_ready(player)
    player.locator('.event-mark[title^="Bookmark"]').click()
    on_screen(player, BOOKMARK)
    player.locator("#plots .u-over").first.click(position={"x": 1, "y": 10})
    on_screen(player, 0)
    timeline = player.locator("#timeline")
    box = timeline.bounding_box()
    assert box is not None
    timeline.click(position={"x": box["width"] * 45 / LAST, "y": 8})
    on_screen(player, 45)


def test_curves_show_the_value_at_the_playhead_on_one_time_axis(player: Page) -> None:
    all_ready(player)
    figures = player.locator("#plots figure")
    expect(figures).to_have_count(5)
    seek(player, 18)
    expect(figures.filter(has_text="Angle error")).to_contain_text("2")
    heads = player.evaluate("() => [...document.querySelectorAll('.plot-head')].map((head) => head.getBoundingClientRect().x)")
    assert max(heads) - min(heads) < 1
    seek(player, 70)
    moved = player.evaluate("() => document.querySelector('.plot-head').getBoundingClientRect().x")
    assert moved > heads[0] + 100
    player.keyboard.press("g")
    expect(player.locator("#plots")).to_be_hidden()


def test_zoom_keeps_the_place_under_the_pointer_and_fits_again(player: Page) -> None:
    at = player.evaluate(
        "() => { const b = window.barbotage.app.view.stage.getBoundingClientRect(); return [b.x + 250, b.y + 180]; }"
    )
    under = "at => { const v = window.barbotage.app.view; const b = v.stage.getBoundingClientRect(); return v.toImage([at[0] - b.x, at[1] - b.y]); }"
    before, zoom = player.evaluate(under, at), player.evaluate("() => window.barbotage.app.view.zoom")
    player.mouse.move(*at)
    player.mouse.wheel(0, -400)
    player.wait_for_function("zoom => window.barbotage.app.view.zoom > 1.5 * zoom", arg=zoom)
    assert player.evaluate(under, at) == pytest.approx(before, abs=0.01)
    player.mouse.down()
    player.mouse.move(at[0] + 40, at[1] - 25)
    player.mouse.up()
    assert player.evaluate(under, [at[0] + 40, at[1] - 25]) == pytest.approx(before, abs=0.01)
    player.keyboard.press("f")
    player.wait_for_function("zoom => Math.abs(window.barbotage.app.view.zoom - zoom) < 1e-9", arg=zoom)


def test_a_scale_gives_a_bar_of_the_right_length_and_none_gives_no_lengths(player: Page, review: Any) -> None:
    words, bar = player.locator("#scale-words"), player.locator("#scale-bar")
    expect(words).to_have_text(re.compile(r"^5\s?mm$"))
    width = player.evaluate("() => document.querySelector('#scale-bar').getBoundingClientRect().width")
    zoom = player.evaluate("() => window.barbotage.app.view.zoom")
    assert width == pytest.approx(5 / 0.06 * zoom, abs=0.6)
    player.goto(review.page_of(review.without_scale))
    all_ready(player)
    expect(words).to_have_text("Scale unknown: no lengths")
    expect(bar).to_be_hidden()
    seek(player, 10)
    expect(player.locator("#readout .state")).to_have_text("Tip seen")
    assert "mm" not in player.locator("#readout").inner_text()


def test_the_language_changes_at_once_and_is_remembered(player: Page) -> None:
    all_ready(player)
    seek(player, 38)
    expect(player.locator("#time")).to_have_text("0:01.27 / 0:02.97")
    player.get_by_label("Language").select_option(label="Français")
    expect(player.get_by_role("button", name="Lire", exact=True)).to_be_visible()
    expect(player.locator("#time")).to_have_text("0:01,27 / 0:02,97")
    expect(player.locator("html")).to_have_attribute("lang", "fr")
    expect(player.get_by_role("tab", name="Événements")).to_be_visible()
    player.reload()
    expect(player.get_by_role("button", name="Lire", exact=True)).to_be_visible()


def test_the_theme_is_dark_until_it_is_switched_and_is_remembered(player: Page) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = player.evaluate(ground)
    player.get_by_role("button", name="Light theme").click()
    player.wait_for_function("dark => getComputedStyle(document.body).backgroundColor !== dark", arg=dark)
    light = player.evaluate(ground)
    player.reload()
    on_screen(player, 0)
    assert player.evaluate(ground) == light
    expect(player.get_by_role("button", name="Light theme")).to_have_attribute("aria-pressed", "true")


def test_help_lists_the_keys_and_can_switch_single_keys_off(player: Page) -> None:
    player.keyboard.press("?")
    dialog = player.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Next low confidence")
    expect(dialog).to_contain_text("Show the overlay or the original picture")
    dialog.get_by_label("Shortcuts of a single key").uncheck()
    player.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    player.keyboard.press("o")
    player.keyboard.press("ArrowRight")
    on_screen(player, 1)
    expect(player.get_by_role("button", name="Overlay")).to_have_attribute("aria-pressed", "true")


def test_an_altered_record_is_named_as_such(player: Page, review: Any) -> None:
    expect(player.get_by_text("Record intact")).to_be_visible()
    manifest = review.complete / "session.json"
    document = json.loads(manifest.read_text())
    document["events"]["digest"] = "0" * 64
    manifest.write_text(json.dumps(document))
    player.goto(review.page_of(review.complete))
    expect(player.get_by_text("Record altered")).to_be_visible()


def test_an_address_can_name_a_frame(player: Page, review: Any, seen_frame: Seen) -> None:
    player.goto("about:blank")
    player.goto(f"{review.page_of(review.complete)}#frame=77")
    on_screen(player, 77)
    assert seen_frame() == 77


def test_memory_for_pictures_is_bounded(player: Page) -> None:
    player.evaluate("() => { window.barbotage.app.frames.limits({ decoded_bytes: 6 << 20, encoded_bytes: 5 << 20 }); }")
    player.keyboard.press("Space")
    on_screen(player, LAST)
    held = player.evaluate("() => window.barbotage.app.frames.bytes")
    assert 0 < held["decoded"] <= 6 << 20
    # The session is three chunks of 2 MB.
    assert 0 < held["encoded"] <= 5 << 20


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_player(player: Page, theme: str) -> None:
    all_ready(player)
    player.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    seek(player, 43)
    expect(player.locator("#readout .prompt")).to_be_visible()
    found = [Axe().run(player)]
    for tab in player.get_by_role("tab").all():
        tab.click()
        found.append(Axe().run(player))
    player.keyboard.press("?")
    found.append(Axe().run(player))
    assert "\n".join(result.generate_report() for result in found if result.violations_count) == ""


def test_the_page_fits_its_smallest_screen(player: Page) -> None:
    all_ready(player)
    size = player.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [1280, 720]
    hidden = player.evaluate(
        """() => [...document.querySelectorAll('.bar *, .transport *, .picture-tools *')].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.width > 1 && (box.right > 1280 || box.bottom > 720);
        }).map((one) => one.id)"""
    )
    assert hidden == []

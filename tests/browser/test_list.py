"""The list of sessions in Chromium: filters, order, marks, recovery, the way into the player by keyboard alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def faults(page: Page) -> Iterator[list[str]]:
    """What the browser complains about."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def sessions(page: Page, review: Any) -> Page:
    """The list with its three sessions: newest first the unrecovered, the one without scale, the complete one."""
    page.goto(review.url)
    page.wait_for_selector("body[data-ready=all]")
    return page


def rows(page: Page) -> Locator:
    return page.locator("tbody tr")


def order(page: Page) -> list[str]:
    return [str(one.get_attribute("data-session")) for one in rows(page).all()]


def test_a_row_says_what_the_session_holds(sessions: Page, review: Any) -> None:
    row = sessions.locator(f'tr[data-session="{review.complete.name}"]')
    for words in ("21 Sept 2026", "3 s", "Right", "Final scan", "10.8 × 3.4 mm → ", "4.3 × 1.4 mm", "Complete"):
        expect(row).to_contain_text(re.compile(re.escape(words).replace(r"\ ", r"\s")))
    sessions.wait_for_function("() => [...document.images].filter((one) => one.naturalWidth >= 96).length >= 2")
    without = sessions.locator(f'tr[data-session="{review.without_scale.name}"]')
    expect(without).not_to_contain_text("mm")


def test_filters_leave_what_matches_and_can_be_cleared(sessions: Page, review: Any) -> None:
    count = sessions.locator("#count")
    expect(count).to_have_text("3 of 3 sessions")
    sessions.get_by_label("Search").fill("22 sept")
    expect(rows(sessions)).to_have_count(1)
    assert order(sessions) == [review.without_scale.name]
    sessions.get_by_label("Search").fill("")
    sessions.get_by_label("Side").select_option(label="Not recorded")
    assert order(sessions) == [review.without_scale.name]
    sessions.get_by_label("Side").select_option(label="Right")
    sessions.get_by_label("Phase reached").select_option(label="Final scan")
    assert order(sessions) == [review.complete.name]
    sessions.get_by_label("Review", exact=True).select_option(label="Reviewed")
    expect(rows(sessions)).to_have_count(0)
    expect(sessions.get_by_text("No session passes these filters.")).to_be_visible()
    sessions.get_by_role("button", name="Clear the filters").click()
    expect(rows(sessions)).to_have_count(3)
    expect(count).to_have_text("3 of 3 sessions")


def test_headers_sort_and_say_how(sessions: Page, review: Any) -> None:
    newest_first = [review.unrecovered.name, review.without_scale.name, review.complete.name]
    date, duration = (sessions.get_by_role("columnheader", name=name) for name in ("Date", "Duration"))
    expect(date).to_have_attribute("aria-sort", "descending")
    assert order(sessions) == newest_first
    date.get_by_role("button").click()
    expect(date).to_have_attribute("aria-sort", "ascending")
    assert order(sessions) == newest_first[::-1]
    duration.get_by_role("button").click()
    expect(duration).to_have_attribute("aria-sort", "descending")
    expect(date).to_have_attribute("aria-sort", "none")
    assert order(sessions) == [review.complete.name, review.without_scale.name, review.unrecovered.name]
    duration.get_by_role("button").click()
    assert order(sessions) == [review.without_scale.name, review.complete.name, review.unrecovered.name]


def test_a_cut_recording_offers_recovery_and_opens_afterwards(sessions: Page, review: Any) -> None:
    row = sessions.locator(f'tr[data-session="{review.unrecovered.name}"]')
    expect(row).to_contain_text("The recording was cut off.")
    expect(row.get_by_role("link")).to_have_count(0)
    row.get_by_role("button", name="Recover").click()
    expect(row).to_contain_text("Recovered")
    expect(sessions.get_by_role("status").filter(has_text="The session is recovered")).to_be_visible()
    expect(row.get_by_role("link")).to_be_focused()
    sessions.keyboard.press("Enter")
    sessions.wait_for_function("() => window.barbotage?.counters.last?.frame === 0")
    expect(sessions.locator("#badges")).to_contain_text("Recovered")


def test_a_marked_session_stays_marked_and_is_found(sessions: Page, review: Any) -> None:
    mark = sessions.locator(f'tr[data-session="{review.complete.name}"]').get_by_role("button", name="Keep")
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")
    sessions.reload()
    expect(mark).to_have_attribute("aria-pressed", "true")
    sessions.get_by_label("Marked only").check()
    assert order(sessions) == [review.complete.name]
    mark.click()
    expect(rows(sessions)).to_have_count(0)


def test_an_empty_list_says_what_to_do(page: Page, review: Any) -> None:
    page.route("**/api/sessions", lambda route: route.fulfill(json=[]))
    page.goto(review.url)
    expect(page.get_by_text("No sessions here yet.")).to_be_visible()
    expect(page.get_by_text("barbotage-device demo --out demo")).to_be_visible()


def test_the_list_speaks_french_with_its_numbers(sessions: Page, review: Any) -> None:
    sessions.get_by_label("Language").select_option(label="Français")
    row = sessions.locator(f'tr[data-session="{review.complete.name}"]')
    expect(row).to_contain_text(re.compile(r"10,8\s×\s3,4\smm"))
    expect(row).to_contain_text("Contrôle final")
    sessions.get_by_label("Rechercher").fill("controle")
    expect(sessions.locator("#count")).to_have_text("2 sur 3 séances")


def test_the_keyboard_alone_leads_from_the_list_through_the_player(sessions: Page, review: Any) -> None:
    link = sessions.locator(f'tr[data-session="{review.complete.name}"]').get_by_role("link")
    for _ in range(40):
        sessions.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    sessions.keyboard.press("Enter")
    sessions.wait_for_function("() => window.barbotage?.counters.last?.frame === 0")
    reached = set()
    for _ in range(45):
        sessions.keyboard.press("Tab")
        reached.add(sessions.evaluate("() => document.activeElement.id"))
    wanted = {"language", "theme", "help-open", "overlay", "zoom-in", "plots-toggle", "plots", "tab-events", "events-filter"}
    assert wanted | {"seek", "play", "rate", "loop", "doubt"} <= reached
    sessions.locator("#seek").focus()
    sessions.keyboard.press("PageUp")
    sessions.wait_for_function("() => window.barbotage.counters.last.frame > 4")
    sessions.keyboard.press("Space")
    expect(sessions.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_list(sessions: Page, theme: str) -> None:
    sessions.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    result = Axe().run(sessions)
    assert result.violations_count == 0, result.generate_report()

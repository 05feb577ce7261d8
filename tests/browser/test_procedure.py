"""A procedure on the review page: its states, its checklist, what was typed, the way to the session before, in both languages."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from tests.host.review.procedures import cut_and_gone_on, whole

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def faults(page: Page) -> Iterator[list[str]]:
    """What the browser complains about; the page complains of a text that has no words."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def root(server: Any) -> Iterator[Path]:
    yield server.root
    for session in server.root.iterdir():
        shutil.rmtree(session)


@pytest.fixture
def sealed(page: Page, server: Any, root: Path) -> Page:
    """The page of a whole procedure."""
    return opened(page, server, whole(root))


def opened(page: Page, server: Any, session: Path) -> Page:
    page.goto(server.url)
    page.goto(f"{server.url.split('?')[0].rstrip('/')}/session/{session.name}")
    page.wait_for_selector("body[data-ready=all]")
    return page


def french(page: Page) -> Page:
    page.get_by_label("Language").select_option(label="Français")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    return page


def procedure_tab(page: Page) -> Locator:
    page.locator("#tab-procedure").click()
    return page.locator("#panel-procedure")


def fact(panel: Locator, name: str) -> Locator:
    """What stands beside a name."""
    return (
        panel.locator(".facts > div")
        .filter(has=panel.page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$")))
        .locator("dd")
    )


def texts_of(rows: Locator) -> str:
    """Words with plain spaces."""
    return re.sub(r"[\u00a0\u202f]", " ", "\n".join(rows.all_inner_texts()))


def test_states_say_how_long_they_lasted_and_what_led_into_them_and_lead_to_their_frame(sealed: Page) -> None:
    panel = procedure_tab(sealed)
    rows = panel.locator(".state-row")
    expect(rows).to_have_count(12)
    said = texts_of(rows)
    assert "Device check" in said.splitlines()[1]
    assert "by the operator · skipped: not needed · “slow board” · without: A check of the device is missing or fails" in said
    assert (
        "proposed by the device, confirmed · tip in the target for 11 frames, tip seen in 87.5 % of the frames, 6.5 mm gone"
        in said
    )
    rows.filter(has_text="Lavage").click()
    frame = sealed.evaluate("() => window.barbotage.app.session.phases.find((one) => one.phase === 'lavage').from_frame")
    sealed.wait_for_function("frame => window.barbotage.counters.last?.frame === frame", arg=frame)


def test_the_band_of_states_says_the_same(sealed: Page) -> None:
    title = sealed.locator('.phase[data-phase="verify-tip"]').get_attribute("title") or ""
    assert re.match(r"Advance → Tip check · 0\.\d.s · proposed by the device, confirmed · tip in the target for 11 frames", title)


def test_the_checklist_shows_what_was_not_recorded_and_a_typed_answer_as_it_was_typed(sealed: Page) -> None:
    panel = procedure_tab(sealed)
    expect(fact(panel, "Consent given")).to_have_text("yes")
    expect(fact(panel, "Known fibrodysplasia ossificans progressiva (FOP)")).to_have_text("not recorded")
    expect(fact(panel, "Prior imaging")).to_have_text("yes · modality: radiograph · date: 2026-11")
    french(sealed)
    expect(fact(panel, "Consentement recueilli")).to_have_text("oui")
    expect(fact(panel, "Fibrodysplasie ossifiante progressive (FOP) connue")).to_have_text("non renseigné")
    expect(fact(panel, "Identifiant (pseudonyme)")).to_have_text("yes")


def test_agents_doses_cycles_and_complications_read_in_the_language_with_their_numbers(sealed: Page) -> None:
    panel = procedure_tab(french(sealed))
    expected = {
        "Produit administré": "lidocaïne (anesthésie locale) · 7,25 ml · 10 mg/ml",
        "Aiguille utilisée": "18 G × 2",
        "Cycles de lavage": "2 · image et pression : 1 · compté sur l’image : 1",
        "Aspect du liquide": "trouble → clair → clair",
        "Complication": "malaise vagal · « two minutes »",
        "Douleur (EVA)": "au repos : 2,5 / 10",
        "Calcification résiduelle": "réduite de moitié ou plus",
        "Signature": "non renseigné",
        "Orientation de l’image": "repère à droite de l’image · Image en miroir · repère de la sonde vers : crânial",
        "latence": "en défaut · 130 ms in the median",
    }
    assert {name: texts_of(fact(panel, name)) for name in expected} == expected


def test_proposals_and_refusals_are_folded_and_unfold_in_their_places(sealed: Page) -> None:
    rows = sealed.locator("#panel-events .event-row")
    fold = sealed.get_by_role("button", name="Proposals and refusals: 5")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(rows.filter(has_text="Refused")).to_have_count(0)
    before = rows.count()
    fold.click()
    expect(rows).to_have_count(before + 5)
    assert "Confirm and go on: A check of the device is missing or fails" in texts_of(rows.filter(has_text="Refused"))
    times = sealed.locator("#panel-events .when").all_inner_texts()
    assert times == sorted(times)
    fold.click()
    expect(rows).to_have_count(before)
    sealed.get_by_label("Show", exact=True).select_option(label="All events")
    expect(fold).to_be_hidden()
    expect(rows.filter(has_text="Refused")).to_have_count(1)


def test_folded_events_are_no_stop_on_the_way_and_no_mark_on_the_timeline(sealed: Page) -> None:
    expect(sealed.locator('.event-mark[title^="Proposal"], .event-mark[title^="Refused"]')).to_have_count(0)
    frames = sealed.evaluate(
        """async () => {
          const { eventFrames } = await import("/static/js/jumps.js");
          const at = (kind, frame) => ({ kind, frame, value: {} });
          return eventFrames([at("refused", 3), at("proposal", 4), at("agent", 5)]);
        }"""
    )
    assert frames == [5]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_event_reads_in_words(sealed: Page, language: str) -> None:
    if language == "fr":
        french(sealed)
    sealed.locator("#events-filter").select_option("events-all")
    rows = sealed.locator("#panel-events .event-row")
    said = [*rows.all_inner_texts(), *(one.get_attribute("title") or "" for one in rows.all())]
    assert len(said) > 80
    codes = re.compile(r"\{\w+\}|undefined|\[object|NaN|\b(?:event|bedside|evidence|check|answer)-\w|[a-z]+_[a-z]+")
    assert [one for one in said if codes.search(one)] == []
    long_lavage = {"en": "Long lavage (held back · said a moment ago)", "fr": "Lavage prolongé (retenue · dite à l’instant)"}
    assert any(long_lavage[language] in one for one in said)


def test_a_session_gone_on_with_leads_to_the_one_before(page: Page, server: Any, root: Path) -> None:
    before, after = cut_and_gone_on(root)
    opened(page, server, after)
    expect(page.locator("#badges")).to_contain_text("Goes on from another")
    panel = procedure_tab(page)
    expect(fact(panel, "Consent given")).to_have_text("yes · session before")
    expect(fact(panel, "Lavage cycles")).to_contain_text("2 in this session")
    page.locator("#tab-events").click()
    link = page.locator("#panel-events").get_by_role("link", name="Goes on from the session of 21 Sept 2026")
    link.click()
    page.wait_for_url(f"**/session/{before.name}")
    page.wait_for_selector("body[data-ready=all]")
    expect(page.locator("#badges")).not_to_contain_text("Goes on")


def test_a_session_before_that_is_not_here_is_named_and_nothing_is_called_unrecorded(page: Page, server: Any, root: Path) -> None:
    before, after = cut_and_gone_on(root)
    shutil.rmtree(before)
    opened(page, server, after)
    panel = procedure_tab(page)
    expect(panel.locator(".earlier")).to_have_text(f"Goes on from session {before.name}, which is not in this archive")
    expect(fact(panel, "Consent given")).to_have_text("not recorded in the sessions held here")
    french(page)
    expect(panel.locator(".earlier")).to_have_text(f"Suite de la séance {before.name}, absente de cette archive")
    expect(fact(panel, "Consentement recueilli")).to_have_text("non renseigné dans les séances présentes ici")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_procedure(page: Page, server: Any, root: Path, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    opened(page, server, cut_and_gone_on(root)[1])
    page.locator("#events-fold").click()
    found = [Axe().run(page)]
    procedure_tab(page)
    found.append(Axe().run(page))
    assert "\n".join(result.generate_report() for result in found if result.violations_count) == ""


def test_all_tabs_stand_in_one_row_on_the_smallest_screen(sealed: Page) -> None:
    for page in (sealed, french(sealed)):
        tops = {round((tab.bounding_box() or {"y": 0.0})["y"]) for tab in page.get_by_role("tab").all()}
        assert len(tops) == 1

"""Bedside views of a procedure to test with: one for each state and each kind of question, and the set-ups."""

from dataclasses import replace

import numpy as np
from tests.device.bedside.views import SCALE, a_view, view_in

from barbotage_device.bedside.calipers import Calipers, Pair
from barbotage_device.bedside.procedure_signs import Button, Layer, Notice, ProcedureSigns, Question, Said, Typing
from barbotage_device.bedside.setup import Box, ScaleSetup, begin_region, begin_scale, step_scale
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.bedside.view import BedsideView, DisplayState
from barbotage_device.guidance.prompt import Priority
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import GreyImage, PointPx


def button(wish: str, key: str, *, main: bool = False, enabled: bool = True) -> Button:
    return Button(wish, Said(key), main, enabled)


PAUSE = button("pause", "event-pause")
CONFIRM = button("confirm", "event-confirm", main=True)
BACK, NEXT = button("back", "button-back"), button("next", "button-next", main=True)
YES_NO = (button("answer:fop:yes", "answer-yes"), button("answer:fop:no", "answer-no"), BACK, NEXT)


def proposed(to: str) -> Said:
    return Said("propose-confirm", {"to": f"phase-{to}"})


def states(language: Language) -> dict[str, ProcedureSigns]:
    """What may stand on the screen in each state of a procedure."""
    texts = texts_in(language)
    fop = Question(Said("check-fop"), "10/11", texts("answer-no"))
    passed = {"clock": False, "model": True, "frames": True, "scale": True, "latency": True, "disk": True, "temperature": True}
    checks = tuple((Said(f"device-{name}"), texts("answer-yes" if good else "answer-no")) for name, good in passed.items())
    months = Question(Said("check-symptom-duration"), "9/11", typing=Typing.NUMBER, typed="14")
    return {
        "check-device": ProcedureSigns(
            "check-device",
            (button("skip", "event-skip"), PAUSE, button("abort", "event-abort"), replace(CONFIRM, enabled=False)),
            notice=Notice(Said("check-failed"), Priority.MEDIUM),
            facts=checks,
        ),
        "check-case": ProcedureSigns("check-case", YES_NO, question=fop, answer=Said("event-checklist")),
        "check-case-number": ProcedureSigns("check-case", (BACK, PAUSE, button("leave", "button-leave")), question=months),
        "scan": ProcedureSigns(
            "scan",
            (button("plane:long", "plane-long"), button("plane:short", "plane-short"), PAUSE, CONFIRM),
            Said("propose-target-accepted"),
            facts=((Said("plane-long"), texts.format_size_mm(12.4, 6.1)), (Said("plane-short"), texts("answer-not-recorded"))),
        ),
        "plan": ProcedureSigns("plan", (PAUSE, CONFIRM), proposed("anaesthesia")),
        "anaesthesia": ProcedureSigns(
            "anaesthesia",
            (button("agent", "event-agent"), button("needle", "event-needle"), PAUSE, CONFIRM),
            proposed("advance"),
            notice=Notice(Said("steep-angle"), Priority.LOW),
        ),
        "advance": ProcedureSigns("advance", (PAUSE, CONFIRM), notice=Notice(Said("tip-not-seen"), Priority.HIGH), facts=()),
        "verify-tip": ProcedureSigns(
            "verify-tip",
            (button("plane:long", "plane-long"), button("plane:short", "plane-short"), PAUSE, CONFIRM),
            Said("propose-tip-verified", {"plane": "plane-short"}),
        ),
        "lavage": ProcedureSigns(
            "lavage",
            (button("turbidity", "event-turbidity"), button("syringe", "event-syringe-change"), PAUSE, CONFIRM),
            proposed("bursa-inject"),
            notice=Notice(Said("long-lavage", {"minutes": "20"}), Priority.LOW),
            facts=((Said("event-lavage-cycle"), "7"), (Said("event-turbidity"), texts("turbidity-cloudy"))),
        ),
        "fragment": ProcedureSigns(
            "fragment",
            (button("pass", "event-needling-pass"), PAUSE, CONFIRM),
            answer=Said("refused-not-by-pedal"),
            facts=((Said("event-needling-pass"), "3"),),
        ),
        "bursa-inject": ProcedureSigns(
            "bursa-inject", (button("agent", "event-agent"), button("distension", "event-bursa-distension"), PAUSE, CONFIRM)
        ),
        "post-scan": ProcedureSigns(
            "post-scan",
            (button("measure", "event-measurement"), button("residual", "event-residual"), PAUSE, CONFIRM),
            Said("propose-measurement", {"plane": "plane-long"}),
            notice=Notice(Said("plane-mismatch"), Priority.LOW),
        ),
        "close": ProcedureSigns(
            "close",
            (
                button("complication:none-observed", "complication-none-observed", main=True),
                button("complication:vasovagal", "complication-vasovagal"),
                BACK,
                button("more", "button-more"),
            ),
            question=Question(Said("event-complication"), "1/4"),
            notice=Notice(Said("unsaved-frames"), Priority.MEDIUM),
        ),
        "close-text": ProcedureSigns(
            "close",
            (BACK, PAUSE),
            question=Question(Said("event-signature"), "4/4", typing=Typing.TEXT, typed="Dr Hélène M", layer=Layer.LOWER),
        ),
        "pause-typing": ProcedureSigns(
            "pause",
            (BACK, button("leave", "button-leave")),
            question=Question(Said("entry-name"), "2/6", typing=Typing.TEXT, typed="Lidocaïne à 1", layer=Layer.DIGITS),
            notice=Notice(Said("tip-not-seen"), Priority.HIGH),
        ),
        "pause": ProcedureSigns(
            "pause",
            (button("resume", "event-resume", main=True), button("entries", "button-entries"), button("abort", "event-abort")),
            answer=Said("resumed", {"state": "phase-lavage"}),
            notice=Notice(Said("stale"), Priority.HIGH),
        ),
        "abort": ProcedureSigns(
            "abort",
            (
                button("abort:vasovagal", "abort-vasovagal"),
                button("abort:pain", "abort-pain"),
                button("abort:cannot-see-needle", "abort-cannot-see-needle"),
                button("more", "button-more"),
            ),
            question=Question(Said("ask-why-abort")),
        ),
        "sealed": ProcedureSigns("sealed"),
    }


def view_of_state(name: str, language: Language) -> BedsideView:
    """The bedside view in one of ``states``."""
    frozen = DisplayState.SEARCHING if name in ("check-device", "check-case", "close", "sealed") else DisplayState.CONFIRMED
    view, signs = view_in(frozen, a_view(language=language)), states(language)[name]
    if frozen is DisplayState.CONFIRMED and signs.question is None:
        signs = replace(signs, left_end=Said("marker-end"), right_end=Said("body-medial"))
    if name == "advance":
        view = view_in(DisplayState.SHAFT_ONLY, view)
    return replace(view, procedure=signs)


def scanner_picture(height: int = 480, width: int = 640) -> GreyImage:
    """A picture as a scanner gives it: dark chrome with some bright signs, and the ultrasound in the middle."""
    picture = np.zeros((height, width), np.uint8)
    noise = np.random.default_rng(3).gamma(2.0, 20.0, (height - 120, width - 240))
    picture[60 : height - 60, 120 : width - 120] = np.clip(noise, 4, 255).astype(np.uint8)
    picture[60 : height - 60 : 36, width - 110 : width - 100] = 220
    picture[20:32, 30:150] = 180
    return picture


def setups(language: Language) -> dict[str, BedsideView]:
    """The set-up screens and the calipers."""
    picture = scanner_picture()
    height, width = picture.shape
    blank = replace(view_in(DisplayState.FROZEN, a_view(language=language)), pixels=picture)
    blank = replace(blank, canonical_view=to_canonical(picture, None).view, scale=None)
    scale = begin_scale(height, (96.0, 384.0))
    for sign in "40":
        scale = step_scale(scale, sign)
    frozen = view_in(DisplayState.FROZEN, a_view(language=language))
    pairs = (Pair(PointPx(150, 160), PointPx(260, 168)), Pair(PointPx(203, 138), PointPx(207, 190)))
    return {
        "setup-region": replace(blank, setup=begin_region(width, height, Box(120, 60, 520, 420))),
        "setup-scale": replace(blank, setup=scale),
        "setup-scale-refused": replace(blank, setup=ScaleSetup(height, 100, 105, typed=scale.typed)),
        "calipers": replace(frozen, calipers=Calipers(pairs), scale=SCALE),
        "calipers-no-scale": replace(
            view_in(DisplayState.FROZEN, a_view(language=language, scale=None)), calipers=Calipers(pairs)
        ),
    }

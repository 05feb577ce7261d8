from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import Button, ProcedureSigns, Question, Said, Typing
from barbotage_device.bedside.targets import targets
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import DisplayState, ScreenSize, display_state
from barbotage_device.bedside.window import Key, Stage, Touch
from barbotage_device.capture.frame import Frame
from barbotage_device.procedure.events import By
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.screen import BedsideScreen, Offscreen, blank_view, view_of
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import GreyImage

MakeFrame = Callable[..., Frame]
SIZE = ScreenSize(800, 480)
FINE = Condition(frames=6, drops=2, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=21_000_000)
LOST = Condition(frames=6, drops=2, bad_frames=0, lost="unplugged", model_error=None, frame_age_ns=0, latency_ns=None)
FAILING = Condition(frames=6, drops=2, bad_frames=0, lost=None, model_error="cannot invoke", frame_age_ns=0, latency_ns=None)


class ScriptedWindow:
    """A window without a screen: keeps the pictures, presses the keys that the test puts down."""

    def __init__(self) -> None:
        self.pictures: list[GreyImage] = []
        self.pressed: list[Key] = []
        self.fingers: list[Touch] = []
        self.signs: list[str] = []
        self.closed = False

    def show(self, picture: GreyImage) -> None:
        self.pictures.append(picture.copy())

    def keys(self) -> tuple[Key, ...]:
        pressed, self.pressed = tuple(self.pressed), []
        return pressed

    def touches(self) -> tuple[Touch, ...]:
        fingers, self.fingers = tuple(self.fingers), []
        return fingers

    def typed(self) -> tuple[str, ...]:
        signs, self.signs = tuple(self.signs), []
        return signs

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pipeline(drawn: Interpreter, card: ModelCard, picture: MakeFrame) -> Pipeline:
    made = Pipeline(drawn, card)
    for sequence in range(6):
        made.step(picture(sequence, (100, 120)))
    return made


@pytest.fixture
def guidance(pipeline: Pipeline) -> Guidance:
    assert pipeline.last is not None
    return pipeline.last


def test_the_view_carries_what_the_run_knows(guidance: Guidance) -> None:
    view = view_of(guidance, FINE, Presentation(Language.FR))
    assert view.pixels is guidance.frame.pixels
    assert (view.drops, view.heartbeat, view.latency_ms, view.source_lost) == (2, 6, 21.0, None)
    assert view.measurable


@pytest.mark.parametrize(("condition", "state"), [(LOST, DisplayState.SOURCE_LOST), (FAILING, DisplayState.MODEL_ERROR)])
def test_a_lost_source_and_a_failing_network_hide_all_guidance(
    guidance: Guidance, condition: Condition, state: DisplayState
) -> None:
    for view in (
        view_of(guidance, condition, Presentation(Language.EN)),
        blank_view(condition, Presentation(Language.EN), "sim"),
    ):
        assert (view.source_lost, view.model_error) == (condition.lost, condition.model_error)
        assert display_state(view) is state


def test_before_the_first_frame_an_empty_picture_is_shown(pipeline: Pipeline) -> None:
    window = ScriptedWindow()
    assert BedsideScreen(window, Operator(pipeline, Presentation(Language.FR)), SIZE, "sim").show(None, FINE)
    assert window.pictures[0].shape == (480, 800, 3)


def test_the_pedal_accepts_the_best_deposit(pipeline: Pipeline, guidance: Guidance) -> None:
    window = ScriptedWindow()
    screen = BedsideScreen(window, Operator(pipeline, Presentation(Language.FR)), SIZE, "sim")
    window.pressed = [Key.PEDAL]
    assert screen.show(guidance, FINE)
    assert pipeline.accepted == guidance.tracks.deposits[0].identity


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key.OVERLAY, Presentation(Language.FR, overlay_on=False)),
        (Key.FREEZE, Presentation(Language.FR, frozen=True)),
        (Key.LANGUAGE, Presentation(Language.EN)),
    ],
)
def test_a_key_changes_the_picture_and_the_same_key_changes_it_back(
    pipeline: Pipeline, guidance: Guidance, key: Key, expected: Presentation
) -> None:
    window = ScriptedWindow()
    operator = Operator(pipeline, Presentation(Language.FR))
    screen = BedsideScreen(window, operator, SIZE, "sim")
    for _ in range(3):
        window.pressed = [key]
        screen.show(guidance, FINE)
        if len(window.pictures) == 1:
            assert operator.presentation == expected
    first, changed, back = window.pictures
    assert not np.array_equal(first, changed)
    assert np.array_equal(first, back)


def test_a_frozen_picture_stays_while_frames_go_on(pipeline: Pipeline, guidance: Guidance, picture: MakeFrame) -> None:
    window = ScriptedWindow()
    screen = BedsideScreen(window, Operator(pipeline, Presentation(Language.FR)), SIZE, "sim")
    window.pressed = [Key.FREEZE]
    screen.show(guidance, FINE)
    screen.show(pipeline.step(picture(7, (20, 30))), FINE)
    screen.show(pipeline.step(picture(8, (150, 200))), FINE)
    assert np.array_equal(window.pictures[1], window.pictures[2])


@pytest.mark.parametrize("ended_by", ["key", "window"])
def test_the_operator_can_end_the_run(pipeline: Pipeline, guidance: Guidance, ended_by: str) -> None:
    window = ScriptedWindow()
    screen = BedsideScreen(window, Operator(pipeline, Presentation(Language.FR)), SIZE, "sim")
    assert screen.show(guidance, FINE)
    window.pressed = [Key.QUIT] if ended_by == "key" else []
    window.closed = ended_by == "window"
    assert not screen.show(guidance, FINE)
    screen.close()
    assert window.closed


def test_offscreen_drawing_gives_the_bedside_picture(guidance: Guidance) -> None:
    picture = Offscreen(SIZE).draw(guidance)
    assert picture.shape == (480, 800, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 5


class Hands:
    """Stands where the procedure stands: hears what reaches it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended = False

    def tap(self, by: By) -> None:
        self.heard.append(f"tap by {by}")

    def patient_event(self, by: By) -> None:
        self.heard.append(f"patient event by {by}")

    def touch(self, text: str, by: By = By.OPERATOR) -> None:
        self.heard.append(f"{text} by {by}")
        self.ended = text == "end"


BUTTONS = (Button("confirm", Said("event-confirm"), main=True), Button("open:skip", Said("button-skip"), enabled=False))
ASKING = ProcedureSigns("scan", BUTTONS)
TYPED = ProcedureSigns("check-case", BUTTONS, question=Question(Said("check-identity-key"), typing=Typing.TEXT))


@pytest.fixture
def joined(pipeline: Pipeline) -> tuple[ScriptedWindow, BedsideScreen, Hands]:
    window, operator, hands = ScriptedWindow(), Operator(pipeline, Presentation(Language.FR)), Hands()
    operator.procedure = hands
    return window, BedsideScreen(window, operator, SIZE, "sim"), hands


def middle_of(guidance: Guidance, signs: ProcedureSigns, sign: str) -> Touch:
    view = view_of(guidance, replace(FINE, procedure=signs), Presentation(Language.FR))
    layout = Renderer(SIZE).layout(view)
    rect = next(target.rect for target in targets(layout, view) if target.sign == sign)
    return Touch(Stage.DOWN, rect.left_px + rect.width_px / 2, rect.top_px + rect.height_px / 2)


Joined = tuple[ScriptedWindow, BedsideScreen, Hands]


def test_a_finger_on_a_button_is_its_wish_and_one_on_a_disabled_button_is_nothing(joined: Joined, guidance: Guidance) -> None:
    window, screen, hands = joined
    on, off = middle_of(guidance, ASKING, "confirm"), middle_of(guidance, ASKING, "open:skip")
    window.fingers = [on, replace(on, stage=Stage.MOVE), replace(on, stage=Stage.UP), off, Touch(Stage.DOWN, 5, 5)]
    assert screen.show(guidance, replace(FINE, procedure=ASKING))
    assert hands.heard == ["confirm by operator"]


@pytest.mark.parametrize(
    ("signs", "keys", "typed", "heard", "goes_on"),
    [
        (ASKING, [Key.PEDAL, Key.PATIENT_EVENT], [], ["tap by operator", "patient event by operator"], True),
        (
            TYPED,
            [Key.PEDAL, Key.QUIT],
            [" ", "q", "left", "tab", "enter"],
            ["  by operator", "q by operator", "enter by operator"],
            True,
        ),
        (TYPED, [Key.QUIT], [], [], False),
        (ASKING, [Key.QUIT], ["q"], [], False),
    ],
    ids=["keys-mirror-the-pedal", "letters-of-an-answer-are-no-keys", "escape-ends-while-typing", "q-ends"],
)
def test_keys_reach_the_procedure(
    joined: Joined, guidance: Guidance, signs: ProcedureSigns, keys: list[Key], typed: list[str], heard: list[str], goes_on: bool
) -> None:
    window, screen, hands = joined
    window.pressed, window.signs = keys, typed
    assert screen.show(guidance, replace(FINE, procedure=signs)) is goes_on
    assert hands.heard == heard


def test_the_last_button_ends_the_run(joined: Joined, guidance: Guidance) -> None:
    window, screen, _ = joined
    sealed = ProcedureSigns("sealed", (Button("end", Said("button-done"), main=True),))
    window.fingers = [middle_of(guidance, sealed, "end")]
    assert not screen.show(guidance, replace(FINE, procedure=sealed))


@pytest.mark.parametrize("signs", [None, ASKING, TYPED], ids=["watching", "buttons", "typing"])
def test_a_finger_on_the_live_image_switches_the_overlay_and_nothing_else(
    joined: Joined, guidance: Guidance, signs: ProcedureSigns | None
) -> None:
    window, screen, hands = joined
    condition = replace(FINE, procedure=signs)
    image = Renderer(SIZE).layout(view_of(guidance, condition, Presentation(Language.FR))).image
    pictures = []
    for fingers in ([Touch(Stage.DOWN, image.left_px + 60, image.top_px + 60)], [], []):
        window.fingers = list(fingers)
        assert screen.show(guidance, condition)
        pictures.append(window.pictures[-1])
    assert not np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[1], pictures[2])
    assert hands.heard == []


def test_a_finger_measures_on_a_frozen_picture_only_and_thawing_forgets_it(joined: Joined, guidance: Guidance) -> None:
    window, screen, hands = joined
    image = Renderer(SIZE).layout(view_of(guidance, FINE, Presentation(Language.FR))).image
    drag = [Touch(stage, image.left_px + x_px, image.top_px + 60) for stage, x_px in zip(Stage, (40, 120, 200), strict=True)]
    pictures = {}
    for name, keys, fingers in (
        ("live", [], drag),
        ("overlay back", [Key.OVERLAY], []),
        ("freezing", [Key.FREEZE], []),
        ("frozen", [], drag),
        ("measured", [], []),
        ("thawing", [Key.FREEZE], []),
        ("live again", [Key.FREEZE], []),
        ("frozen again", [], []),
    ):
        window.pressed, window.fingers = list(keys), list(fingers)
        screen.show(guidance, FINE)
        pictures[name] = window.pictures[-1]
    assert np.array_equal(pictures["live"], pictures["live again"])
    assert not np.array_equal(pictures["frozen"], pictures["measured"])
    assert np.array_equal(pictures["frozen"], pictures["frozen again"])
    assert hands.heard == []

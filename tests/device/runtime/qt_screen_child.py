"""The bedside screen in a real window, worked by real Qt events; says what came of them. Run by test_screen_by_touch."""

import sys
from dataclasses import replace

import numpy as np
from tests.device.runtime.conduct.stage import MM_PER_PX, PERIOD_NS, Stage, StageNetwork, picture_of
from tests.device.runtime.qt_hand import KeptWindow, QtHand
from tests.support.drawing import CARD

from barbotage_device.bedside.calipers import Calipers, Pair
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.targets import unbounded_point
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.screen import BedsideScreen, view_of
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.geometry import Scale

SIZE = ScreenSize(800, 480)
FINE = Condition(frames=1, drops=0, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=None)


def main() -> None:
    stage = Stage()
    pipeline = Pipeline(StageNetwork(stage), CARD)
    guidance = _guidance(pipeline, stage)
    heard: list[str] = []
    operator = Operator(pipeline, Presentation(Language.EN), lambda kind, value: heard.append(f"{kind}={value.get('on')}"))
    window = KeptWindow()
    screen, hand = BedsideScreen(window, operator, SIZE, "stage"), QtHand()

    def told(what: str) -> None:
        goes_on = [screen.show(guidance, FINE) for _ in range(2)]
        say(what, all(goes_on), *heard)
        heard.clear()

    told("begin")
    view = view_of(guidance, FINE, Presentation(Language.EN))
    layout = Renderer(SIZE).layout(view)
    image = layout.image
    hand.tap(image.left_px + 100, image.top_px + 100)
    told("finger on the image")
    hand.stroke((image.left_px + 100, image.top_px + 100), (image.left_px + 150, image.top_px + 120))
    told("pointer on the image")
    hand.tap(layout.panel.left_px + 60, layout.panel.top_px + 100)
    told("finger beside the image")
    hand.key("f")
    told("frozen")
    ends = [(image.left_px + 60, image.top_px + 80), (image.left_px + 160, image.top_px + 110)]
    hand.stroke(ends[0], (image.left_px + 90, image.top_px + 90), ends[1])
    told("stroke on the frozen image")
    frozen = view_of(guidance, FINE, Presentation(Language.EN, frozen=True))
    first, second = (unbounded_point(layout, frozen, *end) for end in ends)
    wanted = Renderer(SIZE).draw(replace(frozen, calipers=Calipers((Pair(first, second),))))
    say("calipers", window.picture is not None and np.array_equal(window.picture, wanted))
    hand.key("f")
    told("thawed")
    screen.close()


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


def _guidance(pipeline: Pipeline, stage: Stage) -> Guidance:
    found = []
    for sequence in range(12):
        stage.now_ns += PERIOD_NS
        found.append(pipeline.step(Frame(picture_of(stage), stage.now_ns, sequence, Scale.isotropic(MM_PER_PX), "stage")))
    return found[-1]


if __name__ == "__main__":
    main()

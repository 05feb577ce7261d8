# Gestures, lavage cycles, motion, ring pictures: the pure parts.
import math

from pod import feedback, protocol
from pod.config import Config
from pod.gesture import Gesture
from pod.lavage import Lavage
from pod.motion import Motion

SETTINGS = Config().values


def _play(edges, until_ms):
    # edges: {time in ms: pressed}. The actions, as (time, action).
    gesture, actions = Gesture(SETTINGS), []
    for now_ms in range(until_ms):
        action = gesture.edge(edges[now_ms], now_ms) if now_ms in edges else gesture.tick(now_ms)
        if action is not None:
            actions.append((now_ms, action))
    return actions


def test_one_press_is_a_tap_once_no_second_can_come():
    assert _play({100: True, 200: False}, 1000) == [(200 + SETTINGS["double_ms"], protocol.ACTION_TAP)]


def test_two_presses_are_a_double():
    assert _play({100: True, 200: False, 350: True, 450: False}, 2000) == [(450, protocol.ACTION_DOUBLE)]


def test_a_long_press_is_a_hold_at_once_and_no_tap_after():
    assert _play({100: True, 1500: False}, 3000) == [(100 + SETTINGS["hold_ms"], protocol.ACTION_HOLD)]


def test_two_taps_far_apart_are_two_taps():
    actions = _play({100: True, 200: False, 900: True, 1000: False}, 2000)
    assert [action for _, action in actions] == [protocol.ACTION_TAP, protocol.ACTION_TAP]


def test_a_tap_and_then_a_hold_is_a_hold():
    assert [action for _, action in _play({0: True, 50: False, 200: True, 1500: False}, 3000)] == [protocol.ACTION_HOLD]


def test_due_tells_when_to_look_again():
    gesture = Gesture(SETTINGS)
    assert gesture.due_ms(0) is None
    gesture.edge(True, 0)
    assert gesture.due_ms(100) == SETTINGS["hold_ms"] - 100
    gesture.edge(False, 150)
    assert gesture.due_ms(150) == SETTINGS["double_ms"]
    gesture.tick(150 + SETTINGS["double_ms"])
    assert gesture.due_ms(1000) is None


def _line(*pieces):
    # pieces: (pressure in hPa, how many samples). The phases entered, and the machine.
    lavage, phases = Lavage(SETTINGS), []
    for hpa, samples in pieces:
        for _ in range(samples):
            if lavage.add(hpa):
                phases.append(lavage.phase)
    return lavage, phases


REST, INJECT, ASPIRATE = protocol.PHASE_REST, protocol.PHASE_INJECT, protocol.PHASE_ASPIRATE


def test_inject_and_let_go_is_a_cycle():
    lavage, phases = _line((0, 50), (400, 50), (0, 50))
    assert phases == [INJECT, REST] and lavage.cycles == 1
    assert lavage.peak_hpa == 400


def test_inject_and_suck_is_one_cycle_too():
    lavage, phases = _line((400, 50), (-200, 50), (0, 50))
    assert phases == [INJECT, ASPIRATE, REST] and lavage.cycles == 1
    assert lavage.peak_hpa == -200


def test_letting_go_and_then_sucking_is_one_cycle():
    assert _line((400, 50), (0, 50), (-200, 50), (0, 50))[0].cycles == 1


def test_suction_alone_is_no_cycle():
    assert _line((-200, 50), (0, 50))[0].cycles == 0


def test_a_knock_on_the_line_is_nothing():
    lavage, phases = _line((0, 50), (900, 5), (0, 50))
    assert phases == [] and lavage.cycles == 0


def test_wavering_pressure_is_one_injection():
    assert _line((400, 30), (100, 30), (400, 30), (100, 30), (0, 50))[0].cycles == 1


def test_three_cycles_are_three():
    assert _line(*[(400, 40), (-100, 40), (0, 40)] * 3)[0].cycles == 3


def _still(pitch_deg, roll_deg=0.0, turning=(0, 0, 0)):
    pitch, roll = math.radians(pitch_deg), math.radians(roll_deg)
    x, y, z = -math.sin(pitch), math.cos(pitch) * math.sin(roll), math.cos(pitch) * math.cos(roll)
    return turning + tuple(int(part * 16384) for part in (x, y, z))


def test_tilt_at_rest_is_that_of_gravity():
    for pitch_deg, roll_deg in ((0, 0), (30, 0), (-45, 10), (10, -80)):
        motion = Motion(SETTINGS)
        motion.add(_still(pitch_deg, roll_deg))
        assert abs(motion.pitch_cdeg - 100 * pitch_deg) < 5 and abs(motion.roll_cdeg - 100 * roll_deg) < 5
        assert not motion.moved


def test_a_sensor_mounted_upside_down_has_no_jump_at_180_degrees():
    values = dict(SETTINGS, roll_zero_cdeg=17500)
    motion = Motion(values)
    for roll_deg, expected in ((175, 0), (179, 400), (-179, 600)):
        for _ in range(100):
            motion.add(_still(0, roll_deg))
        assert abs(motion.roll_cdeg - expected) < 30, (roll_deg, motion.roll_cdeg)


def test_a_slow_tilt_is_followed_and_counts_as_moved_when_it_is_large():
    motion, told = Motion(SETTINGS), 0
    for step in range(200):
        motion.add(_still(step * 0.05, turning=(0, int(2.5 / 0.0175), 0)))
        told += motion.moved
    assert abs(motion.pitch_cdeg - 995) < 30
    # The last one may not have ended.
    assert told >= (motion.moves - 1) * (SETTINGS["still_ms"] // 20 - 1) > 0


def test_tremor_is_no_move():
    motion = Motion(SETTINGS)
    for step in range(500):
        motion.add(_still(0.5 * math.sin(step), turning=(0, int(300 * math.cos(step)), 0)))
    assert motion.moves == 0


def test_a_quick_turn_is_a_move_and_ends_when_the_probe_rests():
    motion = Motion(SETTINGS)
    motion.add(_still(0))
    motion.add(_still(0, turning=(2000, 0, 0)))
    assert motion.moved and motion.moves == 1
    for _ in range(SETTINGS["still_ms"] // 20 + 1):
        motion.add(_still(0))
    assert not motion.moved and motion.moves == 1


class _Ring:
    def __init__(self):
        self.clear()

    def clear(self):
        self.lit = {}

    def set(self, led, red, green, blue):
        self.lit[led] = (red, green, blue)


def _painted(aim, level=0):
    ring = _Ring()
    feedback.paint(ring, aim, level)
    return set(ring.lit)


def test_every_state_has_a_shape_of_its_own():
    ring = _Ring()
    shapes = [_painted(aim, 255) for aim in range(5)]
    feedback.paint_stale(ring, 0)
    shapes.append(set(ring.lit))
    feedback.paint_waiting(ring)
    shapes.append(set(ring.lit))
    assert len({tuple(sorted(shape)) for shape in shapes}) == len(shapes)


def test_left_and_right_lie_on_their_sides_and_grow_with_the_distance():
    near, far = _painted(protocol.AIM_LEFT, 0), _painted(protocol.AIM_LEFT, 255)
    assert near == {9} and far == {7, 8, 9, 10, 11}
    assert _painted(protocol.AIM_RIGHT, 0) == {3} and _painted(protocol.AIM_RIGHT, 255) == {1, 2, 3, 4, 5}


def test_the_stale_picture_blinks():
    ring = _Ring()
    feedback.paint_stale(ring, 0)
    first = set(ring.lit)
    feedback.paint_stale(ring, 1)
    assert first and not first & set(ring.lit)

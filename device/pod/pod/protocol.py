# Ids and layouts of the link. Generated from device/pod/protocol.json by ``barbotage-pod protocol --write``; do not edit.
from micropython import const

PROTOCOL = const(1)
FRAME_BYTES = const(32)
PAYLOAD_MAX_BYTES = const(23)
SAMPLES_PER_PRESSURE_FRAME = const(5)
FEEDBACK_EVERY_MS = const(100)
SILENCE_MS = const(300)
HEARTBEAT_EVERY_MS = const(200)
TILT_EVERY_MS = const(20)
PRESSURE_EVERY_MS = const(10)
ENTER_REPL_MAGIC = const(0x4C504552)
RESTART_MAGIC = const(0x54455352)
HANG_MAGIC = const(0x474E4148)

HELLO = const(0x01)
HELLO_LAYOUT = "<HBBBBB6s10s"

HEARTBEAT = const(0x02)
HEARTBEAT_LAYOUT = "<IIHBH"

INPUT = const(0x03)
INPUT_LAYOUT = "<IBBH"

TILT = const(0x04)
TILT_LAYOUT = "<IHhhHBB"

PRESSURE = const(0x05)
PRESSURE_LAYOUT = "<IH5h"

LAVAGE = const(0x06)
LAVAGE_LAYOUT = "<IBHh"

REPLY = const(0x07)
REPLY_LAYOUT = "<BBB"

FAULT = const(0x08)
FAULT_LAYOUT = "<BH20s"

SETTING = const(0x09)
SETTING_LAYOUT = "<BiB"

GREET = const(0x40)
GREET_LAYOUT = "<H"

FEEDBACK = const(0x41)
FEEDBACK_LAYOUT = "<BBB"

GET_SETTING = const(0x42)
GET_SETTING_LAYOUT = "<B"

SET_SETTING = const(0x43)
SET_SETTING_LAYOUT = "<Bi"

SET_SERIAL = const(0x44)
SET_SERIAL_LAYOUT = "<10s"

SAVE = const(0x45)

CALIBRATE = const(0x46)
CALIBRATE_LAYOUT = "<B"

RESET_CYCLES = const(0x47)

ENTER_REPL = const(0x48)
ENTER_REPL_LAYOUT = "<I"

RESTART = const(0x49)
RESTART_LAYOUT = "<I"

HANG = const(0x4A)
HANG_LAYOUT = "<I"

RESET_CAUSE_POWER_ON = const(1)
RESET_CAUSE_WATCHDOG = const(3)

CONTACT_PEDAL = const(0)
CONTACT_BUTTON_A = const(1)
CONTACT_BUTTON_B = const(2)

ACTION_PRESS = const(0)
ACTION_RELEASE = const(1)
ACTION_TAP = const(2)
ACTION_DOUBLE = const(3)
ACTION_HOLD = const(4)

PHASE_REST = const(0)
PHASE_INJECT = const(1)
PHASE_ASPIRATE = const(2)

AIM_OFF = const(0)
AIM_LEFT = const(1)
AIM_RIGHT = const(2)
AIM_ON_TARGET = const(3)
AIM_UNCERTAIN = const(4)

SOUND_SILENT = const(0)
SOUND_TICK = const(1)
SOUND_CONFIRM = const(2)
SOUND_ATTENTION = const(3)

RESULT_DONE = const(0)
RESULT_UNKNOWN_ID = const(1)
RESULT_BAD_LENGTH = const(2)
RESULT_BAD_VALUE = const(3)
RESULT_REFUSED = const(4)
RESULT_FAILED = const(5)

FAULT_CODE_EXCEPTION = const(1)
FAULT_CODE_IMU = const(2)
FAULT_CODE_PRESSURE = const(3)
FAULT_CODE_CONFIG = const(4)
FAULT_CODE_SAFE_MODE = const(5)
FAULT_CODE_WATCHDOG = const(6)

CALIBRATION_IMU = const(1)
CALIBRATION_PRESSURE = const(2)

FLAGS_SAFE_MODE = const(0x01)
FLAGS_IMU_OK = const(0x02)
FLAGS_PRESSURE_OK = const(0x04)
FLAGS_STALE = const(0x08)
FLAGS_UNPROVISIONED = const(0x10)

TILT_FLAGS_MOVED = const(0x01)

# Command id: layout of its payload.
COMMANDS = {
    0x40: "<H",  # greet
    0x41: "<BBB",  # feedback
    0x42: "<B",  # get_setting
    0x43: "<Bi",  # set_setting
    0x44: "<10s",  # set_serial
    0x45: "<",  # save
    0x46: "<B",  # calibrate
    0x47: "<",  # reset_cycles
    0x48: "<I",  # enter_repl
    0x49: "<I",  # restart
    0x4A: "<I",  # hang
}

SETTINGS_VERSION = const(1)
# Name: (key, default, lowest, highest).
SETTINGS = {
    "pressure_address": (1, 40, 8, 119),
    "pressure_low_hpa": (2, 0, -20000, 20000),
    "pressure_high_hpa": (3, 6895, -20000, 20000),
    "pressure_zero_hpa": (4, 1013, -20000, 20000),
    "inject_hpa": (5, 150, 10, 5000),
    "release_hpa": (6, 40, 0, 4000),
    "suction_hpa": (7, 50, 5, 1000),
    "phase_min_ms": (8, 150, 20, 2000),
    "imu_address": (9, 106, 8, 119),
    "pitch_zero_cdeg": (10, 0, -18000, 18000),
    "roll_zero_cdeg": (11, 0, -18000, 18000),
    "gyro_zero_x": (12, 0, -2000, 2000),
    "gyro_zero_y": (13, 0, -2000, 2000),
    "gyro_zero_z": (14, 0, -2000, 2000),
    "moved_cdeg": (15, 300, 50, 4500),
    "moved_cdps": (16, 1500, 100, 30000),
    "still_ms": (17, 500, 100, 5000),
    "ring_brightness": (18, 40, 1, 255),
    "buzzer_on": (19, 1, 0, 1),
    "settle_ms": (20, 3, 1, 20),
    "double_ms": (21, 350, 100, 1000),
    "hold_ms": (22, 700, 300, 5000),
}

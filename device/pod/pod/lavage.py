# Phases and cycles of the lavage line from its pressure.
from micropython import const

from pod.protocol import PHASE_ASPIRATE, PHASE_INJECT, PHASE_REST

_STEP_MS = const(10)


class Lavage:
    # A cycle is an injection that was let out again, by suction or by letting go of the plunger.
    def __init__(self, settings):
        self._settings = settings
        self.phase = PHASE_REST
        self.cycles = 0
        self.peak_hpa = 0
        self._extreme_hpa = 0
        self._lasts_ms = 0

    def add(self, hpa):
        # True when the phase has changed.
        if abs(hpa) > abs(self._extreme_hpa):
            self._extreme_hpa = hpa
        wanted = self._wanted(hpa)
        if wanted == self.phase:
            self._lasts_ms = 0
            return False
        self._lasts_ms += _STEP_MS
        if self._lasts_ms < self._settings["phase_min_ms"]:
            return False
        self._enter(wanted, hpa)
        return True

    def _wanted(self, hpa):
        settings = self._settings
        if hpa >= settings["inject_hpa"]:
            return PHASE_INJECT
        if hpa <= -settings["suction_hpa"]:
            return PHASE_ASPIRATE
        if self.phase == PHASE_INJECT and hpa > settings["release_hpa"]:
            return PHASE_INJECT
        if self.phase == PHASE_ASPIRATE and hpa < -settings["suction_hpa"] // 2:
            return PHASE_ASPIRATE
        return PHASE_REST

    def _enter(self, phase, hpa):
        if self.phase == PHASE_INJECT:
            self.cycles += 1
        self.peak_hpa = self._extreme_hpa
        self._extreme_hpa = hpa
        self.phase = phase
        self._lasts_ms = 0

"""The probe pod inside the bedside program: gestures are obeyed, tilt and pressure passed on and recorded, the aim shown on its ring."""

from typing import Protocol

from barbotage_device.bedside.view import PodSigns
from barbotage_device.bedside.window import Key
from barbotage_device.probe_pod.client import NOT_STARTED, Connection, PodView
from barbotage_device.probe_pod.protocol import Action, Aim, Contact, Sound
from barbotage_device.probe_pod.state import (
    LavageChanged,
    PodEvent,
    PodFault,
    PodIdentity,
    PodStarted,
    PressureSeries,
    Tilted,
    Touched,
    cause_of,
    fault_name,
)
from barbotage_device.procedure.events import By
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.operator import Operator
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.pod_feedback import ring_now, sound_now
from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.status import Condition

HPA_PER_KPA = 10
SAMPLE_EVERY_NS = 10_000_000
"""Of the pressure: 100 a second."""
KEYS = {
    (Contact.PEDAL, Action.TAP): Key.PEDAL,
    (Contact.PEDAL, Action.DOUBLE): Key.OVERLAY,
    (Contact.PEDAL, Action.HOLD): Key.PATIENT_EVENT,
    (Contact.BUTTON_A, Action.TAP): Key.FREEZE,
    (Contact.BUTTON_B, Action.TAP): Key.BOOKMARK,
}
"""What pedal and buttons mean; the keyboard mirrors it."""
_LASTING = (Connection.ABSENT, Connection.REFUSED, Connection.CONNECTED)


class Client(Protocol):
    """The PodClient: nothing here blocks."""

    @property
    def view(self) -> PodView:
        """Connection and state."""
        ...

    def events(self) -> list[PodEvent]:
        """What has happened since the last call."""
        ...

    def show(self, aim: Aim, level: int = 0, sound: Sound = Sound.SILENT) -> None:
        """What ring and buzzer show from now on."""
        ...


class LavageLine(Protocol):
    """The procedure, where one is followed: it counts the cycles itself, from the picture and this line."""

    @property
    def cycles(self) -> int:
        """Lavage cycles of the procedure."""
        ...

    def line(self, sample: LineSample) -> None:
        """A sample of the lavage line."""
        ...


class CycleCount:
    """The lavage cycles of this run, from the pod's own count: a pod counts from its start, and may be restarted or exchanged."""

    def __init__(self) -> None:
        self.cycles = 0
        self._told: int | None = None

    def restart(self) -> None:
        """Another pod, or the same after a restart or an absence: what it has counted so far is not of this run."""
        self._told = None

    def update(self, told: int) -> int:
        """How many cycles the pod's count ``told`` adds."""
        added = 0 if self._told is None else max(0, told - self._told)
        self._told = told
        self.cycles += added
        return added


class BedsidePod:
    """Joins a pod's client to a run. Both methods belong to the loop's thread and return at once."""

    def __init__(self, client: Client, operator: Operator, outlets: Outlets, lavage: LavageLine | None = None) -> None:
        self._client = client
        self._lavage_line = lavage
        self._operator = operator
        self._outlets = outlets
        self._count = CycleCount()
        self._told: Connection | None = None

    @property
    def probe_moved(self) -> bool | None:
        """Whether the pod's tilt sensor says that the probe is being moved; None without a pod or its sensor."""
        state = self._client.view.state
        return None if state.pitch_deg is None else state.moved

    @property
    def signs(self) -> PodSigns:
        """What screen and status line say about the pod."""
        view = self._client.view
        connected = view.connection is Connection.CONNECTED
        cycles = self._count.cycles if self._lavage_line is None else self._lavage_line.cycles
        return PodSigns(connected, None if connected else view.reason, cycles)

    def heed(self) -> None:
        """Takes what has arrived since the last call."""
        self._note_connection(self._client.view)
        for event in self._client.events():
            self._take(event)

    def show(self, guidance: Guidance | None, condition: Condition) -> None:
        """Shows on ring and buzzer what the screen shows now; nothing but this keeps the ring from going stale."""
        picture = ring_now(guidance, condition, self._operator.presentation)
        self._client.show(picture.ring, picture.level, sound_now(guidance, condition))

    def _note_connection(self, view: PodView) -> None:
        """Says once that there is no pod (any more), or none that this device may use; ``PodStarted`` says that there is one."""
        now, before = view.connection, self._told
        if now is before or now not in _LASTING or view.reason == NOT_STARTED:
            return
        self._told = now
        if now is Connection.CONNECTED:
            return
        self._outlets.say("warning", f"no probe pod: {view.reason}; everything else goes on")
        if before is Connection.CONNECTED:
            self._outlets.happened(Happening("pod-lost", {"why": view.reason}))

    def _take(self, event: PodEvent) -> None:
        match event:
            case Touched():
                key = KEYS.get((event.contact, event.action))
                if key is not None:
                    self._operator.obey(key, By.PEDAL)
            case LavageChanged():
                self._lavage(event)
            case PressureSeries():
                self._pressure(event)
            case Tilted():
                values = {"pitch_deg": event.pitch_deg, "roll_deg": event.roll_deg, "rate_dps": event.rate_dps}
                self._outlets.sample(values | {"moved": event.moved}, event.at_ns)
            case PodStarted():
                self._started(event.identity)
            case PodFault():
                self._outlets.say("warning", f"the probe pod reports: {fault_name(event)}")
            case _:
                pass

    def _started(self, identity: PodIdentity) -> None:
        self._count.restart()
        name = identity.serial or "without serial number"
        self._outlets.say("info", f"probe pod {name}, firmware {identity.version}, is there (started by: {cause_of(identity)})")
        value = {"serial": identity.serial, "version": identity.version, "firmware_hash": identity.firmware_hash}
        self._outlets.happened(Happening("pod-connected", value))

    def _pressure(self, event: PressureSeries) -> None:
        for index, pressure_hpa in enumerate(event.pressure_hpa):
            at_ns, pressure_kpa = event.at_ns + index * SAMPLE_EVERY_NS, pressure_hpa / HPA_PER_KPA
            self._outlets.sample({"pressure_kpa": pressure_kpa}, at_ns)
            if self._lavage_line is not None:
                self._lavage_line.line(LineSample(at_ns, pressure_kpa))

    def _lavage(self, event: LavageChanged) -> None:
        values = {"phase": event.phase.name.lower(), "peak_kpa": event.peak_hpa / HPA_PER_KPA}
        self._outlets.sample(values, event.at_ns)
        if self._count.update(event.cycles) and self._lavage_line is None:
            self._outlets.happened(Happening("lavage-cycle", {"count": self._count.cycles, "from": "pressure"}), event.at_ns)

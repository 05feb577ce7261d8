"""The settings of a conducted procedure."""

from dataclasses import dataclass, field

from barbotage_device.config import ProbeConfig
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.procedure.settings import ProcedureSettings


@dataclass(frozen=True, slots=True)
class ConductSettings:
    """Settings of the parts that a conductor holds; those of the prompter are also the pipeline's."""

    procedure: ProcedureSettings = field(default_factory=ProcedureSettings)
    prompter: PrompterSettings = field(default_factory=PrompterSettings)
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    side: str | None = None
    """The patient's shoulder that the run was started for, left or right; None when it was not said."""

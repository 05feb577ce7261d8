"""How to serve a PC: what the command line, the configuration and the defaults say together. Imports nothing of the link."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.config import DeviceConfig
from barbotage_device.session.manifest import LinkSetting
from barbotage_device.update.launcher import state_folder

DEFAULT_SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """How to serve. ``baud`` None: the port has no rate of its own (USB). ``secured`` False is the laboratory setting."""

    port: str
    baud: int | None
    sessions: Path
    config: Path
    state: Path
    """Keys and pairings."""
    secured: bool = True

    @property
    def setting(self) -> LinkSetting:
        """As sessions note it."""
        return "secured" if self.secured else "unsecured"


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """What the command line says of the link; what it leaves open (None) the section [link] of the configuration says."""

    serial: str | None = None
    baud: int | None = None
    config: Path | None = None
    state: Path | None = None
    no_security: bool = False

    @property
    def given(self) -> bool:
        """Whether anything of the link was named but what the configuration says; the state folder serves updates too."""
        return self.no_security or any(each is not None for each in (self.serial, self.baud))


def link_request(
    options: LinkOptions, chosen: DeviceConfig, sessions: Path | None, environ: Mapping[str, str]
) -> LinkRequest | None:
    """How to serve by options and configuration; None when neither names a port. The configured rate belongs to the configured port.

    ``sessions`` None: the configured folder, else DEFAULT_SESSIONS.
    """
    port = options.serial or chosen.link.serial
    if not port:
        return None
    configured_baud = chosen.link.baud if port == chosen.link.serial else 0
    return LinkRequest(
        port=port,
        baud=options.baud or configured_baud or None,
        sessions=sessions or Path(chosen.recording.directory or DEFAULT_SESSIONS),
        config=options.config or default_config(environ),
        state=options.state or state_folder(environ),
        secured=not (options.no_security or chosen.link.security == "none"),
    )


def default_config(environ: Mapping[str, str]) -> Path:
    """The user's configuration file, whether it exists or not."""
    base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '/root')}/.config"
    return Path(base) / "barbotage" / "device.toml"

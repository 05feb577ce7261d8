"""The command ``barbotage-device setup``: options and help. What it does is in ``runtime.setting_up``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import Console, guarded
from barbotage_device.options import language_of, size_of


def setup_command(
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="SRC", help="What to set up, as of run; by default the configured frame grabber."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="TOML", help="Configuration file to write; by default the user's.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="fr|en", help="Language to begin in.")] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="Size of the screen in pixels, for example 800x480.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")] = False,
) -> int:
    """Sets up a source at the screen: language, the part of the picture that is ultrasound, its scale.

    Region and depth ticks are proposed from the picture where it shows them; the distance of the ticks is typed. Only "save" on the last page
    writes the configuration; closing the window, Escape and Ctrl-C leave it as it was (exit code 130). The scale holds for one depth
    setting of the scanner. By finger or pointer, and by keys: enter next, arrows move a mark, tab the other mark, b back, l language, q quit.
    A source that brings its own scale (the simulator, calibrated DICOM) is shown with it, and only the language is saved.

    \b
    Examples:
      barbotage-device setup
      barbotage-device setup --source v4l2:/dev/video2 --config device.toml
      barbotage-device setup --source file:screenshot.png --json
    """  # noqa: D301 - click needs a real backspace character before examples

    def action() -> int:
        from barbotage_device.capture.opening import SourceKind, SourceSpec, parse_src
        from barbotage_device.capture.region import Region
        from barbotage_device.capture.settings import CaptureSettings
        from barbotage_device.config import DeviceConfig, load_config
        from barbotage_device.runtime.link_request import default_config
        from barbotage_device.runtime.setting_up.command import SetupRequest, set_up
        from barbotage_device.runtime.setting_up.screen import Configured

        file = config or default_config(os.environ)
        chosen = load_config(file, {}) if file.exists() else DeviceConfig()
        screen, grabber = chosen.screen, chosen.capture
        area, scale = grabber.region, grabber.scale
        request = SetupRequest(
            spec=SourceSpec(SourceKind.V4L2, grabber.device) if source is None else parse_src(source),
            capture=CaptureSettings(width_px=grabber.width_px, height_px=grabber.height_px, fps_hz=grabber.fps_hz, live=True),
            before=Configured(
                None if area is None else Region(area.x_px, area.y_px, area.width_px, area.height_px),
                None if scale is None else scale.z_mm_per_px,
            ),
            language=language_of(language or screen.language),
            screen_size=size_of(size or f"{screen.width_px}x{screen.height_px}"),
            config=file,
            as_json=as_json,
        )
        return set_up(request, console)

    console = Console()
    return guarded(action, console)

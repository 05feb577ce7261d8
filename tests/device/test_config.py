"""The configuration file: defaults, bounds, and errors that name file and key."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from barbotage_device.capture.opening import parse_src
from barbotage_device.capture.region import Region
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.config import DeviceConfig, RegionConfig, capture_settings, default_toml, load_config
from barbotage_device.config_schema import CHOICES, HELP, MAXIMUM, MINIMUM, UNIT, build, documented_fields, setting
from barbotage_device.errors import ConfigError, InvalidInputError, NotFoundError
from barbotage_models.contract.geometry import Scale


def _load(tmp_path: Path, text: str) -> DeviceConfig:
    file = tmp_path / "device.toml"
    file.write_text(text)
    return load_config(file, {})


def test_the_default_file_gives_the_defaults(tmp_path: Path) -> None:
    assert _load(tmp_path, default_toml()) == DeviceConfig()


def test_the_default_files_optional_sections_work_when_uncommented(tmp_path: Path) -> None:
    start = default_toml().index("# [capture.region]")
    end = default_toml().index("[model]")
    lines = [
        line[2:] for line in default_toml()[start:end].splitlines() if line.startswith("# ") and ("=" in line or "[" in line)
    ]
    config = _load(tmp_path, "\n".join(lines))
    assert config.capture.region == RegionConfig(320, 80, 640, 600)
    assert config.capture.scale is not None


def test_every_value_is_documented_and_bounded() -> None:
    for key, item, kind in documented_fields(DeviceConfig):
        assert item.metadata.get(HELP), key
        assert UNIT in item.metadata, key
        if kind in (int, float):
            assert item.metadata[MINIMUM] < item.metadata[MAXIMUM], key
        assert str(item.metadata[HELP]) in default_toml(), key
        assert kind in (int, float, bool, str), key


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    config = _load(tmp_path, '[screen]\nlanguage = "en"\n[capture]\nfps_hz = 30\n')
    assert config.screen.language == "en"
    assert config.screen.width_px == DeviceConfig().screen.width_px
    assert config.capture.fps_hz == 30.0
    assert isinstance(config.capture.fps_hz, float)


BAD = [
    ("[captur]\n", "unknown key 'captur'; did you mean 'capture'?"),
    ("[capture]\nwidth = 3\n", "unknown key 'capture.width'; did you mean 'capture.width_px'?"),
    ("zzz = 1\n", "unknown key 'zzz'; known keys: capture, model"),
    ("capture = 3\n", "'capture' must be a section [capture], not 3"),
    ('[capture]\nwidth_px = "640"\n', "'capture.width_px' = '640': must be a whole number between 32 and 4096 px"),
    ("[capture]\nwidth_px = 640.0\n", "'capture.width_px' = 640.0: must be a whole number"),
    ("[model]\nthreads = true\n", "'model.threads' = True: must be a whole number"),
    ("[model]\nthreads = 0\n", "'model.threads' = 0: must be between 1 and 16"),
    ("[capture]\nfps_hz = nan\n", "'capture.fps_hz' = nan: must be between 1.0 and 120.0 Hz"),
    ("[capture]\nfps_hz = inf\n", "'capture.fps_hz' = inf"),
    ("[capture]\ndevice = 0\n", "'capture.device' = 0: must be a text"),
    ('[screen]\nlanguage = "de"\n', "'screen.language' = 'de': must be one of 'fr', 'en'"),
    (
        "[capture.scale]\nx_mm_per_px = 0.0\nz_mm_per_px = 0.1\n",
        "'capture.scale.x_mm_per_px' = 0.0: must be between 0.005 and 1.0",
    ),
    ("[capture.scale]\nx_mm_per_px = 0.1\n", "'capture.scale.z_mm_per_px' is missing"),
    ("[capture.region]\nx_px=900\ny_px=0\nwidth_px=640\nheight_px=600\n", "does not lie inside the grabbed picture of 1280x720"),
    ("[tracker]\ncoast_s = 9.0\n", "'tracker.coast_s' = 9.0: must be between 0.0 and 0.5 s"),
    ("[tracker]\nconfirm_frames = 9\nwindow_frames = 4\n", "section 'tracker'"),
    ("[capture\n", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "fragment"), BAD, ids=[row[1][:40] for row in BAD])
def test_a_wrong_file_is_refused_naming_file_and_key(tmp_path: Path, text: str, fragment: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert fragment in str(caught.value)
    assert str(tmp_path / "device.toml") in str(caught.value)
    assert caught.value.exit_code == 2


@dataclass(frozen=True)
class Unbounded:
    """A section whose author stated no bounds."""

    gain: float = field(default=1.0, metadata=setting("Gain."))


def test_a_number_is_finite_even_without_bounds() -> None:
    assert build(Unbounded, {"gain": -1e9}, Path("x.toml")) == Unbounded(-1e9)
    with pytest.raises(ConfigError, match=r"x\.toml: 'gain' = inf: must be a finite number"):
        build(Unbounded, {"gain": float("inf")}, Path("x.toml"))


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 0\)"):
        load_config(tmp_path / "device.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no configuration file at"):
        load_config(tmp_path / "none.toml", {})


@pytest.mark.parametrize(("variable", "under"), [("XDG_CONFIG_HOME", ""), ("HOME", ".config")])
def test_the_users_file_is_found(tmp_path: Path, variable: str, under: str) -> None:
    assert load_config(None, {variable: str(tmp_path)}) == DeviceConfig()
    folder = tmp_path / under / "barbotage"
    folder.mkdir(parents=True)
    (folder / "device.toml").write_text("[model]\nthreads = 2\n")
    assert load_config(None, {variable: str(tmp_path)}).model.threads == 2
    assert load_config(None, {}) == DeviceConfig()


GRABBER = (
    "[capture]\nwidth_px = 800\nheight_px = 600\n[capture.region]\nx_px = 1\ny_px = 2\nwidth_px = 300\nheight_px = 400\n"
    "[capture.scale]\nx_mm_per_px = 0.1\nz_mm_per_px = 0.2\n"
)


def test_region_and_scale_belong_to_the_grabber_alone(tmp_path: Path) -> None:
    config = _load(tmp_path, GRABBER)
    grabber = capture_settings(config, parse_src("v4l2:/dev/video0"))
    assert grabber == CaptureSettings(Region(1, 2, 300, 400), Scale(0.1, 0.2), 800, 600, 25.0)
    assert capture_settings(config, parse_src("file:x.png"), live=True) == CaptureSettings(live=True)


def test_the_option_overrides_every_scale(tmp_path: Path) -> None:
    config = _load(tmp_path, GRABBER)
    for text in ("v4l2:0", "file:x.png", "dicom:x"):
        assert capture_settings(config, parse_src(text), mm_per_px=0.05).scale == Scale.isotropic(0.05)
        with pytest.raises(InvalidInputError, match="mm per pixel"):
            capture_settings(config, parse_src(text), mm_per_px=0.0)


def test_choices_are_shown_in_the_default_file() -> None:
    assert "One of 'fr', 'en'." in default_toml()
    assert any(item.metadata.get(CHOICES) for _, item, _ in documented_fields(DeviceConfig))

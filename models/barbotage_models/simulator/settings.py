"""What a simulated probe is: geometry, beam, and how its echoes become grey values."""

from dataclasses import dataclass

SPEED_OF_SOUND_MM_PER_US = 1.54


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """A linear probe. The picture's plane is ``width_mm`` by ``depth_mm``, sampled on ``lines`` x ``samples``."""

    lines: int = 192
    samples: int = 512
    width_mm: float = 38.4
    depth_mm: float = 38.4
    frequency_mhz: float = 9.0
    fractional_bandwidth: float = 0.6
    f_number: float = 2.2
    focus_mm: float = 17.0
    focal_depth_mm: float = 14.0
    """Distance from the focus at which the lateral width has grown by the square root of 2."""
    scatterers_per_mm2: float = 88.0
    """About six a resolution cell: fully developed speckle (realism.md, envelope SNR against scatterer count)."""
    elevation_sigma_mm: float = 0.85
    """Half thickness of the slice at which the echo amplitude has fallen to 1/e: the beam is about 2 mm thick."""

    @property
    def wavelength_mm(self) -> float:
        """Wavelength in tissue."""
        return SPEED_OF_SOUND_MM_PER_US / self.frequency_mhz

    @property
    def pitch_mm(self) -> float:
        """Distance between scan lines."""
        return self.width_mm / self.lines

    @property
    def sample_mm(self) -> float:
        """Distance between samples along a line."""
        return self.depth_mm / self.samples

    @property
    def axial_fwhm_mm(self) -> float:
        """Axial resolution c / 2B."""
        return SPEED_OF_SOUND_MM_PER_US / (2 * self.frequency_mhz * self.fractional_bandwidth)

    @property
    def lateral_fwhm_mm(self) -> float:
        """Lateral resolution at the focus, wavelength times F-number."""
        return self.wavelength_mm * self.f_number


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The scanner's image chain, after the beamformer."""

    dynamic_range_db: float = 60.0
    gain_db: float = 0.0
    looks: int = 3
    """Compounded looks; their speckle is nearly independent."""
    noise_db: float = -88.0
    """Thermal noise before time-gain compensation, relative to full scale."""
    clutter_db: float = -40.0
    """Reverberation and side-lobe haze, relative to the echoes above it."""
    clutter_length_mm: float = 3.0
    tgc_db_per_cm_mhz: float = 0.60
    """Two-way compensation is twice this; tissue that attenuates otherwise comes out too dark or too bright."""
    tgc_sliders_db: tuple[float, ...] = ()
    """How far the sliders of the time-gain compensation stand from their middle, from the skin down, evenly over the depth."""
    smoothing_mm: float = 0.0
    """Speckle reduction: standard deviation of a smoothing of the log image."""
    edge: float = 0.0
    """Weight of an unsharp mask."""
    gamma: float = 1.0
    """Grey map: out = 255 (in / 255) ** gamma."""
    persistence: float = 0.0
    """Weight of the previous picture."""
    mm_per_px: float = 0.1
    """Pixel of the picture handed out (square)."""

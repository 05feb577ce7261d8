"""Where everything lies on the screen. The image has its own rectangle, which nothing else ever touches."""

from dataclasses import dataclass

from barbotage_device.bedside.view import ScreenSize

REFERENCE_WIDTH_PX = 800
REFERENCE_HEIGHT_PX = 480
PANEL_WIDTH = 284
STRIP_HEIGHT = 54
GUTTER_WIDTH = 34
CAPTION_HEIGHT = 20
ENDS_HEIGHT = 18
BORDER = 9
MARGIN = 4


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of whole pixels; ``right`` and ``bottom`` are the first pixels outside."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @property
    def right_px(self) -> int:
        """First column to the right of the rectangle."""
        return self.left_px + self.width_px

    @property
    def bottom_px(self) -> int:
        """First row below the rectangle."""
        return self.top_px + self.height_px

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return slice(self.top_px, self.bottom_px), slice(self.left_px, self.right_px)

    def grown(self, by_px: int) -> "Rect":
        """The rectangle with a margin added on all sides."""
        return Rect(self.left_px - by_px, self.top_px - by_px, self.width_px + 2 * by_px, self.height_px + 2 * by_px)


@dataclass(frozen=True, slots=True)
class Layout:
    """The rectangles of one screen. ``unit`` is how many pixels a pixel of the 800x480 screen becomes.

    ``image`` the ultrasound picture; ``gutter`` its depth ruler; ``caption`` the line below it (scale bar, source); ``panel`` the numbers;
    ``strip`` the prompt. ``ends`` is the line above the image that names its left and right end; empty without a procedure. ``border_px`` is the
    free band around the image in which its state is drawn.
    """

    size: ScreenSize
    unit: float
    image: Rect
    gutter: Rect
    caption: Rect
    panel: Rect
    strip: Rect
    ends: Rect
    border_px: int

    def px(self, units: float) -> int:
        """Whole pixels of a length in units of the 800x480 screen, at least 1."""
        return max(1, round(units * self.unit))


def layout_for(size: ScreenSize, width_mm: float, depth_mm: float, with_ends: bool = False) -> Layout:
    """The layout for an image of ``width_mm`` by ``depth_mm``: as large as fits, isotropic in mm, centred in its area.

    ``with_ends`` keeps a line free above the image for the names of its ends.
    """
    unit = min(size.width_px / REFERENCE_WIDTH_PX, size.height_px / REFERENCE_HEIGHT_PX)

    def px(units: float) -> int:
        return max(1, round(units * unit))

    strip = Rect(0, size.height_px - px(STRIP_HEIGHT), size.width_px, px(STRIP_HEIGHT))
    panel = Rect(size.width_px - px(PANEL_WIDTH), 0, px(PANEL_WIDTH), strip.top_px)
    edge = px(BORDER) + px(MARGIN)
    room_width = panel.left_px - px(GUTTER_WIDTH) - 2 * edge
    ends_height = px(ENDS_HEIGHT) if with_ends else 0
    room_height = strip.top_px - px(CAPTION_HEIGHT) - ends_height - 2 * edge
    px_per_mm = min(room_width / width_mm, room_height / depth_mm)
    width = max(1, min(room_width, round(width_mm * px_per_mm)))
    height = max(1, min(room_height, round(depth_mm * px_per_mm)))
    left = px(GUTTER_WIDTH) + edge + (room_width - width) // 2
    top = edge + ends_height + (room_height - height) // 2
    image = Rect(left, top, width, height)
    band = image.grown(px(BORDER))
    gutter = Rect(band.left_px - px(GUTTER_WIDTH), image.top_px, px(GUTTER_WIDTH), height)
    caption = Rect(band.left_px, band.bottom_px, band.width_px, px(CAPTION_HEIGHT) + px(MARGIN))
    ends = Rect(band.left_px, band.top_px - ends_height, band.width_px, ends_height)
    return Layout(size, unit, image, gutter, caption, panel, strip, ends, px(BORDER))

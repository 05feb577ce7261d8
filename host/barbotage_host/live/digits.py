"""Large digits for a terminal, of block characters."""

HEIGHT = 5
_SHAPES = {
    "0": ("███", "█ █", "█ █", "█ █", "███"),
    "1": ("  █", "  █", "  █", "  █", "  █"),
    "2": ("███", "  █", "███", "█  ", "███"),
    "3": ("███", "  █", "███", "  █", "███"),
    "4": ("█ █", "█ █", "███", "  █", "  █"),
    "5": ("███", "█  ", "███", "  █", "███"),
    "6": ("███", "█  ", "███", "█ █", "███"),
    "7": ("███", "  █", "  █", "  █", "  █"),
    "8": ("███", "█ █", "███", "█ █", "███"),
    "9": ("███", "█ █", "███", "  █", "███"),
    ".": (" ", " ", " ", " ", "█"),
    "-": ("   ", "   ", "███", "   ", "   "),
}


def large(text: str) -> list[str]:
    """The text of digits, point and minus as HEIGHT rows; each character is twice as wide, since terminal cells are twice as high."""
    rows = []
    for row in range(HEIGHT):
        shapes = [_SHAPES[letter][row] for letter in text]
        rows.append("  ".join("".join(cell * 2 for cell in shape) for shape in shapes))
    return rows

"""Colours for Discord's dark mode. A direction is also told by side and shape, for those who see no red and green."""

BACKGROUND = "#2b2d31"
TINT = 0.16
"""The share of a colour in a ground that is tinted with it."""
RULE = "#46484f"
LEADER = "#6a6d75"
AXIS_TEXT = "#a5a8b0"

TITLE = "#ffffff"
TEXT = "#f2f3f5"
SECONDARY = "#c4c7cd"

BIAS = "#ffd166"
STOP = "#e4c1f9"

LONG = "#4fd8a4"
SHORT = "#ff8f78"
DIRECTION = {"long": LONG, "short": SHORT, "bullish": LONG, "bearish": SHORT}


def mixed(colour: str, share: float, ground: str = BACKGROUND) -> str:
    """The colour at `share` of its strength over the ground."""
    parts = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(over * share + under * (1 - share)) for over, under in parts).hex()

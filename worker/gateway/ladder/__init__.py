"""A ticker's levels for a trading day as a picture drawn to scale, and the same in words. Pure; knows no discord."""

from worker.gateway.ladder.model import Direction, Ladder, LadderLevel, LadderSetup
from worker.gateway.ladder.picture import draw_ladder
from worker.gateway.ladder.words import describe_ladder, ladder_text

__all__ = ["Direction", "Ladder", "LadderLevel", "LadderSetup", "describe_ladder", "draw_ladder", "ladder_text"]

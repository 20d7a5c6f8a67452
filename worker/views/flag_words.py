"""What is odd about a setup or a plan, in words: the flags that parsers and plans bear."""

from collections.abc import Sequence

FLAG_WORDS = {
    "exchange_holiday": "the exchange is closed that day",
    "expiry_missing": "no expiry is named",
    "expiry_past": "the expiry has passed",
    "far_from_post": "the day lies far from the day of the post",
    "fewer_setups": "it has fewer setups than the plan that it replaces",
    "header_missing": "the post has no header",
    "kind_inherited": "the line does not name its kind; a line above does",
    "number_unread": "a number on the line was not read",
    "price_missing": "no price is named",
    "relation_contradicts": "above or below contradicts the kind",
    "repeat": "it repeats an earlier plan",
    "right_missing": "neither call nor put is named",
    "stop_wrong_way": "the stop lies on the side of the targets",
    "strike_missing": "no strike is named",
    "targets_wrong_way": "the targets do not run one way from the trigger",
    "ticker_missing": "no ticker is named",
    "unknown_words": "some words on the line were not understood",
    "weekday_contradicts": "the weekday does not fit the date",
    "weekend": "that day is on a weekend",
    "zone_or_target": "whether the prices are a zone, levels or targets is not plain",
}


def in_words(flags: Sequence[str]) -> str:
    """A flag without words is spelt as it is."""
    return "; ".join(FLAG_WORDS.get(flag, flag) for flag in flags)

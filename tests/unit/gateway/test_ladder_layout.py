"""Where things stand on a price ladder: to scale, in order, apart."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.any_ladder import ladders
from tests.support.ladders import BIAS_ONLY, CROSSING, FORTY_LEVELS, FULL_PLAN, LADDERS, OUTLIER, ladder, setup
from tests.support.properties import unhurried
from worker.gateway.ladder import Ladder
from worker.gateway.ladder.layout import MARGIN, WIDTH, Chart, Side, lay_out
from worker.gateway.ladder.lettering import Lettering
from worker.gateway.ladder.scale import Scale, Span, fit_scale
from worker.gateway.ladder.spread import spread

TOP = 200.0
SMALLEST = 1e-6
"""Of a pixel: what floats lose."""


def chart_of(drawn: Ladder) -> Chart:
    return lay_out(drawn, TOP, Lettering())


@settings(unhurried, max_examples=80)
@given(ladders())
def test_any_ladder_is_laid_out_in_order_and_without_overlap(drawn: Ladder) -> None:
    assume(drawn.levels)
    chart = chart_of(drawn)
    for side in chart.sides:
        labels_are_apart_in_the_order_of_their_prices(chart, side)
        letters_are_on_the_picture_and_off_the_lanes(side)
        setups_that_share_a_lane_do_not_touch(side, drawn)
    every_level_has_its_label_or_is_counted_as_left_out(chart, drawn)


def labels_are_apart_in_the_order_of_their_prices(chart: Chart, side: Side) -> None:
    for upper, lower in pairwise(side.labels):
        assert upper.label.middle >= lower.label.middle
        assert upper.bottom <= lower.top + SMALLEST
    for placed in side.labels:
        assert chart.top - SMALLEST <= placed.top < placed.y < placed.bottom <= chart.bottom + SMALLEST


def letters_are_on_the_picture_and_off_the_lanes(side: Side) -> None:
    lettering = Lettering()
    for placed in side.labels:
        for line in placed.label.lines:
            end = side.text_x + side.outwards * lettering.width(line.text, line.style)
            assert MARGIN - 1 <= end <= WIDTH - MARGIN + 1
    assert side.inner * side.outwards < side.outer * side.outwards < side.text_x * side.outwards


def setups_that_share_a_lane_do_not_touch(side: Side, drawn: Ladder) -> None:
    assert sum(len(lane.setups) for lane in side.lanes) == len(drawn.towards(side.direction))
    for lane in side.lanes:
        for upper, lower in pairwise(lane.setups):
            assert min(level.low for level in upper.levels) > max(level.high for level in lower.levels)


def every_level_has_its_label_or_is_counted_as_left_out(chart: Chart, drawn: Ladder) -> None:
    spans = {Span(level.low, level.high) for level in drawn.levels}
    labelled = {placed.label.span for side in chart.sides for placed in side.labels}
    assert labelled <= spans
    assert len(spans - labelled) <= chart.left_out


@pytest.mark.parametrize("name", sorted(set(LADDERS) - {"nothing"}))
def test_no_label_of_the_golden_pictures_is_left_out(name: str) -> None:
    assert chart_of(LADDERS[name]).left_out == 0


def test_labels_that_have_room_stand_at_their_prices() -> None:
    chart = chart_of(CROSSING)
    longs = next(side for side in chart.sides if side.direction == "long")
    moved = {str(placed.label.span.low): abs(placed.y - chart.scale.y(placed.label.middle)) for placed in longs.labels}
    assert [price for price, pixels in moved.items() if pixels < 1] == [
        "331.25",
        "328.50",
        "327.10",
        "325.80",
        "318.00",
    ]


def test_forty_levels_are_forty_labels() -> None:
    assert len(FORTY_LEVELS.levels) == 41
    assert sum(len(side.labels) for side in chart_of(FORTY_LEVELS).sides) == 41


def test_shorts_stand_to_the_left_and_longs_to_the_right() -> None:
    sides = {side.direction: side for side in chart_of(FULL_PLAN).sides}
    assert sides["short"].text_x < sides["short"].outer < sides["short"].inner < WIDTH / 2
    assert WIDTH / 2 < sides["long"].inner < sides["long"].outer < sides["long"].text_x


def test_one_direction_has_the_whole_width() -> None:
    (side,) = chart_of(ladder("AMD", setup("breakdown", "short", "164.20", "163 161.50"))).sides
    assert side.text_x < side.outer < WIDTH / 2 < side.inner


def test_bias_levels_are_told_on_the_side_that_they_allow() -> None:
    names = {
        side.direction: {line.text for placed in side.labels for line in placed.label.names}
        for side in chart_of(FULL_PLAN).sides
    }
    assert "Bias above" in names["long"] - names["short"]
    assert "Flips below" in names["short"] - names["long"]


def test_bias_levels_alone_are_told() -> None:
    (side,) = chart_of(BIAS_ONLY).sides
    assert [[line.text for line in placed.label.lines] for placed in side.labels] == [
        ["214.60", "Bias above"],
        ["211.20", "Flips below"],
    ]


def test_a_price_posted_in_two_ways_has_one_label_with_all_its_digits() -> None:
    twice = ladder("SPY", setup("breakout", "long", "598.9", "601.5"), setup("bounce", "long", "597", "598.90"))
    (side,) = chart_of(twice).sides
    assert [placed.label.prices[0].text for placed in side.labels] == ["601.5", "598.90", "597"]


def test_targets_give_way_where_there_is_no_room_for_all() -> None:
    setups = [setup("breakout", "long", f"{100 + number}", f"{100.5 + number}") for number in range(40)]
    chart = chart_of(ladder("SPX", *setups))
    roles = [placed.label.role for side in chart.sides for placed in side.labels]
    assert chart.left_out == 80 - len(roles) > 0
    assert set(roles) == {"trigger"}


prices = st.decimals(0, 100_000, places=2)
spans = st.tuples(prices, prices).map(lambda ends: Span(min(ends), max(ends))) | prices.map(
    lambda price: Span(price, price)
)


def scale_of(*numbers: str | int) -> Scale:
    return fit_scale([Span(Decimal(number), Decimal(number)) for number in numbers], 0, 600)


@settings(unhurried, max_examples=100)
@given(st.lists(spans, min_size=1, max_size=30))
def test_prices_between_two_breaks_are_to_scale(given_spans: list[Span]) -> None:
    scale = fit_scale(given_spans, 0, 600)
    assert all(0 - SMALLEST <= scale.y(price) <= 600 + SMALLEST for span in given_spans for price in span)
    for stretch in scale.stretches:
        inside = sorted({price for span in given_spans for price in span if stretch.low <= price <= stretch.high})
        for lower, upper in pairwise(inside):
            assert scale.y(lower) - scale.y(upper) == pytest.approx(float(upper - lower) * scale.unit, abs=1e-6)


@settings(unhurried, max_examples=100)
@given(st.lists(spans, min_size=1, max_size=30))
def test_a_break_leaves_out_what_no_level_is_in(given_spans: list[Span]) -> None:
    for upper, lower in pairwise(fit_scale(given_spans, 0, 600).stretches):
        assert lower.high < upper.low
        assert not any(span.low < upper.low and span.high > lower.high for span in given_spans)


def test_an_outlier_breaks_the_scale_and_says_how_much_is_left_out() -> None:
    assert [each.left_out for each in chart_of(OUTLIER).scale.breaks] == [Decimal("76.40")]


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param((100, 101, 110), id="few levels that can be told apart"),
        pytest.param((100, 200), id="two levels"),
        pytest.param((100,), id="one level"),
        pytest.param(tuple(range(6000, 6160, 4)), id="many levels, evenly"),
    ],
)
def test_the_scale_is_whole_wherever_it_can_be_read(numbers: Sequence[int]) -> None:
    assert scale_of(*numbers).breaks == []


def test_outliers_on_both_ends_are_both_cut_off() -> None:
    assert [each.left_out for each in scale_of(500, 697, 698, 699, 700, 701, 702, 703, 900).breaks] == [197, 197]


@settings(unhurried, max_examples=100)
@given(st.lists(spans, min_size=1, max_size=30))
def test_ticks_are_round_apart_and_in_the_scale(given_spans: list[Span]) -> None:
    scale = fit_scale(given_spans, 0, 600)
    ticks = list(scale.ticks(50))
    for stretch in scale.stretches:
        inside = [y for price, y in ticks if stretch.low <= price <= stretch.high]
        assert all(lower - upper >= 50 - SMALLEST for lower, upper in pairwise(inside))
    assert all(len(price.normalize().as_tuple().digits) <= 8 for price, _ in ticks)


stacks = st.lists(st.tuples(st.floats(-100, 900), st.floats(1, 60)), min_size=1, max_size=20)


@settings(unhurried, max_examples=100)
@given(stacks, st.data())
def test_no_other_places_are_nearer_to_what_labels_want(stack: list[tuple[float, float]], data: st.DataObject) -> None:
    """Any stack without overlap in the same room moves its labels at least as far in all."""
    wanted = sorted(place for place, _ in stack)
    heights = [height for _, height in stack]
    room = 1300.0
    tops = spread(wanted, heights, 0, room)
    spare = room - sum(heights)
    gaps = data.draw(st.lists(st.floats(0, spare / len(stack)), min_size=len(stack), max_size=len(stack)))
    below = accumulate([0.0, *heights[:-1]])
    others = [gap + offset for gap, offset in zip(accumulate(gaps), below, strict=True)]
    assert cost(tops, wanted) <= cost(others, wanted) + 1e-3


def cost(tops: Sequence[float], wanted: Sequence[float]) -> float:
    return sum((top - place) ** 2 for top, place in zip(tops, wanted, strict=True))


def test_labels_with_room_are_not_moved() -> None:
    assert spread([10, 50, 90], [30, 30, 30], 0, 200) == [10, 50, 90]


def test_labels_at_one_price_part_around_it() -> None:
    assert spread([100, 100, 100], [30, 30, 30], 0, 400) == [70, 100, 130]

"""The choice of rows by all pairs (lib/pairwise.py)."""

import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import pytest

from lib.pairwise import all_pairs

COLOURS = {"colour": ["red", "green", "blue"]}
MEALS = {"meal": ["soup", "fish", "cake", None], "drink": ["tea", "wine"], "family": [4, 6], "spoon": [4, 6],
         "day": ["a", "b", "c", "d", "e"]}
SOUP_WITH_WINE = (("meal", "soup"), ("drink", "wine"))
NOTHING_ON_A = [(("day", "a"), ("meal", meal)) for meal in ("soup", "fish", "cake")]


def pairs_in(rows):
    return {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)}


def product_of(parameters):
    """All possible rows."""
    return [dict(zip(parameters, values)) for values in product(*parameters.values())]


def test_every_pair_is_in_a_row():
    rows = all_pairs(MEALS)

    assert pairs_in(rows) == pairs_in(product_of(MEALS))
    assert all(list(row) == list(MEALS) for row in rows), "each row has all parameters, in their order"


@pytest.mark.parametrize("excluded", [[SOUP_WITH_WINE], [SOUP_WITH_WINE[::-1]], [SOUP_WITH_WINE, *NOTHING_ON_A]],
                         ids=["one pair", "the other way round", "several"])
def test_excluded_pairs_are_in_no_row_and_all_others_are_in_one(excluded):
    never = {frozenset(pair) for pair in excluded}
    possible = [row for row in product_of(MEALS) if not pairs_in([row]) & never]

    rows = all_pairs(MEALS, excluded)

    assert pairs_in(rows) == pairs_in(possible)


def test_the_rows_are_few():
    ten_by_four = {f"parameter {number}": list("abcd") for number in range(10)}

    rows = all_pairs(ten_by_four)

    assert pairs_in(rows) == {frozenset(((one, left), (other, right))) for one, other in combinations(ten_by_four, 2)
                              for left, right in product("abcd", "abcd")}
    assert len(rows) < 40, f"{len(rows)} rows where the product has {4 ** 10}"


def test_two_parameters_yield_their_product():
    assert len(all_pairs({**COLOURS, "drink": ["tea", "wine"]})) == 6


def test_one_parameter_has_no_pairs():
    assert all_pairs(COLOURS) == []


def test_the_rows_do_not_depend_on_the_run():
    script = f"from lib.pairwise import all_pairs; print(all_pairs({MEALS!r}, [{SOUP_WITH_WINE!r}]))"

    printed = {subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[1], text=True, check=True,
                              capture_output=True, env={"PYTHONHASHSEED": seed}).stdout for seed in "1234"}

    assert printed == {f"{all_pairs(MEALS, [SOUP_WITH_WINE])}\n"}


def test_an_impossible_value_is_reported():
    with pytest.raises(AssertionError, match="no value is possible with"):
        all_pairs({**COLOURS, "drink": ["tea"], "meal": ["soup"]}, [(("colour", "red"), ("drink", "tea"))])

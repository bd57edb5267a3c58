"""All pairs: few rows in which every two values of different parameters meet at least once.

Faults of a negotiation come from one value or from two together, hardly ever from three. All combinations would be a
million rows, but a few dozen contain all pairs. The choice is greedy and not random, so rows are the same in each run.
"""

from collections import Counter
from itertools import combinations, product


def _possible_pairs(parameters, excluded=()):
    """Every pair of values of two different parameters, as ((name, value), (name, value)), in a fixed order.

    `parameters` maps names to lists of values; `excluded` has the impossible pairs, in either order.
    """
    never = {frozenset(pair) for pair in excluded}
    pairs = (((one, left), (other, right)) for one, other in combinations(parameters, 2)
             for left, right in product(parameters[one], parameters[other]))
    return [pair for pair in pairs if frozenset(pair) not in never]


def _pairs_of_row(row):
    """The pairs in a row, which is a mapping of names to values."""
    return list(combinations(row.items(), 2))


def all_pairs(parameters, excluded=()):
    """Rows, each a mapping of every parameter's name to a value, that together have all possible pairs and no other."""
    rows_with = {frozenset(pair): 0 for pair in _possible_pairs(parameters, excluded)}
    rows = []
    while 0 in rows_with.values():
        row = _row_around(_wanted_most(rows_with), parameters, rows_with)
        for pair in _pairs_of_row(row):
            rows_with[frozenset(pair)] += 1
        rows.append(row)
    return rows


def _wanted_most(rows_with):
    """Of the pairs that are in no row yet, the one whose values occur most often in such pairs."""
    missing = [pair for pair, rows in rows_with.items() if rows == 0]
    wanted = Counter(item for pair in missing for item in pair)
    return max(missing, key=lambda pair: sum(wanted[item] for item in pair))


def _row_around(pair, parameters, rows_with):
    """A row that begins with a pair and then takes, one by one, the value that adds the most missing pairs.

    If several add as many, it takes the one whose pairs are in the fewest rows, so that free values vary too.
    """
    row = dict(pair)
    while len(row) < len(parameters):
        candidates = []
        for name, value in ((name, value) for name in parameters if name not in row for value in parameters[name]):
            rows = [rows_with.get(frozenset(((name, value), other))) for other in row.items()]
            if None not in rows:    # else the value is impossible with the row so far
                candidates.append((rows.count(0), -sum(rows), name, value))
        assert {name for _, _, name, _ in candidates} | set(row) == set(parameters), f"no value is possible with {row}"
        _, _, name, value = max(candidates, key=lambda candidate: candidate[:2])
        row[name] = value
    return {name: row[name] for name in parameters}

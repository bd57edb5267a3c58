"""Samples of all that is measured, and the goals that they are held against."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Key:
    """What was measured, by whom."""
    part: str
    name: str
    contestant: str


@dataclass
class Figure:
    """Samples of one measurement of one contestant, one a round."""
    key: Key
    unit: str
    samples: list = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.samples)

    @property
    def spread(self):
        """Half of the distance between the largest and the smallest sample, as a part of the median."""
        return (max(self.samples) - min(self.samples)) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Goal:
    """A ratio of two figures, or with `against` None one figure in its unit, that has to reach `bound`."""
    what: str
    figure: Key
    against: Key
    bound: float
    at_most: bool = False

    def is_met(self, value):
        return value <= self.bound if self.at_most else value >= self.bound


class Figures:
    """All figures and goals of one run, in the order in which they came."""

    def __init__(self):
        self.figures = {}
        self.goals = []

    def add(self, part, name, contestant, value, unit):
        key = Key(part, name, contestant)
        self.figures.setdefault(key, Figure(key, unit)).samples.append(float(value))

    def get(self, key):
        return self.figures.get(key)

    def goal(self, part, what, figure, against=None, bound=1.0, at_most=False):
        """A goal of a part; `figure` and `against` are pairs of the measurement's name and the contestant."""
        self.goals.append(Goal(what, Key(part, *figure), Key(part, *against) if against else None, bound, at_most))

    def ratio(self, goal):
        """What was reached; None if one of the figures was not measured."""
        figure, against = self.get(goal.figure), self.get(goal.against) if goal.against else None
        if figure is None or goal.against and (against is None or not against.median):
            return None
        return figure.median / against.median if against else figure.median

    def parts(self):
        return list(dict.fromkeys(key.part for key in self.figures))

    def of_part(self, part):
        """{name: {contestant: figure}} of a part."""
        found = {}
        for key, figure in self.figures.items():
            if key.part == part:
                found.setdefault(key.name, {})[key.contestant] = figure
        return found

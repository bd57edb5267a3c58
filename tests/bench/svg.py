"""Plots as SVG: bars for contestants, curves over a size."""

import math
from html import escape

COLOURS = ("#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#d08a00", "#4d4d4d", "#00868b", "#b5548b")
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">\n<rect width="{width}" height="{height}" fill="white"/>')


def _text(x, y, text, anchor="start", bold=False):
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def bars(title, groups):
    """Horizontal bars; `groups` is {measurement: {contestant: (value, unit)}}, each with a scale of its own."""
    contestants = list(dict.fromkeys(name for group in groups.values() for name in group))
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(contestants)}
    left, width, step = 190, 470, 17
    y, lines = 42, []
    for name, group in groups.items():
        unit = next(iter(group.values()))[1]
        most = max(value for value, _ in group.values()) or 1
        lines.append(_text(10, y + 4, f"{name}, {unit}", bold=True))
        y += 10
        for contestant, (value, _) in group.items():
            length = max(1, value / most * width)
            lines.append(_text(left - 8, y + 11, contestant, "end"))
            lines.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="13" fill="{colour[contestant]}"/>')
            lines.append(_text(left + length + 6, y + 11, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"))
            y += step
        y += 20
    return "\n".join([HEAD.format(width=740, height=y), _text(10, 20, title, bold=True), *lines, "</svg>", ""])


class Curves:
    """One diagram with logarithmic axes: {curve: [(x, y)]}."""
    LEFT, TOP, WIDTH, HEIGHT = 80, 50, 480, 260
    LEGEND = 580

    def __init__(self, title, x_name, y_name, curves):
        self.title, self.x_name, self.y_name, self.curves = title, x_name, y_name, curves
        points = [point for curve in curves.values() for point in curve]
        self.x_range = self._range([x for x, _ in points])
        self.y_range = self._range([y for _, y in points])

    @staticmethod
    def _range(values):
        """The powers of ten around the values."""
        low, high = (math.log10(max(value, 1e-9)) for value in (min(values), max(values)))
        return math.floor(low), max(math.ceil(high), math.floor(low) + 1)

    @staticmethod
    def _power(power):
        return f"{10 ** power:,}" if power >= 0 else f"{10 ** power:g}"

    def _place(self, x, y):
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        return (self.LEFT + (math.log10(max(x, 1e-9)) - x0) / (x1 - x0) * self.WIDTH,
                self.TOP + self.HEIGHT * (1 - (math.log10(max(y, 1e-9)) - y0) / (y1 - y0)))

    def _axes(self):
        bottom, right = self.TOP + self.HEIGHT, self.LEFT + self.WIDTH
        for power in range(self.x_range[0], self.x_range[1] + 1):
            x, _ = self._place(10 ** power, 1)
            yield f'<path d="M{x:.1f} {self.TOP}V{bottom}" stroke="#ddd"/>'
            yield _text(x, bottom + 16, self._power(power), "middle")
        for power in range(self.y_range[0], self.y_range[1] + 1):
            _, y = self._place(1, 10 ** power)
            yield f'<path d="M{self.LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
            yield _text(self.LEFT - 6, y + 4, self._power(power), "end")
        yield _text(self.LEFT + self.WIDTH / 2, bottom + 34, self.x_name, "middle")
        yield _text(10, self.TOP - 16, self.y_name)

    def svg(self):
        width = max(800, self.LEGEND + 20 + 7 * max(len(name) for name in self.curves))
        lines = [HEAD.format(width=width, height=self.TOP + self.HEIGHT + 50), _text(10, 16, self.title, bold=True)]
        lines += self._axes()
        for number, (name, points) in enumerate(self.curves.items()):
            colour = COLOURS[number % len(COLOURS)]
            places = [self._place(x, y) for x, y in points]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
            lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
            y = self.TOP + 10 + number * 20
            lines.append(f'<circle cx="{self.LEGEND}" cy="{y}" r="4" fill="{colour}"/>' +
                         _text(self.LEGEND + 10, y + 4, name))
        return "\n".join([*lines, "</svg>", ""])

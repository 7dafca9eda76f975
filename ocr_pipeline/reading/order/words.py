"""Words as the order sees them: turned level by points, not by pixels, and told horizontal from vertical."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
"""Numbers of words."""

ELONGATED = 2.0  # from this ratio of its sides on the direction of a quad is that of its text
_STIFF = 10.0  # words that would have to say that a page is flat, against those that say it is not
SLOPING = 1.5  # degrees: lines that differ by more were not turned together, each has a slope of its own


@dataclass(frozen=True)
class Words:
    """Quads of a page, level.

    Attributes:
        centre [n, 2], width, height [n]: of each quad, along its own sides.
        slope: radians that a word still rises or falls by when the page is level; 0 where lines do not differ.
    """

    centre: Numbers
    width: Numbers
    height: Numbers
    slope: Numbers

    def __len__(self) -> int:
        return len(self.width)

    def of(self, places: Places) -> Words:
        return Words(self.centre[places], self.width[places], self.height[places], self.slope[places])

    @property
    def left(self) -> Numbers:
        return self.centre[:, 0] - self.width / 2

    @property
    def right(self) -> Numbers:
        return self.centre[:, 0] + self.width / 2

    @property
    def top(self) -> Numbers:
        return self.centre[:, 1] - self.height / 2

    @property
    def bottom(self) -> Numbers:
        return self.centre[:, 1] + self.height / 2

    def standing(self) -> Words:
        """The same on the side: what ran downwards runs to the right, what stood at the right comes first."""
        centre = np.stack([self.centre[:, 1], -self.centre[:, 0]], axis=1)
        return Words(centre, self.height, self.width, np.zeros(len(self)))


def level(quads: Numbers) -> tuple[Words, float]:
    """Words [n, 4, 2] turned back by the skew of their page, and that skew in radians (clockwise is above 0)."""
    across = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    down = (quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
    width, height = np.hypot(*across.T), np.hypot(*down.T)
    angle = np.arctan2(across[:, 1], across[:, 0])
    skew = _skew(angle, width, height)
    wide, slope = width > ELONGATED * height, angle - skew
    centre, bend = _unbent(_turned(quads.mean(axis=1), -skew), slope, np.where(wide, width, 0.0))
    rest = slope - bend
    own = wide & (_spread(rest[wide], width[wide]) > np.radians(SLOPING))
    return Words(centre, width, height, np.where(own, rest, 0.0)), skew


def _unbent(centre: Numbers, slope: Numbers, weight: Numbers) -> tuple[Numbers, Numbers]:
    """Points set level where a page that is seen from the side, or curls, still slopes; and that slope at each.

    The slope is taken for a plane over the page, fitted to the wide words; words that leave it far are left out in the
    end. A few words tell nothing of a plane.
    """
    if not weight.any():
        return centre, np.zeros(len(centre))
    middle, half = centre.mean(axis=0), np.maximum(np.ptp(centre, axis=0) / 2, 1.0)
    x, y = ((centre - middle) / half).T
    plane, tilt = np.stack([np.ones_like(x), x, y], axis=1), np.zeros(3)
    for _ in range(3):
        far = np.abs(slope - plane @ tilt)
        kept = weight * (far <= 3 * max(_median(far[weight > 0], weight[weight > 0]), np.radians(0.5)))
        stiff = np.diag(_STIFF * weight[weight > 0].mean() * np.array([0.3, 1, 1]))
        tilt = np.linalg.solve(plane.T @ (kept[:, None] * plane) + stiff, plane.T @ (kept * slope))
    fallen = half[0] * (tilt[0] * x + tilt[1] * x * x / 2 + tilt[2] * x * y)
    return centre - np.stack([np.zeros_like(fallen), fallen], axis=1), plane @ tilt


def _skew(angle: Numbers, width: Numbers, height: Numbers) -> float:
    """The angle that most of the text has: the median, weighted by width."""
    wide, tall = width > ELONGATED * height, height > ELONGATED * width
    told = wide if wide.any() else tall
    if not told.any():
        return 0.0
    return _median(angle[told], np.maximum(width, height)[told])


def _spread(slopes: Numbers, weights: Numbers) -> float:
    return _median(np.abs(slopes), weights) if len(slopes) else 0.0


def _median(values: Numbers, weights: Numbers) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _turned(points: Numbers, angle: float) -> Numbers:
    sine, cosine = np.sin(angle), np.cos(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]])

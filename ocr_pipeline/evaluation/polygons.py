"""Corners as shapes, and which of them touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

Corners = Sequence[Sequence[float]] | npt.NDArray[np.number]


def polygons(corners: Sequence[Corners]) -> npt.NDArray:
    """Valid shapely geometries, repaired where corners cross or coincide."""
    shapes = [shapely.Polygon(np.asarray(points, np.float64).reshape(-1, 2)) for points in corners]
    return shapely.make_valid(np.array(shapes, dtype=object)) if shapes else np.empty(0, object)


def touching_pairs(left: npt.NDArray, right: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray]:
    """Places in ``left`` and in ``right`` of all pairs of shapes that share a point."""
    if not len(left) or not len(right):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    first, second = shapely.STRtree(right).query(left, predicate="intersects")
    return first, second


def shared_areas(left: npt.NDArray, right: npt.NDArray) -> npt.NDArray[np.float64]:
    """Area that each shape of ``left`` shares with each of ``right`` [left, right]."""
    areas = np.zeros((len(left), len(right)))
    first, second = touching_pairs(left, right)
    areas[first, second] = shapely.area(shapely.intersection(left[first], right[second]))
    return areas

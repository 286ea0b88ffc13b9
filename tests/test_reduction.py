"""Many points as few marks: nothing that stands out is lost, whatever the window."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nlsq_widget.reduction import Ordered, Window, columns, density

POINTS = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=200)
RNG = np.random.default_rng(0)


@given(POINTS)
def test_columns_lose_no_outlier(points):
    x, y = np.array(points).T
    order = Ordered.by(x)
    low, high = columns(order, 10).extremes(order.of(y))
    assert (low.min(), high.max()) == (y.min(), y.max())
    assert np.all(low <= high)


@given(POINTS, st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_columns_of_a_window_lose_no_outlier_in_it(points, start, width):
    x, y = np.array(points).T
    order = Ordered.by(x)
    inside = (x >= start) & (x <= start + width)
    low, high = columns(order, 10, (start, start + width)).extremes(order.of(y))
    if inside.any():
        assert low.min() <= y[inside].min()
        assert high.max() >= y[inside].max()


def test_each_column_holds_exactly_its_points():
    x = np.sort(RNG.uniform(0, 1, 1000))
    y = RNG.normal(size=1000)
    some = columns(Ordered.by(x), 7)
    low, high = some.extremes(y)
    edges = np.linspace(x[0], x[-1], 8)
    for i, (a, b) in enumerate(pairwise(edges)):
        here = y[(x >= a) & ((x < b) | (i == 6))]
        assert (low[i], high[i]) == (here.min(), here.max())
    np.testing.assert_allclose(some.x, (edges[:-1] + edges[1:]) / 2)


def test_density_counts_what_a_histogram_counts():
    x, y = RNG.uniform(0, 1, 5000), RNG.normal(size=5000)
    order = Ordered.by(x)
    window = Window((0.2, 0.7), (-1.0, 1.5), 25, 10, 4)
    shades = density(order, order.of(y), window)
    expected, _, _ = np.histogram2d(y, x, bins=(10, 25), range=((-1.0, 1.5), (0.2, 0.7)))
    assert ((shades > 0) == (expected > 0)).all()
    ranks = shades.ravel()[np.argsort(expected.ravel(), kind="stable")].astype(int)
    assert (np.diff(ranks) >= 0).all()
    assert shades.max() == 255


def test_a_single_point_in_a_cell_is_seen():
    order = Ordered.by(np.append(np.full(100_000, 0.5), 0.9))
    shades = density(order, order.of(np.append(np.full(100_000, 0.5), 0.9)), Window((0, 1), (0, 1), 10, 10, 4))
    assert shades[9, 9] >= 1
    assert np.count_nonzero(shades) == 2

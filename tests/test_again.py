"""A fit like one before takes the short way, and nobody can tell but by the clock: same bits, same sentences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlsq_widget import again, curve_fit, scipy_api
from nlsq_widget.models import gaussian
from nlsq_widget.scipy_api import CovarianceWarning

X = np.linspace(0.0, 4.0, 60)
rate = 1.0


def decay(x, a, b, c):
    return a * jnp.exp(-b * x) + c


def numpy_decay(x, a, b, c):
    return a * np.exp(-b * x) + c


def plane(x, a, b, c):
    return a * x[0] + b * x[1] ** 2 + c


def noisy(seed, points=60):
    noise = np.random.default_rng(seed).normal(size=points)
    return 2.5 * np.exp(-1.3 * np.linspace(0, 4, points)) + 0.5 + 0.05 * noise


@pytest.fixture
def short(monkeypatch):
    """After this is called the whole way is shut: what needs it fails."""

    def shut():
        def refuse(*_):
            raise AssertionError("the whole way was gone")

        monkeypatch.setattr(scipy_api, "solve", refuse)

    return shut


def whole(*args, **keywords):
    """curve_fit without the short way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(again, "plain", lambda *_: None)
        return curve_fit(*args, **keywords)


def same(one, other):
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype and a.shape == b.shape for a, b in zip(one, other, strict=True)
    )


CALLS = {
    "a list for p0": {"p0": [2, 1.0, 0]},
    "an array for p0": {"p0": np.array([2.0, 1.0, 0.3])},
    "whole numbers for p0": {"p0": np.array([2, 1, 0])},
    "sigma": {"p0": (2, 1, 0.3), "sigma": np.linspace(0.1, 2, 60)},
    "sigma in units of y": {"p0": [2, 1, 0.3], "sigma": np.linspace(0.1, 2, 60), "absolute_sigma": True},
    "no sigma, in units of y": {"p0": [2, 1, 0.3], "absolute_sigma": True},
    "one pair of bounds": {"p0": [2, 1, 0.3], "bounds": (0, np.inf)},
    "bounds": {"p0": [2, 1, 0.3], "bounds": ([0, 0, -1], np.array([9, 9, 9]))},
    "an active bound": {"p0": [2, 1, 0.3], "bounds": ([0, 0, 0], [2.2, 9, 9]), "method": "trf"},
    "lm": {"p0": [2, 1, 0.3], "method": "lm"},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("model", [decay, numpy_decay])
def test_the_short_way_gives_the_bits_of_the_whole_way(model, call, short):
    curve_fit(model, X, noisy(1), p0=[1.0, 1.0, 1.0])
    expected = whole(model, X, noisy(2), **call)
    short()
    assert same(curve_fit(model, X, noisy(2), **call), expected)


@pytest.mark.parametrize("x", [X.astype("f4"), np.arange(60), np.arange(60, dtype="u1"), X[::-1], np.stack([X, X])[0]])
def test_rows_of_any_real_numbers_are_taken_as_the_whole_way_takes_them(x, short):
    curve_fit(decay, X, noisy(1), p0=[1, 1, 1])
    y = 2.5 * np.exp(-1.3 * np.asarray(x, float)) + 0.5 + 0.01 * noisy(3)
    expected = whole(decay, x, y, p0=[2, 1, 0.3])
    short()
    assert same(curve_fit(decay, x, y, p0=[2, 1, 0.3]), expected)


@pytest.mark.parametrize("points", [4, 9, 5000])
def test_padding_counts_on_neither_way(points, short):
    x = np.linspace(0, 4, points)
    expected = curve_fit(decay, x, noisy(4, points), p0=[2, 1, 0.3])
    short()
    assert same(curve_fit(decay, x, noisy(4, points), p0=[2, 1, 0.3]), expected)


def test_several_predictors_come_along(short):
    x = np.random.default_rng(5).normal(size=(2, 40))
    y = plane(x, 1.0, 2.0, 3.0) + 0.1 * np.random.default_rng(6).normal(size=40)
    expected = curve_fit(plane, x, y, p0=[1, 1, 1])
    short()
    assert same(curve_fit(plane, x, y, p0=[1, 1, 1]), expected)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-3, 3),
    st.floats(0.01, 5),
    st.floats(-2, 2),
    st.integers(0, 1000),
    st.sampled_from([1e-150, 1e-30, 1.0, 1e30]),
)
def test_any_start_and_any_unit_end_alike(a, b, c, seed, unit):
    def outcome(fit):
        try:
            return fit(decay, X, unit * noisy(seed), p0=[a, b, c])
        except (RuntimeError, ValueError, CovarianceWarning) as error:
            return str(error)

    outcome(curve_fit)
    one, other = outcome(curve_fit), outcome(whole)
    assert one == other if isinstance(other, str) else same(one, other)


def test_what_the_model_reads_is_seen_when_it_changes():
    global rate
    scale = np.ones(1)

    def model(x, a, c, power=1.0):
        return scale[0] * a * jnp.exp(-rate * x) ** power + c

    def found():
        return curve_fit(model, X, noisy(7), p0=[1.0, 1.0])[0]

    first = [found(), found()][1]
    scale[0] = 2.0
    assert np.allclose(found()[0], first[0] / 2)
    rate = 1.3
    after = found()
    rate = 1.0
    assert not np.allclose(after, found())
    model.__defaults__ = (1.3,)
    assert np.allclose(found(), after)


def test_answers_belong_to_the_caller():
    first = [curve_fit(decay, X, noisy(8), p0=[2, 1, 0.3]) for _ in range(2)][1]
    kept = [array.copy() for array in first]
    for array in first:
        array[...] = 7.0
    assert same(curve_fit(decay, X, noisy(8), p0=[2, 1, 0.3]), kept)


BAD = {
    "nan in y": ({"y": np.where(X < 1, np.nan, 1.0)}, "y has 15 values that are not finite"),
    "inf in x": ({"x": np.where(X > 3.99, np.inf, X)}, "x has 1 value that is not finite"),
    "sigma of zero": ({"sigma": np.zeros(60)}, "not positive"),
    "nan in sigma": ({"sigma": np.full(60, np.nan)}, "sigma has 60 values that are not finite"),
    "huge y": ({"y": np.full(60, 1e200)}, "give the data in another unit"),
    "start beyond the bounds": ({"bounds": (3, 4)}, "is outside of provided bounds"),
    "start of nan": ({"p0": [np.nan, 1, 1]}, "is not a number"),
    "bounds that cross": ({"bounds": ([0, 0, 0], [1, 1, -1])}, "bound"),
    "one start value too many": ({"p0": [1, 1, 1, 1]}, "p0 has 4 values"),
    "fewer x": ({"x": X[1:]}, "x has 59 values and y has 60"),
    "text for p0": ({"p0": "abc"}, "p0 is 'abc'"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_fitted_is_said_as_the_first_time(change, said):
    curve_fit(decay, X, noisy(9), p0=[2, 1, 0.3])
    call = {"x": X, "y": noisy(9), "p0": [2, 1, 0.3], **change}
    with pytest.raises(ValueError, match=said):
        curve_fit(decay, call.pop("x"), call.pop("y"), **call)


def test_a_fit_that_fails_and_one_that_determines_nothing_are_explained():
    def two_rates(x, a, b, c):
        return a * jnp.exp(-(b + c) * x)

    curve_fit(decay, X, noisy(10), p0=[2, 1, 0.3])
    with pytest.raises(ValueError, match="finite"):
        curve_fit(decay, X, noisy(10), p0=[2, -1e5, 0.3])
    for _ in range(2):
        with pytest.warns(match="Covariance of the parameters could not be estimated"):
            curve_fit(two_rates, X, noisy(10), p0=[2, 1, 0.3])


def test_the_short_way_keeps_to_the_device_that_is_chosen():
    second = jax.devices()[1]

    def where(x, a, b):
        return a * x + b

    for device in (jax.devices()[0], second, second):
        with jax.default_device(device):
            assert np.allclose(curve_fit(where, X, 2 * X + 1 + 0.01 * noisy(11), p0=[1, 1])[0], [2, 1], atol=0.05)
    keys = {key[0][2] for key in again.PROGRAMS._known if key[0][0] == "again" and key[0][1] == X.shape}
    assert {"cpu:0", "cpu:1"} <= keys


def test_a_model_that_is_called_on_the_host_goes_the_whole_way_each_time(monkeypatch):
    def model(x, a, b):
        return a * np.exp(-float(b) * x)

    gone = []
    monkeypatch.setattr(scipy_api, "solve", lambda *args, solve=scipy_api.solve: gone.append(1) or solve(*args))
    for _ in range(3):
        curve_fit(model, X, noisy(12), p0=[2.0, 1.0])
    assert len(gone) == 3


def test_nothing_is_compiled_for_the_short_way(compiled):
    def fresh(x, a, b):
        return a / (1 + b * x)

    for seed in range(4):
        curve_fit(fresh, X, noisy(seed), p0=[1.0, 1.0])
    assert compiled() == 1


def test_a_model_of_the_library_keeps_its_own_bounds():
    x = np.linspace(-3, 3, 40)
    y = np.exp(-(x**2) / 2) + 0.01 * np.random.default_rng(13).normal(size=40)
    found = [curve_fit(gaussian, x, y, p0=[1.0, 0.1, 0.5])[0] for _ in range(3)]
    assert (np.array(found) == found[0]).all()
    assert found[0][2] > 0
    assert again.plain(gaussian, x, y, None, [1.0, 0.1, -1.0], None) is None
    assert again.plain("a*x", x, y, None, [1.0], None) is None

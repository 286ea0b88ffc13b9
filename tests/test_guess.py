"""Guessed start values: the fit from them finds what was put into the data, and what the user chose is kept."""

import jax.numpy as jnp
import numpy as np
import pytest

from nist import PROBLEMS
from nlsq_widget.begin import begin
from nlsq_widget.fit import solve
from nlsq_widget.guess import guess

X = np.linspace(0, 10, 60)


def wave(x, a, w, s):
    return a * jnp.sin(w * x + s)


def test_from_ones_it_finds_the_certified_values_of_a_narrow_peak():
    peak = PROBLEMS["Eckerle4"]
    found = guess(begin(peak.model, peak.x, peak.y, p0=[1, 1, 1]))
    np.testing.assert_allclose(np.abs(solve(found)[0].popt), peak.certified, rtol=1e-6)
    assert all(value == float(f"{value:.6g}") for value in found.p0)  # as a hand would write them


def test_the_same_seed_guesses_the_same_and_points_taken_out_do_not_count():
    y = 2 * np.sin(3 * X + 0.5)
    y[7] = 1e3
    session = begin(wave, X, y, p0=[1, 1, 0], excluded=[7])
    found = guess(session)
    assert found.p0 == guess(session).p0
    assert found.excluded == session.excluded
    assert solve(found)[0].chi2 < 1e-9


def test_what_is_fixed_stays_what_is_bounded_stays_inside_and_what_is_tied_goes_along():
    y = 2 * np.sin(3 * X + 0.5)
    chosen = {"bounds": {"w": (0, 10)}, "fixed": ["s"], "ties": {"a": "w * 2 / 3"}}
    found = guess(begin(wave, X, y, p0=[1, 1, 0.5], **chosen))
    a, w, s = found.p0
    assert (s, a) == (0.5, w * 2 / 3)
    assert 0 < w < 10
    assert solve(found)[0].chi2 < 1e-9


def test_a_model_on_the_host_is_guessed_as_well():
    def decay(x, a, tau):
        return np.array([a * np.exp(-float(value) / tau) for value in x])

    x = np.linspace(0, 500, 20)
    found = guess(begin(decay, x, decay(x, 30.0, 120.0), p0=[1, 1e-3]))
    np.testing.assert_allclose(solve(found)[0].popt, [30, 120], rtol=1e-6)


def test_where_nothing_is_better_or_nothing_is_free_it_says_so():
    y = 2 * X + 1
    with pytest.raises(ValueError, match="No better start values were found"):
        guess(begin(lambda x, a, b: a * x + b, X, y))
    with pytest.raises(ValueError, match="nothing to guess"):
        guess(begin(lambda x, a, b: a * x + b, X, y, fixed=["a", "b"]))

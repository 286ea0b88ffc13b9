"""The library of models: each is its formula, finds its own truth in any units, and added again is no new model."""

import re
from dataclasses import replace
from functools import cache
from operator import add

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from nlsq_widget import FitWidget, curve_fit, fit
from nlsq_widget.begin import begin
from nlsq_widget.code import line as written
from nlsq_widget.device import device, scope
from nlsq_widget.models import (
    MODELS,
    LibraryModel,
    Parameter,
    Sum,
    constant,
    exponential,
    gaussian,
    line,
    lorentzian,
    modified_gaussian,
    polynomial,
    sine,
    skewed_gaussian,
    stretched_exponential,
    voigt,
)
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.program import PROGRAMS
from truths import CANDIDATES, POINTS, experiment

UNITS = [(1.0, 1.0), (1e-9, 1.0), (1e9, 1e-9), (1.0, 1e9)]
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


@cache
def columns(model):
    """The derivatives of a model by its parameters, as `jac` gives them [points, parameters]."""

    def jac(x, *p):
        return jax.jacfwd(lambda p: model.function(x, *p))(p)

    def numbers(x, *p):
        with scope(device()):  # as within a fit: one program serves both
            return np.stack(jitted(x, *map(float, p)), axis=1)

    jitted = jax.jit(jac, compiler_options={"xla_backend_optimization_level": 0})  # for a few calls
    return numbers


def recovered(model, fitted):
    """Whether what is fitted finds what was put in, in whatever units."""
    x, y, truth = experiment(model)
    for unit_x, unit_y in UNITS:
        found = fit(fitted, unit_x * x, unit_y * y)
        assert found.success, found.message
        away = (found.popt - model.in_units(truth, unit_x, unit_y)) / found.stderr
        assert np.abs(away).max() < 5, f"{found}\ntruth {truth}, errors away {away}"


@EVERY
def test_each_model_finds_its_own_truth_in_any_units_from_its_own_guess(model):
    # Asked on the host, since all models then share their compiled steps.
    recovered(model, replace(model.model, function=model.__call__, jacobian=columns(model), host="It is a test."))


@pytest.mark.parametrize("model", [*CANDIDATES, voigt], ids=lambda model: model.name)
def test_as_a_program_it_finds_its_own_truth_and_other_units_compile_nothing(model, compiled):
    recovered(model, model)
    assert compiled() == 1


@EVERY
def test_each_point_is_taken_by_itself(model):
    with jax.enable_x64(True):
        assert is_pointwise(model.model, (POINTS,), 128)


@EVERY
def test_values_and_derivatives_are_finite_at_the_guess_and_at_natural_bounds_however_far_x_is(model):
    x, y, _ = experiment(model)
    guess = model.guess(x, y)
    far = np.concatenate([x[:-6], [0.0, 1e-17, -1e-17, 1e17, -1e17, x[0]]])
    places = [guess]
    for side in zip(*model.bounds.values(), strict=True):
        places.append([end if np.isfinite(end) else value for end, value in zip(side, guess, strict=True)])
        places += [[*guess[:i], end, *guess[i + 1 :]] for i, end in enumerate(side) if np.isfinite(end)]
    for place in places:
        for points in (x, far):
            assert np.isfinite(columns(model)(points, *place)).all(), place
            assert np.isfinite(model(points, *place)).all(), place


# -- values ----------------------------------------------------------------------------------------------------

WORDS = {name: getattr(np, name) for name in ("exp", "sqrt", "sin", "pi")}
WORDS |= {"ln": np.log, "atan": np.arctan, "erf": special.erf, "erfc": special.erfc, "w": special.wofz}
WORDS |= {"Re": np.real, "i": 1j}


@EVERY
def test_the_formula_is_what_the_function_computes_and_names_every_parameter(model):
    x, _, truth = experiment(model)
    x = np.where(x > 0, x, 0.5)
    formula, *beside = model.formula.split(", ")
    values = WORDS | dict(zip(model.names, truth, strict=True)) | {"x": x}
    for text in beside:
        if re.match(r"\w+ = ", text):
            name, definition = text.split(" = ")
            values[name] = eval(definition.replace("^", "**"), {}, values)
    expected = np.broadcast_to(eval(formula.replace("^", "**"), {}, values), x.shape)
    np.testing.assert_allclose(model(x, *truth), expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())
    for parameter in model.parameters:
        assert re.search(rf"\b{parameter.name}\b", model.formula)
        assert parameter.name in str(model)


def test_peaks_are_the_densities_of_scipy():
    x = np.linspace(-8, 12, POINTS)
    heights = {
        gaussian: (stats.norm.pdf(x, 1.5, 0.7), (stats.norm.pdf(0) / 0.7, 1.5, 0.7)),
        lorentzian: (stats.cauchy.pdf(x, 1.5, 0.7), (1 / (np.pi * 0.7), 1.5, 0.7)),
        voigt: (special.voigt_profile(x - 1.5, 0.7, 0.4), (1.0, 1.5, 0.7, 0.4)),
        skewed_gaussian: (stats.skewnorm.pdf(x, 2.5, 1.5, 0.7), (stats.norm.pdf(0) / 0.7, 1.5, 0.7, 2.5)),
        modified_gaussian: (stats.exponnorm.pdf(x, 2.0 / 0.7, 1.5, 0.7), (1.0, 1.5, 0.7, 2.0)),
    }
    for model, (expected, values) in heights.items():
        np.testing.assert_allclose(model(x, *values), expected, rtol=2e-12, atol=1e-15, err_msg=model.name)
    late = np.linspace(0, 12, POINTS)
    np.testing.assert_allclose(stretched_exponential(late, 1, 2, 1.7), stats.weibull_min.sf(late, 1.7, scale=2), 1e-13)


@pytest.mark.parametrize("gamma", [0.0, 1e-8, 1e-3, 0.1, 1.0, 30.0, 1e6])
def test_voigt_has_the_digits_of_wofz(gamma):
    x = np.concatenate([np.linspace(0, 12, 300), 10.0 ** np.linspace(-8, 8, 60)])
    found = voigt(x, np.sqrt(np.pi), 0.0, np.sqrt(0.5), gamma)
    expected = special.wofz(x + 1j * gamma).real
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * expected.max())
    far = x**2 + gamma**2 > 64
    np.testing.assert_allclose(found[far], np.maximum(expected[far], 0), rtol=1e-12, atol=2e-28)  # exp(-64)


def test_voigt_without_a_gaussian_is_a_lorentzian_and_an_extreme_tail_does_not_overflow():
    x = np.linspace(-5, 5, POINTS)
    np.testing.assert_allclose(voigt(x, np.pi * 0.3, 0.5, 0.0, 0.3), lorentzian(x, 1 / 0.3 * 0.3, 0.5, 0.3), rtol=1e-13)
    tailed = modified_gaussian(x, 1.0, 0.0, 1e-3, 1.0)
    np.testing.assert_allclose(tailed[x > 0.1], stats.expon.pdf(x[x > 0.1]), rtol=1e-5)
    narrow = modified_gaussian(x, 1.0, 0.0, 1.0, 1e-3)
    np.testing.assert_allclose(narrow, stats.norm.pdf(x), rtol=0.01, atol=1e-12)


def test_a_traced_call_stays_in_jax_and_a_plain_one_is_float64():
    x = np.linspace(0, 1, 5, dtype=np.float32)
    assert gaussian(x, 1, 0, 1).dtype == np.float64
    assert isinstance(jax.jit(gaussian)(jnp.asarray(x), 1.0, 0.0, 1.0), jax.Array)


# -- start values ----------------------------------------------------------------------------------------------

SIZES = st.floats(-17, 17).map(lambda power: 10.0**power)


@settings(deadline=None)  # the first of each model compiles its curve
@given(model=st.sampled_from(list(MODELS.values())), unit_x=SIZES, unit_y=SIZES, seed=st.integers(0, 99))
def test_a_guess_goes_with_the_units_and_knows_no_order(model, unit_x, unit_y, seed):
    x, y, _ = experiment(model)
    shuffled = np.random.default_rng(seed).permutation(POINTS)
    expected = model.in_units(model.guess(x, y), unit_x, unit_y)
    found = model.guess(unit_x * x[shuffled], unit_y * y[shuffled])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).min())


@pytest.mark.parametrize("model", [m for m in MODELS.values() if m.family != "waves"], ids=lambda m: m.name)
def test_what_points_down_is_guessed_as_what_points_up(model):
    x, y, _ = experiment(model)
    np.testing.assert_allclose(model.guess(x, -y), model.in_units(model.guess(x, y), 1.0, -1.0), rtol=1e-9)


def test_the_frequency_is_found_at_uneven_x_among_many_points_and_in_noise():
    rng = np.random.default_rng(2)
    for points, noise in ((60, 0.1), (300, 1.0), (100_000, 5.0)):
        x = rng.uniform(100, 150, points)
        y = 2 * np.sin(2 * np.pi * 0.377 * x + 1) + 7 + noise * rng.standard_normal(points)
        _, frequency, _ = sine.guess(x, y)
        assert frequency == pytest.approx(0.377, abs=0.1 / 50)


def test_a_peak_is_found_on_an_offset_at_an_edge_and_when_it_is_only_a_few_points_wide():
    x = np.linspace(0, 100, 1000)
    noise = 0.2 * np.random.default_rng(3).standard_normal(x.size)
    for centre, sigma, offset in ((30, 0.2, 0), (1, 4, 0), (60, 5, 50), (50, 25, 0)):
        found = gaussian.guess(x, 3 * np.exp(-0.5 * ((x - centre) / sigma) ** 2) + offset + noise)
        assert abs(found[1] - centre) < sigma
        assert 0.4 * sigma < found[2] < 2.5 * sigma


_X = np.linspace(-5, 5, 50)
_RANDOM = np.random.default_rng(7)
BAD = {
    "no point": ([], []),
    "one point": ([2.0], [3.0]),
    "two points": ([1.0, 2.0], [3.0, 1.0]),
    "three points": ([1.0, 2.0, 4.0], [3.0, 1.0, 2.0]),
    "zeros": (_X, 0 * _X),
    "a constant": (_X, 0 * _X + 3),
    "one x": (0 * _X + 2, _RANDOM.random(50)),
    "x of zeros": (0 * _X, _RANDOM.random(50)),
    "noise": (_X, _RANDOM.standard_normal(50)),
    "each x four times": (np.repeat(_X, 4), _RANDOM.standard_normal(200)),
    "x far from zero": (1e9 + _X, 5 + np.exp(-(_X**2))),
    "great": (1e17 * _X, 1e17 * np.exp(-(_X**2))),
    "small": (1e-17 * _X, -1e-17 * np.exp(-(_X**2))),
    "near the end of floats": (1e200 * _X, 1e140 * _X),
    "nan": (_X, np.where(_X > 4, np.nan, 1.0)),
    "one outlier": (_X, np.where(np.arange(50) == 7, 1e12, 1.0)),
}


@pytest.mark.parametrize("points", BAD.values(), ids=BAD.keys())
def test_whatever_the_data_a_guess_is_finite_and_inside_of_the_natural_bounds(points):
    for model in (*MODELS.values(), gaussian + line, gaussian + gaussian + constant):
        for value, (low, high) in zip(model.guess(*points), model.bounds.values(), strict=True):
            assert type(value) is float
            assert np.isfinite(value)
            assert low <= value <= high


# -- in a fit --------------------------------------------------------------------------------------------------


def peak_on_line():
    x, y, _ = experiment(gaussian)
    return x, y + 0.3 * x + 2


def test_two_sums_of_the_same_models_are_one_model_and_compile_once(compiled):
    x, y = peak_on_line()
    first = fit(gaussian + line, x, y)
    assert (gaussian + line) == sum([gaussian, line]) == Sum((gaussian, line))
    again = fit(gaussian + line, x, 2 * y)
    assert compiled() == 1
    assert first.success
    np.testing.assert_allclose(first.popt, [3, 4.2, 0.7, 0.3, 2], atol=5 * first.stderr.max())
    np.testing.assert_allclose(again.popt, first.popt * [2, 1, 1, 2, 2], rtol=1e-6)
    assert (gaussian + constant) != gaussian + line


def test_names_are_prefixed_where_they_clash_and_parts_are_curves_that_add_up():
    two = gaussian + gaussian + polynomial(1)
    assert two.names[:2] == ("gaussian1_height", "gaussian1_centre")
    assert two.names[-2:] == ("c0", "c1")
    assert (gaussian + lorentzian).names[2:4] == ("sigma", "lorentzian_height")
    assert (gaussian + (gaussian + line)).parts == (gaussian + gaussian + line).parts
    x = np.linspace(0, 10, POINTS)
    y = gaussian(x, 3, 7, 0.5) + gaussian(x, 2, 3, 0.8) + 5 + 0.1 * x
    found = fit(two, x, y)
    np.testing.assert_allclose(found.popt, [2, 3, 0.8, 3, 7, 0.5, 5, 0.1], rtol=1e-6)
    curves = two.curves(x, found.popt)
    assert list(curves) == ["gaussian1", "gaussian2", "polynomial"]
    np.testing.assert_allclose(sum(curves.values()), y, rtol=1e-7)
    np.testing.assert_allclose(curves["gaussian2"], gaussian(x, 3, 7, 0.5), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(two(x, *found.popt), y, rtol=1e-7)
    by_name = dict(zip(found.names, found.popt.tolist(), strict=True))
    np.testing.assert_allclose(two.curves(x, by_name)["polynomial"], 5 + 0.1 * x, rtol=1e-6)


SUMS = {
    "a decay on a level": (exponential + constant, (4.0, 2.3, 1.5)),
    "a decay and a peak": (exponential + gaussian, (4.0, 3.0, 2.0, 6.0, 0.4)),
    "a wave on a line": (sine + line, (1.0, 0.8, 0.3, 0.4, -2.0)),
    "a dip in a parabola": (gaussian + MODELS["parabola"], (-2.0, 6.0, 0.5, 0.1, -1.0, 6.0)),
    "a step on a level": (MODELS["erf_step"] + constant, (3.0, 5.0, 0.4, 2.0)),
    "three peaks": (lorentzian + lorentzian + lorentzian, (3.0, 2.0, 0.3, 1.0, 5.0, 0.4, 2.0, 8.0, 0.2)),
}


@pytest.mark.parametrize(("model", "truth"), SUMS.values(), ids=SUMS.keys())
def test_the_guess_of_a_sum_is_near_the_truth_in_any_units(model, truth):
    x = np.linspace(0, 10, POINTS)
    y = model(x, *truth) + 0.02 * np.random.default_rng(8).standard_normal(POINTS)
    guess = model.guess(1e-9 * x, 1e12 * y)
    np.testing.assert_allclose(model(x, *model.guess(x, y)), y, atol=0.15 * np.ptp(y))
    np.testing.assert_allclose(1e-12 * model(1e-9 * x, *guess), model(x, *model.guess(x, y)), rtol=1e-5, atol=1e-9)


def test_what_is_given_wins_over_what_the_library_knows():
    x, y = peak_on_line()
    model = gaussian + line
    session = begin(model, x, y, p0={"centre": 4.5, "slope": 0.25}, bounds={"height": (1, 2)}, fixed=["slope"])
    chosen = dict(zip(session.names, session.p0, strict=True))
    assert (chosen["centre"], chosen["slope"], chosen["height"]) == (4.5, 0.25, 2.0)
    assert chosen["sigma"] == pytest.approx(0.7, rel=0.2)
    assert dict(zip(session.names, session.lower, strict=True))["sigma"] == 0
    assert fit(model, x, y, p0=chosen, bounds={"height": (1, 2)}, fixed=["slope"])["slope"] == 0.25
    assert begin(model, x, y, p0=[1, 2, 3, 4, 5]).p0 == (1, 2, 3, 4, 5)
    below = begin(gaussian, x, y, p0={"sigma": -1.0})
    assert (below.p0[2], below.lower[2]) == (-1.0, -np.inf)
    assert begin(gaussian, x, y, bounds=(-9, 9)).lower == (-9, -9, -9)
    with pytest.raises(ValueError, match="p0 has 2 values, but the model has 3 parameters"):
        fit(gaussian, x, y, p0=[1, 2])


def test_points_that_do_not_count_are_not_looked_at():
    x, y, _ = experiment(gaussian)
    y[100] = 1e3
    centre = dict(zip(gaussian.names, begin(gaussian, x, y, excluded=[100]).p0, strict=True))["centre"]
    assert centre == pytest.approx(4.2, abs=0.3)
    centre = dict(zip(gaussian.names, begin(gaussian, x, y, x_range=(0, 8)).p0, strict=True))["centre"]
    assert centre == pytest.approx(4.2, abs=0.3)


def test_curve_fit_and_the_widget_take_a_model_of_the_library():
    x, y = peak_on_line()
    model = gaussian + line
    expected = fit(model, x, y).popt
    for method in (None, "lm", "trf"):
        np.testing.assert_allclose(curve_fit(model, x, y, method=method)[0], expected, rtol=1e-6)
    widget = FitWidget(gaussian, x, y - 0.3 * x - 2)
    np.testing.assert_allclose(widget.result.popt, [3, 4.2, 0.7], rtol=0.02)
    assert widget.bounds["sigma"] == (0, np.inf)
    widget.p0["centre"] = 5.0
    widget.undo()
    assert widget.p0["centre"] == pytest.approx(4.2, abs=0.3)
    with pytest.raises(ValueError, match="a model of the library takes one x for each y"):
        fit(gaussian, np.stack([x, x]), y)


@pytest.mark.parametrize("model", [gaussian, gaussian + line], ids=["a model", "a sum"])
def test_the_line_of_python_imports_the_model_and_gives_the_same_fit(model):
    x, y = peak_on_line()
    session = begin(model, x, y)
    cell = {"x": x, "y": y}
    exec(written(session), cell)
    np.testing.assert_array_equal(cell["result"].popt, fit(model, x, y).popt)


def test_a_record_of_ones_own_is_a_model_too():
    def own(x, a):
        return a * jnp.square(x)

    height = Parameter("a", "a", "y/x^2", "how steep")
    square = LibraryModel("square", "mine", own, (height,), "a*x^2", "A square.", lambda x, y: (1.0,))
    x = np.linspace(0, 3, POINTS)
    assert fit(square + constant, x, 2e5 * x**2 + 1).popt.round(6).tolist() == [2e5, 1]


def test_what_is_no_model_and_no_degree_is_refused():
    with pytest.raises(TypeError, match="What is added is a function, no model of the library"):
        add(gaussian, lambda x, a: a)
    with pytest.raises(ValueError, match="give a whole number from 0 to 12"):
        polynomial(-1)


def test_programs_are_kept_for_twice_the_library():
    kept = 2  # what is found out about a model, and its program
    assert 2 * kept * len(MODELS) <= PROGRAMS._keep

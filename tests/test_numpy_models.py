"""A model written with NumPy gives NumPy's values and exact derivatives, or is called on the host and says why."""

import functools
import math
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.special
from scipy.special import erf, expit, logsumexp
from scipy.stats import norm

from nlsq_widget import curve_fit, fit
from nlsq_widget.device import device, scope
from nlsq_widget.differences import differences
from nlsq_widget.fingerprint import fingerprint
from nlsq_widget.model import ModelError, as_model
from nlsq_widget.problem import bucket
from nlsq_widget.program import PROGRAMS

X = np.linspace(0.1, 2.0, 11)
P = np.array([1.3, 0.7])
OFFSET = 0.5


class Instrument:
    def __init__(self):
        self.gain = 2.0

    def __call__(self, x, a, b):
        return self.gain * np.exp(-a * x) + b

    def method(self, x, a, b):
        return np.asarray(x) * np.array([a, b]).sum() * self.gain


def quiet(x, a, b):
    with np.errstate(all="ignore"):
        return a * np.log(x) + b


def filled(x, a, b):
    y = np.zeros_like(x)
    y[x > 0.7] = a
    y[0] = b
    return y + a * x


def filled_by_length(x, a, b):
    y = np.zeros(len(x))
    y[x > 0.7] = a
    y += b * x
    return y


def two_names_of_one_array(x, a, b):
    y = a * np.exp(x)
    z = y
    z += b
    return y


def two_names_and_no_function_of_numpy(x, a, b):
    y = a * x
    z = y
    z += b
    return y


def a_copy_is_not_changed(x, a, b):
    y = a * np.exp(x)
    z = y.copy()
    z += b
    return y * z


def a_number_is_not_changed(x, a, b):
    c = a
    c += b
    return np.exp(a * x) * c


def x_is_changed(x, a, b):
    x -= np.mean(x)
    return a * x + b


def divided_where(x, a, b):
    return np.divide(a, x - 0.1, out=np.zeros_like(x), where=x > 0.5) * b


def helper(x, a):
    return np.array([a * x, x]).sum(axis=0)


TRACED = {
    "exp": lambda x, a, b: a * np.exp(-b * x),
    "log": lambda x, a, b: np.log(a + x) + np.log1p(b * x) + np.log10(a + x) + np.log2(b + x) + np.expm1(a * x),
    "trigonometric": lambda x, a, b: np.sin(a * x) * np.cos(b) + np.tan(0.1 * x) + np.arctan2(a, x) + np.arctan(b * x),
    "hyperbolic": lambda x, a, b: np.tanh(a * x) + np.cosh(b * x) + np.sinh(x) + np.arcsinh(a * x),
    "roots": lambda x, a, b: np.sqrt(a * x) + np.cbrt(b * x) + np.power(x, a) + x**2 + np.float_power(x, b) + 2**a,
    "constants": lambda x, a, b: np.sin(np.pi * a * x) + np.e * b,
    "where": lambda x, a, b: np.where(x > 0.7, a * x, b),
    "polyval": lambda x, a, b: np.polyval([a, b, 1], x) + np.polyval(np.array([a, b]), x),
    "interp": lambda x, a, b: np.interp(x, [0, 1, 3], [a, b, 1.0]),
    "heaviside": lambda x, a, b: a * np.heaviside(x - 0.7, 0.5) + b,
    "clip": lambda x, a, b: np.clip(a * x, 0.2, b) + np.minimum(a * x, b) + np.maximum(x, b) + np.abs(x - a),
    "sum": lambda x, a, b: np.sum(np.stack([a * x, b + x]), axis=0) + np.sum([a * x, b * x], axis=0),
    "mean": lambda x, a, b: a * (x - np.mean(x)) + b * np.std(x) + np.max(a * x) + np.median(b * x),
    "cumsum": lambda x, a, b: np.cumsum(a * x) + np.cumprod(b * x),
    "piecewise": lambda x, a, b: np.piecewise(
        x, [x < 0.5, x > 1], [lambda v: a * v, lambda v: b * np.exp(v), lambda v: a + v]
    ),
    "select": lambda x, a, b: np.select([x < 0.5, x > 1], [a * x, b * x], default=1.0),
    "sinc": lambda x, a, b: np.sinc(a * x) + b,
    "like": lambda x, a, b: a * np.ones_like(x) + np.full_like(x, b) + np.zeros_like(x),
    "array": lambda x, a, b: np.array([a, b])[0] * x + np.array([a * x, b * x]).sum(axis=0),
    "asarray": lambda x, a, b: np.exp(np.asarray(x, dtype=float) * a) + b,
    "dot": lambda x, a, b: np.dot([a, b], [x, x**2]) + np.stack([x, x**2], axis=1) @ np.array([a, b]),
    "trapezoid": lambda x, a, b: np.trapezoid(np.exp(a * x), x) + b * x,
    "concatenate": lambda x, a, b: np.concatenate([a * x[:5], b * x[5:]]),
    "convolve": lambda x, a, b: np.convolve(a * x, [b, 1.0, b], mode="same"),
    "hypot": lambda x, a, b: np.hypot(a * x, b),
    "errstate": quiet,
    "methods": lambda x, a, b: np.exp(a * x).sum() + x.mean() * b + x.astype(float) * x.size * len(x) * x.shape[0],
    "reshape": lambda x, a, b: (np.exp(a * x).reshape(-1, 1) * b).ravel() + np.outer(x, [a, b])[:, 0],
    "reduce": lambda x, a, b: np.add.reduce(np.exp(a * x)) + np.add.accumulate(b * x),
    "outer": lambda x, a, b: (
        np.multiply.outer(x, [a, b]).sum(axis=1) + np.subtract.outer(x, np.array([a])).mean(axis=1)
    ),
    "broadcast": lambda x, a, b: (np.exp(a * x)[:, None] * np.arange(3)).sum(axis=1) * b,
    "whole numbers": lambda x, a, b: a * np.exp(x) * np.arange(11) ** 2 + b * np.arange(11, dtype=np.int32) / 3,
    "dtype": lambda x, a, b: np.multiply(a, np.exp(x), dtype=np.float64) + np.float64(2) * b * np.ones(11),
    "star": lambda x, *p: np.exp(p[0] * x) * p[1],
    "all at once": lambda x, *p: np.dot(p, np.vstack([x, x**2])) + np.sum(np.array(p)),
    "instance": Instrument(),
    "method": Instrument().method,
    "partial": functools.partial(lambda k, x, a, b: a * np.exp(k * b * x), 2.0),
    "helper": lambda x, a, b: helper(x, a) + b,
    "norm": lambda x, a, b: np.linalg.norm(np.stack([a * x, b * x]), axis=0),
    "math": lambda x, a, b: math.exp(a) * x + math.sqrt(b) + math.log(a, 2) + math.erf(b) + math.pi,
    "complex": lambda x, a, b: np.abs(a / (1 + 1j * x * b)),
    "filled": filled,
    "filled by length": filled_by_length,
    "two names": two_names_of_one_array,
    "two names, no function": two_names_and_no_function_of_numpy,
    "a copy": a_copy_is_not_changed,
    "a number": a_number_is_not_changed,
    "x is changed": x_is_changed,
    "divided where": divided_where,
    "both": lambda x, a, b: np.sqrt(jnp.exp(a * x)) + jnp.sin(np.exp(b * x)) + jax.lax.exp(np.sin(x)),
    "jitted": jax.jit(lambda x, a, b: a * np.exp(b * x)),
    "erf": lambda x, a, b: a * erf(b * x) + scipy.special.erfc(x) + scipy.special.erfinv(0.1 * b * x),
    "expit": lambda x, a, b: expit(a * x) + scipy.special.logit(0.3 * x * b) + scipy.special.log_expit(x),
    "gamma": lambda x, a, b: scipy.special.gamma(a + x) + scipy.special.gammaln(b + x) + scipy.special.psi(x),
    "beta": lambda x, a, b: scipy.special.betaln(a, x) + scipy.special.beta(b, x),
    "bessel": lambda x, a, b: scipy.special.i0(a * x) + scipy.special.i0e(x) + scipy.special.i1(b * x),
    "xlogy": lambda x, a, b: scipy.special.xlogy(a, x) + scipy.special.ndtr(b * x) + scipy.special.exp10(0.1 * a * x),
    "logsumexp": lambda x, a, b: logsumexp(np.stack([a * x, b * x]), axis=0) + logsumexp([a * x, x], axis=0),
    "normal": lambda x, a, b: norm.pdf(x, a, b) + scipy.special.erf(x),
}


def made(function):
    with scope(device()):
        return PROGRAMS.known(as_model(function, 2), X, P, X.size, bucket(X.size)).model


def value_and_slopes(model):
    with scope(device()):
        curve = jax.jit(lambda p: model.curve(jnp.asarray(X), p, X.size))
        return np.asarray(curve(P)), np.asarray(jax.jacfwd(curve)(P)).T


@pytest.mark.parametrize("function", TRACED.values(), ids=TRACED.keys())
def test_a_numpy_model_is_traced_with_numpys_values_and_derivatives(function):
    model = made(function)
    assert model.host is None
    value, slopes = value_and_slopes(model)
    plain = getattr(function, "__wrapped__", function)
    with scope(device()):  # for those that use JAX as well
        expected = np.broadcast_to(plain(X.copy(), *P), X.shape)
        two_sided = differences(
            lambda p: np.array(plain(X.copy(), *p) + 0 * X), P, expected, *np.outer([-np.inf, np.inf], [1, 1])
        )
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(slopes, two_sided, rtol=1e-6, atol=1e-6)


def test_a_jax_model_is_left_as_it_is():
    model = as_model(lambda x, a, b: a * jnp.exp(-b * x))
    with scope(device()):
        assert PROGRAMS.known(model, X, P, X.size, bucket(X.size)).model.function is model.function


def test_a_numpy_model_is_fitted_like_a_jax_model():
    x = np.linspace(0, 4, 56)  # as many as a bucket has
    y = 3 * np.exp(-x / 2) + 0.5 + 0.01 * np.random.default_rng(0).standard_normal(56)
    one = fit(lambda x, a, tau, c: a * np.exp(-x / tau) + c, x, y, p0=[1, 1, 0])
    other = fit(lambda x, a, tau, c: a * jnp.exp(-x / tau) + c, x, y, p0=[1, 1, 0])
    np.testing.assert_allclose(one.popt, other.popt, rtol=1e-14)
    np.testing.assert_allclose(one.stderr, other.stderr, rtol=1e-12)


def asks(x, a, b):
    if a > 0:
        return a * np.exp(b * x)
    return b * x


def loops(x, a, b):
    while a < 9:
        a = a * 2
    return a * x + b


def view_written(x, a, b):
    y = a * np.exp(x)
    z = y[2:]
    z += b
    return y


def written_under_a_view(x, a, b):
    y = a * np.exp(x)
    z = y.reshape(-1, 1)
    y += b
    return z[:, 0]


def reversed_view(x, a, b):
    y = a * np.exp(x)
    z = np.flip(y)
    y[0] = b
    return z


def masked_write(x, a, b):
    y = a * np.exp(x)
    y[x > 1] = (b * x)[x > 1]
    return y


def sorted_in_place(x, a, b):
    y = np.exp(-a * x)
    y.sort()
    return b * y


def ode(x, a, b):
    return scipy.integrate.odeint(lambda y, t: -b * y, a, x)[:, 0]


def out(x, a, b):
    y = np.arange(11.0)
    np.multiply(a, x, out=y)
    return y + b


HOST = {
    "if": (asks, 1, "asks `if` about a value .* use jnp.where"),
    "while": (loops, 1, "asks `if` .* jax.lax.while_loop"),
    "float": (lambda x, a, b: float(a) * x + b, 0, r"the number behind a value .*\(math.exp, float\(\), int\(\)\)"),
    "mask": (lambda x, a, b: a * x[x > 1].sum() + b * x, 0, "by a mask: use jnp.where"),
    "index": (lambda x, a, b: a * x * range(9)[int(b)], 0, "number behind|counts or indexes"),
    "vectorize": (np.vectorize(lambda x, a, b: a * math.exp(b * x)), None, "np.vectorize, np.array, an integrator"),
    "view": (view_written, 3, "may share memory .* jnp.where"),
    "under a view": (written_under_a_view, 3, "may share memory"),
    "function of numpy that views": (reversed_view, 3, "may share memory"),
    "masked write": (masked_write, 2, "by a mask"),
    "sort": (sorted_in_place, 2, "it uses .sort of an array"),
    "odeint": (ode, 1, "it calls odeint, which jax.scipy does not have"),
    "out": (out, 2, r"writes into an array of NumPy \(out="),
    "no counterpart": (lambda x, a, b: scipy.special.j0(a * x) * b, 0, "it calls j0, which neither"),
    "no derivative": (lambda x, a, b: scipy.special.betainc(a, b, x / 3), 0, "cannot be .* gradient .*not supported"),
}  # fmt: skip


@pytest.mark.parametrize(("function", "line", "sentence"), HOST.values(), ids=HOST.keys())
def test_what_cannot_be_traced_is_called_on_the_host_and_says_why_and_where(function, line, sentence):
    model = made(function)
    assert model.host is not None
    assert "\n" not in model.host
    assert model.host.endswith("called on the host with finite differences instead, which is slower and less exact.")
    assert re.search(sentence, model.host), model.host
    if line is not None:
        assert f"(line {function.__code__.co_firstlineno + line})" in model.host
    value = model.tried(X, P, X.size)
    slopes = model.sloped(X, P, value, *np.outer([-np.inf, np.inf], [1, 1]))
    np.testing.assert_array_equal(value, function(X.copy(), *P))
    for i in range(2):
        q, h = P.copy(), 1e-5
        q[i] += h
        up = function(X.copy(), *q)
        q[i] -= 2 * h
        np.testing.assert_allclose(slopes[i], (up - function(X.copy(), *q)) / (2 * h), rtol=1e-3, atol=1e-3)


BUGS = {
    "name": (
        lambda x, a, b: np.exp(undefined * x),  # noqa: F821 # pyright: ignore[reportUndefinedVariable]
        r"cannot be evaluated \(line \d+\): NameError: name 'undefined'",
    ),
    "shape": (lambda x, a, b: np.stack([a * x, b * x]), r"shape \(2, 11\) for 11 points"),
    "arguments": (lambda x, a, b: helper(x), r"\(line \d+\): TypeError: helper\(\) missing 1 required"),
    "nothing": (lambda x, a, b: print(end=f"{float(a)!s:.0}"), "returned NoneType, not numbers"),
    "complex": (lambda x, a, b: np.exp(1j * a * x) + b, "returns complex numbers"),
    "math of an array": (lambda x, a, b: math.exp(a * x) + b, "TypeError: only .* arrays can be converted"),
    "index": (lambda x, a, b: a * np.exp(x)[99] + b, "IndexError: index 99 is out of bounds"),
    "words": (lambda x, a, b: f"{float(a)}", "returned str, not numbers"),
}


@pytest.mark.parametrize(("function", "sentence"), BUGS.values(), ids=BUGS.keys())
def test_a_bug_is_one_sentence_and_no_reason_to_go_to_the_host(function, sentence):
    with pytest.raises(ModelError, match=sentence) as caught:
        made(function)
    assert "\n" not in str(caught.value)


DATA = np.linspace(0.1, 4, 30)
Y = 3 * np.exp(-DATA / 2) + 0.5 + 0.02 * np.random.default_rng(0).standard_normal(30)


def on_host(x, a, tau, c):
    if tau <= 0:
        raise ValueError("tau must be positive")
    return np.array([a * math.exp(-t / tau) + c for t in x.tolist()])


@pytest.mark.parametrize("p0", [[1, 1, 0], [10, 0.2, -3], [2, 5, 1e-9]])
def test_a_fit_on_the_host_is_scipys(p0):
    r = fit(on_host, DATA, Y, p0)
    theirs, pcov = scipy.optimize.curve_fit(on_host, DATA, Y, [1, 1, 0], xtol=1e-12, ftol=1e-12)
    assert r.success
    np.testing.assert_allclose(r.popt, theirs, rtol=1e-6)
    np.testing.assert_allclose(r.pcov, pcov, rtol=1e-4)


def test_a_fit_on_the_host_recovers_what_made_the_data():
    y = on_host(DATA, 3.0, 2.0, 0.5)
    np.testing.assert_allclose(fit(on_host, DATA, y, [1, 1, 0]).popt, [3, 2, 0.5], rtol=1e-6)


CALLS_JAX = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import jax.numpy as jnp
import numpy as np
from nlsq_widget import confidence_band, fit

def model(x, a, b):
    if a > 0:
        return np.asarray(a * jnp.exp(-b * jnp.asarray(x)))
    return b * x

x = np.linspace(0, 4, 200_000)
r = fit(model, x, 3 * np.exp(-x / 2), p0=[1, 1])
assert r.host, r
assert np.isfinite(confidence_band(r)).all()
print(*r.popt.round(9).tolist())
"""


def test_a_model_on_the_host_may_call_jax_on_a_machine_with_one_core():
    """Called from within a program it would wait for XLA's only thread, which waits for it."""
    ran = subprocess.run([sys.executable, "-c", CALLS_JAX], capture_output=True, text=True, timeout=100, check=False)
    assert ran.stdout == "3.0 0.5\n", ran.stderr


def test_a_fit_on_the_host_can_be_interrupted():
    calls = []

    def model(x, a, b):
        calls.append(float(a))
        if len(calls) == 12:
            raise KeyboardInterrupt
        return a * x + b

    with pytest.raises(KeyboardInterrupt):
        fit(model, DATA, Y, p0=[1, 1])
    assert len(calls) == 12


def test_a_numpy_model_is_traced_whatever_the_precision_of_the_fit():
    y = 3 * np.exp(-DATA / 2) * np.cos(7 * DATA)
    r = fit(lambda x, a, b: a * np.exp(-b * x) * np.cos(7 * x), DATA, y, [1, 1], precision="float32")
    assert r.host is None
    np.testing.assert_allclose(r.popt, [3, 0.5], rtol=1e-5)


@pytest.mark.parametrize("points", [100, 101])
def test_what_has_other_values_when_traced_is_called_on_the_host(points):
    def model(x, a, b):
        y = a * np.exp(-b * x)
        if type(x) is np.ndarray:
            y[-1] = 9.0
        return y

    x = np.linspace(0, 4, points)
    r = fit(model, x, 3 * np.exp(-x / 2), p0=[1, 1])
    assert "has other values when JAX traces it" in r.message
    assert r.fitted[-1] == 9.0


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_host_calculates_in_float64_and_hands_over_the_precision_asked_for(precision):
    def model(x, a, b):
        seen.append((x.dtype, np.asarray(a).dtype))
        return a * x + b if a > 0 else b - x

    seen = []
    r = fit(model, DATA, 2 * DATA + 1, [1, 1], precision=precision)
    np.testing.assert_allclose(r.popt, [2, 1], rtol=1e-6 if precision == "float32" else 1e-12)
    assert {(x, a) for x, a in seen if isinstance(x, np.dtype)} >= {(np.dtype(float), np.dtype(float))}


def test_a_differential_equation_solved_by_scipy_is_fitted():
    def decay(x, a, k):
        return scipy.integrate.solve_ivp(lambda t, y: -k * y, (0, 5), [a], t_eval=x, rtol=1e-9, atol=1e-11).y[0]

    r = fit(decay, DATA, 3 * np.exp(-DATA / 2), p0=[1, 1])
    np.testing.assert_allclose(r.popt, [3, 0.5], rtol=1e-6)


def test_a_step_on_the_host_stays_within_the_bounds():
    tried = []

    def model(x, a, b):
        tried.append(float(a))
        return float(a) ** 0.5 * x + b

    r = fit(model, DATA, 1.0 - DATA / 9, p0=[1, 1], bounds={"a": (0, 2)})
    assert min(tried[6:]) >= 0  # the first are to compare with what is traced
    assert r.at_bound[0] == "lower"


def test_what_the_code_raises_in_the_middle_of_a_fit_is_said_in_its_own_words():
    calls = []

    def model(x, a, b):
        calls.append(float(a))
        if len(calls) > 12:
            return missing * x  # noqa: F821 # pyright: ignore[reportUndefinedVariable]
        return a * x + b

    with pytest.raises(ModelError, match=r"\(line \d+\): NameError: name 'missing' is not defined\.$"):
        fit(model, DATA, Y, p0=[1, 1])
    calls.clear()


def test_a_step_out_of_the_domain_is_only_rejected():
    def model(x, a, b):
        return np.array([math.log(a * t) * t + b for t in x.tolist()])

    y = np.log(0.05 * DATA) * DATA + 1
    np.testing.assert_allclose(fit(model, DATA, y, p0=[5.0, 0.0]).popt, [0.05, 1], rtol=1e-6)


@pytest.mark.parametrize("traced", [True, False])
def test_a_jac_of_numpy_is_used_as_it_is(traced):
    def jac(x, a, tau, c):
        if not traced and a > 1e9:
            return None
        return np.column_stack([np.exp(-x / tau), a * x / tau**2 * np.exp(-x / tau), np.ones_like(x)])

    def model(x, a, tau, c):
        return a * np.exp(-x / tau) + c

    popt, pcov = curve_fit(model, DATA, Y, [1, 1, 0], jac=jac)
    exact, exact_pcov = curve_fit(model, DATA, Y, [1, 1, 0])
    np.testing.assert_allclose(popt, exact, rtol=1e-9)
    np.testing.assert_allclose(pcov, exact_pcov, rtol=1e-7)
    np.testing.assert_allclose(curve_fit(on_host, DATA, Y, [1, 1, 0], jac=jac)[0], exact, rtol=1e-9)


@pytest.mark.parametrize("host", [False, True])
def test_a_changed_global_is_seen(host):
    global OFFSET

    def model(x, a, b):
        if host and a > 1e9:
            return x
        return a * np.exp(-x / 2) + b + OFFSET

    try:
        for OFFSET in (0.5, 0.25):
            np.testing.assert_allclose(fit(model, DATA, Y, [1, 0])["b"] + OFFSET, 0.5, atol=0.03)
    finally:
        OFFSET = 0.5


def test_a_changed_global_under_vectorize_is_another_model():
    global OFFSET
    model = np.vectorize(lambda x, a: a * x + OFFSET)
    before = fingerprint(model)
    try:
        OFFSET = 0.25
        assert fingerprint(model) != before
    finally:
        OFFSET = 0.5


@pytest.mark.parametrize(
    "made_of", [np.poly1d, np.polynomial.Polynomial, lambda c: scipy.interpolate.CubicSpline(c, c)]
)
def test_what_an_object_of_numpy_or_scipy_is_made_of_is_seen(made_of):
    read = made_of(np.array([1.0, 2.0, 3.0]))
    before = fingerprint(model := lambda x, a: a * read(x))
    assert fingerprint(model) == before
    getattr(read, "coeffs", getattr(read, "coef", getattr(read, "c", None)))[0] += 1.0
    assert fingerprint(model) != before


def sloped(f, at, lower=-np.inf, upper=np.inf):
    p = np.array([at])
    return differences(f, p, f(p), np.array([lower]), np.array([upper]))


def test_differences_are_exact_to_most_digits_whatever_the_scale():
    """Also at zero, and beside a bound or the end of the domain."""
    for scale in (1e-12, 1e-3, 1.0, 1e3):
        for at in (0.0, 1e-14 * scale, 0.3 * scale, -scale):
            slope = sloped(lambda p, s=scale: np.exp(p / s) * np.ones(3), at)
            np.testing.assert_allclose(slope * scale, np.exp(at / scale), rtol=1e-6)
    beside = sloped(lambda p: np.where(p < 1, p**2, np.nan) * np.ones(3), 1 - 1e-6)
    np.testing.assert_allclose(beside, 2, rtol=1e-5)
    edge = sloped(lambda p: p**2 * np.ones(3), 2.0, 2.0, 9.0)
    np.testing.assert_allclose(edge, 4, rtol=1e-9)

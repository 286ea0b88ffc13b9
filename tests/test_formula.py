"""A typed formula is the function that one would have written by hand, and is never run as code."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from nlsq_widget import FitWidget, curve_fit, fit, fit_batch
from nlsq_widget.begin import begin
from nlsq_widget.code import line as written
from nlsq_widget.formula import FUNCTIONS, Formula
from nlsq_widget.model import as_model
from nlsq_widget.models import MODELS
from nlsq_widget.models.alike import alike
from nlsq_widget.pointwise import is_pointwise
from truths import POINTS, experiment

X = np.linspace(0.1, 4, 30)
Y = 3 * np.exp(-X / 1.7) + 0.4 + 0.01 * np.random.default_rng(1).standard_normal(X.size)
WORDS = {name: getattr(np, name) for name in FUNCTIONS if hasattr(np, name)}
WORDS |= {"ln": np.log, "min": np.minimum, "max": np.maximum, "sgn": np.sign, "e": np.e, "pi": np.pi}
WORDS |= {name: getattr(special, name) for name in ("erf", "erfc", "gamma", "gammaln")}
WORDS["heaviside"] = lambda u, at_zero=0.5: np.heaviside(u, at_zero)

FORMULAS = """
    a*exp(-x/b) + c; a*x^2 + b*x + c; -x^2*a; a**-x; 2^-x*a; a*e^(-x/b); a*sin(2*pi*b*x + c); (a + b)/(x + c) % 0.3;
    where(x < a, b, c*x); a if x <= b else c; (x > a)*b + c; a*(0.5 < x < 1.5); where(x < a or x > 2 and x < 3, b, x);
    heaviside(x - a)*b; heaviside(x - x, a); a*erf(x - b) + erfc(x); gamma(x + a) - gammaln(x); ln(x)*log10(a)*log2(b);
    sqrt(x)*cbrt(a); atan2(x, a) + hypot(x, b); min(x, a) + max(x, b) + minimum(a, b); abs(x - a)*sgn(x - b);
    gamma(-x - 0.77)*a; floor(x*a) + ceil(b); asin(x/9)*arccos(x/8) + atan(a); sinh(x/a)*cosh(b)*tanh(x);
    asinh(x) + acosh(1 + x)*a; atanh(x/9)*a - tan(x/5); a - (b - (x - c)); a*1e-3*x + 1.5e2; (a == a)*x + (x != x)*b
"""


@pytest.mark.parametrize("text", [text.strip() for text in FORMULAS.split(";")])
def test_a_formula_means_what_it_means_in_python_to_jax_and_to_numpy(text):
    formula = Formula(text)
    p = [1.3, 0.7, 2.1][: len(formula.names)]
    names = dict(zip(formula.names, p, strict=True)) | {"x": X}
    python = text.replace("^", "**")
    for mine, numpys in (("0.5 < x < 1.5", "(0.5 < x) & (x < 1.5)"), ("x < a or x > 2 and x < 3", "(x<a)|(x>2)&(x<3)")):
        python = python.replace(mine, numpys)
    if " if " in python:
        python = "np.where(x <= b, a, c)"
    expected = eval(python, {"np": np}, WORDS | names)  # what the package never does
    np.testing.assert_allclose(formula(X, *p) + 0 * X, expected + 0 * X, rtol=1e-13, atol=1e-15)
    with jax.enable_x64(True):
        traced = jax.jit(formula)(jnp.asarray(X), *map(jnp.float64, p))
        np.testing.assert_allclose(traced + 0 * X, expected + 0 * X, rtol=1e-13, atol=1e-15)
        assert is_pointwise(as_model(text), (X.size,), 64)


def test_parameters_are_named_in_the_order_in_which_they_are_written():
    assert Formula("b*x + a*(c - b)/min^gamma(max)").names == ("b", "a", "c", "min", "max")
    assert Formula("gamma^2*A/((x - x0)^2 + gamma^2)").names == ("gamma", "A", "x0")
    assert Formula("level").names == ("level",)
    assert Formula("α·x² − τ_1").names == ("α", "τ_1")


def test_a_fit_of_a_formula_is_the_fit_of_the_function_written_by_hand():
    typed, by_hand = fit("a*exp(-x/tau) + c", X, Y), fit(lambda x, a, tau, c: a * jnp.exp(-x / tau) + c, X, Y)
    np.testing.assert_allclose(typed.popt, by_hand.popt, rtol=1e-6)
    np.testing.assert_allclose(typed.stderr, by_hand.stderr, rtol=1e-5)
    assert typed.names == ("a", "tau", "c")


def test_everything_that_takes_a_function_takes_a_formula_and_equal_ones_compile_once(compiled):
    text = "a*exp(-x/tau) + c"
    expected = fit(text, X, Y).popt
    before = compiled()
    for same in (" a * exp(-x / tau)+c", "a*exp((-x)/tau) + (c)", Formula(text)):
        np.testing.assert_array_equal(fit(same, X, Y).popt, expected)
    assert compiled() == before
    np.testing.assert_allclose(curve_fit(text, X, Y, p0=[1, 1, 1])[0], expected, rtol=1e-6)
    np.testing.assert_allclose(fit_batch(text, X, np.stack([Y, 2 * Y])).popt, [expected, expected * [2, 1, 2]], 1e-6)
    widget = FitWidget(text, X, Y, bounds={"tau": (0, None)})
    np.testing.assert_allclose(widget.result.popt, expected, rtol=1e-6)
    assert widget.view.session.model.latex == r"a e^{-x/\tau} + c"


def test_rows_of_x_are_read_by_number():
    x = np.stack([X, np.cos(9 * X)])
    r = fit("a*x[0] + b*x[1]^2", x, 2 * x[0] - 0.5 * x[1] ** 2)
    np.testing.assert_allclose(r.popt, [2, -0.5], rtol=1e-9)
    with pytest.raises(ValueError, match=r"x has 2 rows; write x\[0\]"):
        fit("a*x", x, Y)
    with pytest.raises(ValueError, match=r"it reads x\[2\], but x has 2 rows\.$"):
        fit("a*x[0] + x[2]", x, Y)
    with pytest.raises(ValueError, match=r"it reads x\[0\], but x has 1 row\.$"):
        fit("a*x[0]", X, Y)


def test_a_kink_is_fitted_on_both_sides():
    y = np.where(X < 1.5, 2.0, 2.0 + 0.7 * (X - 1.5))
    r = fit("a if x < 1.5 else a + b*(x - 1.5)", X, y)
    np.testing.assert_allclose(r.popt, [2, 0.7], rtol=1e-9)
    r = fit("where(x < 1.5, a, a + b*sqrt(x - 1.5))", X, np.where(X < 1.5, 2.0, 2 + 0.7 * np.sqrt(np.abs(X - 1.5))))
    np.testing.assert_allclose(r.popt, [2, 0.7], rtol=1e-9)


def test_the_line_of_python_holds_the_formula_and_gives_the_same_fit():
    cell: dict[str, Any] = {"x": X, "y": Y}
    exec(written(begin("a*exp(-x/tau) + c", X, Y)), cell)
    np.testing.assert_array_equal(cell["result"].popt, fit("a*exp(-x/tau) + c", X, Y).popt)


REFUSED = {
    "": "The formula is ''",
    "2x*a": r"no operator between '2' and 'x'; write \* there",
    "a*2e3x": "no operator between '2e3' and 'x'",
    "2(x + a)": r"no operator between '2' and '\('",
    "(a + b)(x + 1)": r"no operator between '\)' and '\('",
    "a x": "no operator between 'a' and 'x'",
    "a*sin x": r"write sin\(x\)",
    "a*exp(-x/tau": r"1 '\(' too many",
    "a*x) + b": r"1 '\)' too many",
    "y = a*x": "leave 'y =' out",
    "f(x) = a*x": r"leave 'f\(x\) =' out",
    "(a := 3)*x": "has ':' in it",
    "a*np.exp(x)": "write exp without what stands before the point",
    "x.T*a": "holds 'x.T'",
    "a*expp(x)": "no function; for a product write expp.*, else exp",
    "a(x + 1)": r"for a product write a\*",
    "__import__('os')": 'has "\'" in it',
    "exp(a, x)": "it takes 1 in its parentheses",
    "exp(a=x)": "it takes 1 in its parentheses",
    "a*exp": "names exp without its parentheses",
    "a*lambda*x": "a word of Python; give it another name, 'lam' say",
    "a + b*x + e*x^2": "Euler's number",
    "2*x": "has no parameter",
    "a*t + b": "does not depend on x",
    "a*x + x[0]": "reads both x and a row of it",
    "a[0]*x": "holds 'a.0.'",
    "x[-1]*a": "holds 'x.-1.'",
    "a*True*x": "holds 'True'",
    "2j*a*x": "no operator between '2' and 'j'",
    "1e999*a*x": "no float can hold",
    "where(x, a, b)": "compare it with something",
    "a if x else b": "compare with something",
    "(x > a) & (x < b)": "write 'and' between conditions",
    "a,5*x": "write decimals with a point",
    "a*x # linear": "has '#' in it",
    "a // x": "holds 'a // x'",
    "[a for a in x]": "a word of Python|no arithmetic",
    "a*x +": "cannot be read",
    "(" * 300 + "a*x" + ")" * 300: "nested too deep",
    "-" * 300 + "a*x": "nested too deep",
    "a*x" + " + a" * 300: "1000",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=lambda text: text[:20])
def test_what_is_no_formula_is_refused_with_a_sentence_that_says_what_to_do(text, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        fit(text, X, Y)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_tower_of_powers_does_not_hang():
    with warnings.catch_warnings(action="error"), pytest.raises(ValueError, match="not finite"):
        fit("a*x + 9^9^9^9^9", X, Y)


# -- start values ----------------------------------------------------------------------------------------------

ALIKE = """
    A*exp(-x/t) + c; A*exp(-k*x); c - A*exp(-x/t); h*exp(-0.5*((x - mu)/s)^2) + m*x + b; a*sin(w*x + p);
    a*exp(-x/t1) + b*exp(-x/t2) + c; d + (a - d)/(1 + (x/c)^b); x/a
"""


@pytest.mark.parametrize("text", [text.strip() for text in ALIKE.split(";")])
def test_a_formula_that_is_written_otherwise_has_the_guess_of_the_library(text):
    formula = Formula(text)
    truth = {"A": 40, "t": 3, "c": 7, "k": 0.4, "h": 20, "mu": 5, "s": 0.6, "m": 0.8, "b": 3, "a": 12, "w": 4, "p": 0.5}
    truth |= {"t1": 0.7, "t2": 6, "d": 2}
    x = np.linspace(0.2, 10, POINTS)
    y = formula(x, *[truth[name] for name in formula.names])
    guess = alike(formula)
    assert guess is not None
    assert np.abs(formula(x, *guess(x, y)) - y).max() < 0.2 * np.ptp(y)
    assert begin(text, x, y).p0 == pytest.approx(guess(x, y))


@pytest.mark.parametrize("model", [m for m in MODELS.values() if ", " not in m.formula], ids=lambda m: m.name)
def test_the_formula_of_a_model_of_the_library_has_its_guess(model):
    formula = Formula(model.formula)
    assert set(formula.names) == set(model.names)
    x, y, _ = experiment(model)
    guess = alike(formula)
    assert guess is not None
    found = dict(zip(formula.names, guess(x, y), strict=True))
    curve, expected = model(x, *[found[name] for name in model.names]), model(x, *model.guess(x, y))
    np.testing.assert_allclose(curve, expected, atol=1e-6 * np.ptp(y) + 1e-9)


@pytest.mark.parametrize("text", ["where(x < a, b, c)", "a*x + b*x", "a*tanh(x)^b", "a*x + 1"])
def test_what_the_library_does_not_know_starts_at_1(text):
    assert alike(Formula(text)) is None
    assert set(begin(text, X, Y).p0) == {1.0}


def test_what_is_given_wins_over_the_guess():
    session = begin("a*exp(-x/tau) + c", X, Y, p0={"tau": 9}, bounds={"c": (2, 3)})
    a, tau, c = session.p0
    assert (tau, c) == (9, 2)
    assert a == pytest.approx(3, rel=0.3)

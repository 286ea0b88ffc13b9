"""Tied parameters: a tied fit is the fit of the model that one would have written by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import fit
from nlsq_widget.bands import confidence_band
from nlsq_widget.begin import begin
from nlsq_widget.session import SetBound, SetRole, SetStart, SetTie, apply
from nlsq_widget.ties import Ties

X = np.linspace(0, 10, 120)
NAMES = ("a1", "w1", "a2", "w2")


def two(x, a1, w1, a2, w2):
    return a1 * jnp.exp(-0.5 * ((x - 3) / w1) ** 2) + a2 * jnp.exp(-0.5 * ((x - 7) / w2) ** 2)


def numpys(x, a1, w1, a2, w2):
    return a1 * np.exp(-0.5 * ((x - 3) / w1) ** 2) + a2 * np.exp(-0.5 * ((x - 7) / w2) ** 2)


def on_host(x, a1, w1, a2, w2):
    return np.array([float(value) for value in numpys(x, a1, w1, a2, w2)])


Y = numpys(X, 2.0, 0.6, 1.0, 0.9) + 0.03 * np.random.default_rng(0).standard_normal(X.size)


def assert_reduced(tied, reduced, slopes):
    """The same fit; and the derived row is what the delta method gives by hand, `slopes` by (a1, w1, a2)."""
    np.testing.assert_allclose(tied.popt[:3], reduced.popt, rtol=1e-6)
    np.testing.assert_allclose(tied.stderr[:3], reduced.stderr, rtol=1e-5)
    assert tied.chi2 == pytest.approx(reduced.chi2, rel=1e-9)
    assert tied.dof == reduced.dof
    np.testing.assert_allclose(tied.pcov[3, :3], slopes @ reduced.pcov, rtol=1e-4, atol=1e-12)
    assert tied.stderr[3] == pytest.approx(np.sqrt(slopes @ reduced.pcov @ slopes), rel=1e-5)


@pytest.mark.parametrize("model", [two, numpys, on_host], ids=lambda model: model.__name__)
def test_a_tied_fit_equals_the_fit_of_the_model_written_without_the_parameter(model):
    tied = fit(model, X, Y, p0=[1, 0.5, 1, 9], ties={"w2": "1.5 * w1"})
    reduced = fit(lambda x, a1, w1, a2: two(x, a1, w1, a2, 1.5 * w1), X, Y, p0=[1, 0.5, 1])
    assert_reduced(tied, reduced, np.array([0, 1.5, 0]))
    assert tied.popt[3] == 1.5 * tied.popt[1]
    assert tied.correlation[1, 3] == pytest.approx(1)
    assert "(= 1.5 * w1)" in str(tied)


def test_a_tie_may_read_several_parameters_and_functions():
    tied = fit(two, X, Y, p0=[1, 0.5, 1, 1], ties={"w2": "sqrt(w1**2 + (a2 / 2)**2)"})
    reduced = fit(lambda x, a1, w1, a2: two(x, a1, w1, a2, jnp.sqrt(w1**2 + (a2 / 2) ** 2)), X, Y, p0=[1, 0.5, 1])
    _, w1, a2 = reduced.popt
    width = np.hypot(w1, a2 / 2)
    assert_reduced(tied, reduced, np.array([0, w1 / width, a2 / 4 / width]))


def test_a_tie_may_read_a_tied_parameter():
    tied = fit(two, X, Y, p0=[1, 0.5, 1, 1], ties={"w2": "w1 + a2 / 10", "a2": "a1 / 2"})
    by_hand = fit(lambda x, a1, w1: two(x, a1, w1, a1 / 2, w1 + a1 / 20), X, Y, p0=[1, 0.5])
    np.testing.assert_allclose(tied.popt[:2], by_hand.popt, rtol=1e-6)
    slopes = np.array([1 / 20, 1])
    assert tied.stderr[3] == pytest.approx(np.sqrt(slopes @ by_hand.pcov @ slopes), rel=1e-5)
    assert tied.dof == X.size - 2


def test_the_band_of_a_tied_fit_is_that_of_the_reduced_model():
    tied = fit(two, X, Y, p0=[1, 0.5, 1, 1], ties={"w2": "1.5 * w1"})
    reduced = fit(lambda x, a1, w1, a2: two(x, a1, w1, a2, 1.5 * w1), X, Y, p0=[1, 0.5, 1])
    at = np.linspace(1, 9, 7)
    np.testing.assert_allclose(confidence_band(tied, at), confidence_band(reduced, at), rtol=1e-6)


def test_what_is_tied_to_what_the_data_do_not_determine_is_not_determined():
    def flat(x, a, b, c, d):
        return a * x + b + c + 0 * d

    tied = fit(flat, [0.0, 1, 2, 3, 4], [1.0, 2.1, 2.9, 4.2, 5.0], ties={"d": "2 * b"})
    assert np.isinf(tied.stderr[[1, 2, 3]]).all()
    assert np.isfinite(tied.stderr[0])


def test_the_same_expression_compiles_once_and_another_one_anew(compiled):
    data = (X, Y, [1, 0.5, 1, 1])
    fit(two, *data, ties={"w2": "1.25 * w1"})
    before = compiled()
    for text in ("1.25 * w1", "= 1.25*w1", "(1.25) * (w1)"):
        fit(two, *data, ties={"w2": text})
    assert compiled() == before
    fit(two, *data, ties={"w2": "1.35 * w1"})
    assert compiled() == before + 1


EXPRESSIONS = """
    1.5*w1 - a2; -w1 + +a2; a1 / w1; w1 ** 2; w1 ** -0.5; 2 ** w1; a1 ** w1; sqrt(w1); exp(-w1); log(a1 * 3);
    sin(w1) * cos(a1); tan(w1); abs(-a1); pi * w1 + e; (a1 - 3) ** 2; 1 / (1 + exp(-a1)); a1 - (w1 - a2)
"""


@pytest.mark.parametrize("text", [text.strip() for text in EXPRESSIONS.split(";")])
def test_an_expression_means_what_it_means_in_python_and_jax_differentiates_it_alike(text):
    ties = Ties.of(NAMES, {"w2": text})
    p = np.array([1.7, 0.6, 0.4, 99.0])
    functions = {name: getattr(np, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "abs", "pi", "e")}
    expected = eval(text, functions | dict(zip(NAMES, p, strict=True)))  # what the package never does
    assert ties.values(p)[3] == pytest.approx(expected, rel=1e-14)
    with jax.enable_x64(True):
        traced = jax.jacfwd(lambda p: jnp.stack(ties.complete(p, jnp)))(jnp.asarray(p))
    np.testing.assert_allclose(ties.slopes(p), traced, rtol=1e-12)


@pytest.mark.parametrize(
    ("ties", "sentence"),
    [
        ({"w2": "q * 2"}, "names 'q', which is no parameter"),
        ({"w2": "w2 + 1"}, "cannot be tied to itself"),
        ({"w2": "w1", "w1": "w2"}, "go round in a circle"),
        ({"w2": "a1 *"}, "is no expression"),
        ({"w2": ""}, "is no expression"),
        ({"w2": "(" * 300}, "is no expression"),
        ({"w2": "w1\x00"}, "is no expression"),
        ({"w2": "__import__('os')"}, "it may hold numbers, other parameters"),
        ({"w2": "w1.real"}, "it may hold"),
        ({"w2": "[w1 for w1 in a1]"}, "it may hold"),
        ({"w2": "w1 if a1 else a2"}, "it may hold"),
        ({"w2": "exp(w1, a1)"}, "it may hold"),
        ({"w2": "2j * w1"}, "it may hold"),
        ({"w2": "True"}, "it may hold"),
        ({"w2": "1e999 * w1"}, "no float can hold"),
        ({"w2": "log(-w1)"}, "not finite at the start values"),
        ({"w2": "1 / 0 + w1"}, "not finite at the start values"),
        ({"w2": 3}, "give an expression"),
        ({"q": "w1"}, "no parameter 'q'"),
        ("w2 = w1", "give an expression by the name"),
    ],
    ids=str,
)
def test_what_is_no_expression_of_other_parameters_is_refused_with_a_sentence(ties, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        begin(two, X, Y, p0=[1, 0.5, 1, 1], ties=ties)
    assert str(refused.value).endswith(".")


def test_a_tower_of_powers_does_not_hang():
    with pytest.raises(ValueError, match="not finite"):
        begin(two, X, Y, p0=[1, 0.5, 1, 1], ties={"w2": "9**9**9**9"})


def session(**choices):
    return begin(two, X, Y, p0=[1, 0.5, 1, 1], **choices)


def test_a_tied_start_value_follows_what_it_is_tied_to():
    tied = apply(session(), SetTie("w2", "1.5 * w1"))
    assert (tied.p0[3], tied.role("w2")) == (0.75, "tied")
    assert apply(tied, SetStart("w1", 2.0)).p0[3] == 3.0
    assert apply(tied, SetBound("w1", "upper", 0.2)).p0[3] == pytest.approx(0.3)


def test_a_number_or_none_unties():
    tied = apply(session(), SetTie("w2", "1.5 * w1"))
    for command, start in ((SetStart("w2", 4.0), 4.0), (SetTie("w2", None), 0.75)):
        free = apply(tied, command)
        assert (free.p0[3], free.role("w2")) == (start, "free")


def test_a_bound_and_a_tie_refuse_each_other():
    with pytest.raises(ValueError, match="w2 has bounds"):
        session(bounds={"w2": (0, None)}, ties={"w2": "w1"})
    tied = session(ties={"w2": "w1"})
    with pytest.raises(ValueError, match="no bound would hold"):
        apply(tied, SetBound("w2", "lower", 0.0))
    with pytest.raises(ValueError, match="untie it first"):
        apply(tied, SetRole("w2", "fixed"))


def test_the_derivatives_of_the_user_are_not_mixed_with_ties():
    with pytest.raises(ValueError, match="leave it out to tie"):
        fit(two, X, Y, p0=[1, 0.5, 1, 1], jac=lambda x, *p: np.zeros((x.size, 4)), ties={"w2": "w1"})

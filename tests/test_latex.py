"""Formulas as a mathematician would write them: each line is what was typed, and what LaTeX is given."""

import pytest

from nlsq_widget.formula import Formula
from nlsq_widget.latex import latex
from nlsq_widget.model import as_model
from nlsq_widget.models import MODELS, gaussian, line, skewed_gaussian

WRITTEN = [
    ("a*exp(-x/tau) + c", r"a e^{-x/\tau} + c"),
    ("a*x^2 + b*x + c0", r"a x^{2} + b x + c_{0}"),
    ("A*exp(-(x - mu)^2/(2*sigma^2))", r"A \exp\left(-\frac{(x - \mu)^{2}}{2 \sigma^{2}}\right)"),
    ("v_max*x/(K_m + x)", r"\frac{v_{\mathrm{max}} \, x}{K_{m} + x}"),
    ("a - (b - x)", "a - (b - x)"),
    ("-(a + b)*x", "-(a + b) x"),
    ("a*-b", "a (-b)"),
    ("2*3*x*1e-9", r"2 \cdot 3 x \cdot 10^{-9}"),
    ("1.5e30*a + 2.0", r"1.5 \cdot 10^{30} a + 2"),
    ("(a*x)^b", "(a x)^{b}"),
    ("(a/x)^b", r"\left(\frac{a}{x}\right)^{b}"),
    ("sin(w*x)^2", r"(\sin(w x))^{2}"),
    ("x^(a/b*c)", "x^{(a/b) c}"),
    ("sqrt(1 + x^2)*slope", r"\sqrt{1 + x^{2}} \, \mathrm{slope}"),
    ("log(x) + log10(x) + abs(x)", r"\ln(x) + \log_{10}(x) + \left|x\right|"),
    ("where(x < x0, a, b*x)", r"\begin{cases} a & \text{if } x < x_{0} \\ b x & \text{else} \end{cases}"),
    ("a if 0 <= x < 3 else b", r"\begin{cases} a & \text{if } 0 \le x < 3 \\ b & \text{else} \end{cases}"),
    ("a*(x > b)", r"a \left[x > b\right]"),
    ("a*x[0] + b*x[1]", "a x_{0} + b x_{1}"),
    ("gamma(k)*gamma + erf(x % 2)", r"\Gamma(k) \gamma + \operatorname{erf}(x \bmod 2)"),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_a_formula_is_written_as_a_mathematician_would(text, expected):
    assert latex(text) == expected


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_each_model_of_the_library_shows_all_its_symbols_and_balanced_braces(model):
    assert r"\text" not in model.latex.replace(r"\text{ where }", "")
    assert model.latex.count("{") == model.latex.count("}")
    assert model.latex.count(r"\left") == model.latex.count(r"\right")
    for parameter in model.parameters:
        assert parameter.symbol in model.latex


def test_parts_of_a_sum_that_are_alike_have_symbols_of_their_own():
    assert (gaussian + line).latex.endswith("+ m x + b")
    two = (skewed_gaussian + skewed_gaussian).latex
    assert r"z_{1} = \frac{x - x_{0,1}}{\sigma_{1}}, \quad z_{2} = \frac{x - x_{0,2}}{\sigma_{2}}" in two


def test_a_notebook_shows_a_formula_and_a_model_as_mathematics():
    assert Formula("a*x^2")._repr_latex_() == "$y = a x^{2}$"
    assert line._repr_latex_() == "$y = m x + b$"
    assert as_model("a*x^2").latex == "a x^{2}"
    assert as_model(gaussian + line).latex == (gaussian + line).latex
    assert as_model(lambda x, a: a * x).latex is None


def test_what_is_no_formula_stands_as_text():
    assert latex("100 % of {it}") == r"\text{100 \% of \{it\}}"

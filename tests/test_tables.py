"""Tables of a result: every digit for another program, what the error leaves for a reader."""

import csv
import io
import json
import re
import shutil
import subprocess
from math import inf

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlsq_widget import fit, table
from nlsq_widget.result import STATISTICS
from nlsq_widget.tables import _LABELS, _escaped, _fitted, _mathematical, _short

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(60)
CHOICES = {
    "p0": [2, 1, 0.5, 1],
    "bounds": {"a": (0, None)},
    "fixed": ["c"],
    "ties": {"width_2": "1.5 * a"},
    "excluded": [3, 4],
}


def decay(x, a, tau, c, width_2):
    return a * jnp.exp(-x / tau) + c + 0 * width_2


@pytest.fixture(scope="module")
def result():
    return fit(decay, X, Y, **CHOICES)


def unlike(x, a, b):
    """A model whose b the data do not determine."""
    return a * x + 0 * b


def read(text):
    """Both blocks of a CSV."""
    rows = list(csv.reader(io.StringIO(text)))
    end = rows.index([])
    head, *body = rows[:end]
    return [dict(zip(head, row, strict=True)) for row in body], dict(rows[end + 2 :])


def test_csv_reads_back_as_the_same_floats(result):
    parameters, facts = read(table(result, "csv"))
    for column, values in {
        "value": result.popt,
        "stderr": result.stderr,
        "lower": result.session.lower,
        "upper": result.session.upper,
        "start": result.p0,
    }.items():
        np.testing.assert_array_equal([float(row[column]) for row in parameters], values)
    assert [row["role"] for row in parameters] == ["free", "free", "fixed", "tied"]
    assert [row["tie"] for row in parameters] == ["", "", "", "1.5 * a"]
    assert [float(facts[name]) for name in STATISTICS] == [getattr(result, name) for name in STATISTICS]
    assert facts["status"] == result.message


def test_json_is_strict_and_its_words_for_what_is_no_number_read_as_floats():
    def refused(word):
        raise AssertionError(word)

    for r in (fit(decay, X, Y, **CHOICES), fit(unlike, X, 2 * X, p0=[1, 1]), fit(unlike, [1.0], [2.0], p0=[1, 1])):
        told = json.loads(table(r, "json"), parse_constant=refused)
        for column, values in {"value": r.popt, "stderr": r.stderr, "upper": r.session.upper}.items():
            np.testing.assert_array_equal([float(row[column]) for row in told["parameters"]], values)
        np.testing.assert_array_equal([float(told[n]) for n in STATISTICS], [getattr(r, n) for n in STATISTICS])


@pytest.mark.parametrize("excluded", [0, 2])
def test_how_many_points_were_excluded_stands_in_every_table(excluded):
    r = fit(decay, X, Y, **CHOICES | {"excluded": range(excluded)})
    assert read(table(r, "csv"))[1]["n_excluded"] == str(excluded)
    assert json.loads(table(r, "json"))["n_excluded"] == excluded
    assert f"| points excluded | {excluded} |" in table(r, "markdown")
    assert f"points excluded & ${excluded}$ " in table(r, "latex")


def test_every_statistic_has_a_label():
    assert set(_LABELS) == {*STATISTICS, "n_excluded"}


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (1.23452, 0.00671, "1.2345(67)"),
        (12.3, 4.5, "12.3(4.5)"),
        (-0.97, 0.123, "-0.97(12)"),
        (9.996, 0.0996, "10.00(10)"),
        (6.62607015e-34, 2.9e-41, "6.62607015(29)×10⁻³⁴"),
        (1234567.0, 8900.0, "1.2346(89)×10⁶"),
        (0.0, 0.25, "0.00(25)"),
        (1.0, 0.0, "1"),
        (3.25, inf, "3.25 ± ∞"),
        (1e-9, 2.0, "1×10⁻⁹ ± 2"),
    ],
)
def test_a_value_has_the_digits_that_its_error_leaves(value, error, shown):
    assert _fitted(value, error) == shown


@given(st.floats(-1e300, 1e300), st.floats(min_value=5e-324, max_value=1e300))
def test_what_is_shown_is_within_a_tenth_of_the_error_of_the_value(value, error):
    shown = re.fullmatch(r"(-?[\d.]+)(?:\(([\d.]+)\))?(?:×10(\S+))?(?: ± .*)?", _fitted(value, error))
    assert shown is not None
    digits, inside, power = shown.groups()
    exponent = 0 if power is None else int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    assert abs(float(f"{digits}e{exponent}") - value) <= (0.051 * error if inside else 1e-3 * abs(value))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(47.93, "47.93"), (5.5e-5, "5.5×10⁻⁵"), (1e6, "1×10⁶"), (-inf, "-∞"), (0.0, "0"), (100.0, "100")],
)
def test_a_number_without_an_error_has_six_digits(value, shown):
    assert _short(value) == shown


def test_r2_near_one_says_by_how_much_it_is_not():
    r = fit(unlike, X, 2 * X + 1e-4 * np.sin(9 * X), p0=[1, 1], fixed=["b"])
    shown = float(re.search(r"\| R² \| (\S+) \|", table(r))[1])
    assert 0 < 1 - shown < 1e-6


def test_latex_has_no_bare_special_character():
    assert _escaped("width_2 A% R&D #1 {a} a^b ~ \\ $") == (
        r"width\_2 A\% R\&D \#1 \{a\} a\textasciicircum{}b \textasciitilde{} \textbackslash{} \$"
    )
    assert _escaped("τ_λ Ω Α é") == r"$\tau$\_$\lambda$ $\Omega$ A é"
    assert _mathematical("-∞ to 1×10⁻⁷") == r"$-\infty$ to $1 \times 10^{-7}$"


def test_a_pipe_or_a_star_in_what_is_said_breaks_no_markdown(result):
    assert "float64 on cpu:0" in table(result)
    assert all(line.count("|") in (0, 3, 6) for line in table(result).splitlines())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_latex_compiles_as_it_stands(tmp_path):
    greek = eval("lambda x, τ, width_2, Α: τ * x + Α + 0 * width_2")
    r = fit(greek, X, 2 * X, p0=[1, 1, 1e-9], bounds={"Α": (-1e-7, 1e9)}, ties={"width_2": "1.5 * τ ** 2"})
    lost = fit(lambda x, a, b: a * x + 0 * b, X, Y)
    body = table(r, "latex") + table(lost, "latex")
    (tmp_path / "table.tex").write_text(f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_another_kind_is_refused_with_those_there_are(result):
    with pytest.raises(ValueError, match=r"kind is 'excel'; choose one of: csv, json, latex, markdown\."):
        table(result, "excel")

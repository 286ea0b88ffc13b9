"""Programs that make a fit again: run by themselves, they find what the fit found."""

import json
import subprocess
import sys
from math import exp
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from nist import load
from nlsq_widget import data_csv, fit, script
from nlsq_widget.models import gaussian, line

ROOT = Path(__file__).parent.parent
X = np.linspace(0, 10, 60)
NOISE = 0.05 * np.random.default_rng(1).standard_normal(60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + NOISE
SIGMA = np.linspace(0.04, 0.06, 60)
FAR = np.where(np.arange(60) % 12 == 5, 2.0, 0.0)
MANY = np.linspace(0, 10, 3000)
HALF, WEIGHTS = 0.5, np.array([1.0, 0.25])


def decay(x, a, tau, c=0.0):
    return a * jnp.exp(-x / tau) + c


def helped(x, a, tau):
    """Reads a helper, two constants, and a function that it was imported."""
    return weighted(a * np.exp(-x / tau)) + HALF * exp(0) + 0 * erf(x)


def weighted(y):
    return WEIGHTS[0] * y


def about_the_mean(x, *c):
    return c[0] * (x - x.mean()) + c[1]


def starred(x, *c):
    return c[0] + c[1] * x


def closed_over(power):
    @jax.jit
    def model(x, a, tau):
        return a * jnp.exp(-((x / tau) ** power)) + HALF

    return model


plane = lambda x, a, b, c: a * x[0] + b * jnp.cos(c * x[1])  # noqa: E731

MISRA = load()["Misra1a"]
CASES = {
    "plain": (decay, X, Y, {}),
    "sigma": (decay, X, Y, {"sigma": SIGMA, "absolute_sigma": True, "p0": [1, 2, 0.1 + 0.2]}),
    "covariance": (decay, X, Y, {"sigma": np.diag(SIGMA**2) + 1e-4}),
    "bounds": (decay, X, Y, {"bounds": {"a": (0, None), "c": (None, 0.4)}, "p0": [2, 1, 0.3]}),
    "fixed": (decay, X, Y, {"fixed": ["c"], "p0": [2, 1, 0.5]}),
    "held by equal bounds": (decay, X, Y, {"bounds": {"c": (0.5, 0.5)}, "p0": [2, 1, 0.5]}),
    "ties and fixed": (
        decay,
        X,
        Y,
        {"ties": {"c": "sqrt(a) * e / pi - 4 / tau ** 2"}, "fixed": ["tau"], "p0": [2, 2, 0]},
    ),
    "excluded": (decay, X, Y + FAR, {"excluded": np.flatnonzero(FAR), "x_range": (0.1, 9), "sigma": SIGMA}),
    "loss": (decay, X, Y + FAR, {"loss": "soft_l1", "loss_scale": 0.07, "p0": [2, 1, 0]}),
    "loss and fixed": (decay, X, Y + FAR, {"loss": "cauchy", "fixed": ["c"], "p0": [2, 1, 0.5], "sigma": SIGMA}),
    "helped": (helped, X, Y, {"p0": [2, 1]}),
    "closure, jitted": (closed_over(1.25), X, Y, {"p0": [2, 1]}),
    "together, starred": (about_the_mean, X, 2 * X + NOISE, {"excluded": [0, 1, 2], "p0": [1, 1]}),
    "predictors, lambda": (plane, np.stack([X, X[::-1]]), X + np.cos(0.9 * X[::-1]) + NOISE, {}),
    "many": (decay, MANY, 3 * np.exp(-MANY / 2) + 0.1 * np.cos(9 * MANY), {"excluded": range(0, 1000, 2)}),
    "of the library": (gaussian + line, X, np.exp(-((X - 3) ** 2)) + 0.1 * X + NOISE, {}),
    "typed": ("a * exp(-x / tau) + c", X, Y, {"fixed": ["c"], "p0": [2, 1, 0.5]}),
    "far from one": (MISRA.model, MISRA.x, MISRA.y, {"p0": MISRA.start_1}),
}

DRIVER = """
import contextlib, io, json, runpy, sys
from pathlib import Path
found = {}
for folder in sorted(path.parent for path in Path().glob('*/script.py')):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.chdir(folder):
        names = runpy.run_path("script.py")
    r = names.get("result")
    popt, stderr = (names["popt"], names["stderr"]) if r is None else (r.popt, r.stderr)
    found[folder.name] = [popt.tolist(), stderr.tolist(), out.getvalue()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def results():
    return {name: fit(model, x, y, **how) for name, (model, x, y, how) in CASES.items()}


def run(folder, results, library):
    """What each program finds, in a process that knows nothing else: values, errors, and what it prints."""
    for name, result in results.items():
        (folder / name).mkdir()
        (folder / name / "script.py").write_text(script(result, library), encoding="utf-8")
        (folder / name / "data.csv").write_text(data_csv(result))
    command = [
        sys.executable,
        *(["-I"] if library == "scipy" else []),
        "-W",
        "error",
        "-c",
        f"import sys; sys.path.append({str(ROOT)!r})" + DRIVER,
    ]
    env = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": ""}  # its programs are kept in its own home
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ours(results, tmp_path_factory):
    return run(tmp_path_factory.mktemp("ours"), results, "nlsq_widget")


@pytest.fixture(scope="module")
def theirs(results, tmp_path_factory):
    return run(tmp_path_factory.mktemp("theirs"), results, "scipy")


@pytest.mark.parametrize("name", CASES)
def test_the_program_gives_the_same_fit_to_the_last_digit(name, results, ours):
    popt, stderr, printed = ours[name]
    np.testing.assert_array_equal(popt, results[name].popt)
    np.testing.assert_array_equal(stderr, results[name].stderr)
    assert printed.strip() == str(results[name])


@pytest.mark.parametrize("name", CASES)
def test_scipy_finds_the_same_in_six_digits(name, results, theirs):
    popt, stderr, printed = theirs[name]
    np.testing.assert_allclose(popt, results[name].popt, rtol=1e-6)
    np.testing.assert_allclose(stderr, results[name].stderr, rtol=1e-6)
    assert [line.split(" = ")[0] for line in printed.splitlines()] == list(results[name].names)


def test_few_points_are_written_down_and_many_are_read_from_a_file(results):
    assert "np.array([" in script(results["plain"])
    assert 'np.loadtxt("data.csv"' in script(results["many"])
    assert 'np.loadtxt("my data.csv"' in script(results["plain"], data="my data.csv")


@pytest.mark.parametrize("name", ["covariance", "predictors, lambda", "sigma", "plain"])
def test_the_points_read_back_bit_for_bit(name, results, tmp_path):
    r = results[name]
    (tmp_path / "data.csv").write_text(data_csv(r))
    program = script(r, data=str(tmp_path / "data.csv"))
    names = {"np": np}
    exec("\n".join(line for line in program.splitlines() if "columns" in line), names)
    for key in ("x", "y", "sigma"):
        if getattr(r.data, key) is not None:
            np.testing.assert_array_equal(names[key], getattr(r.data, key))


def test_what_cannot_be_written_is_said_at_the_top():
    class Peak:
        def __call__(self, x, a):
            return a * x

    table = {"slope": 2.0}

    def looked_up(x, a):
        return a * table["slope"] * x

    program = script(fit(Peak(), X, 2 * X))
    assert "# To fill in: model, an object (Peak) whose source cannot be had." in program
    assert "def model(x, *parameters):" in program
    assert "# To fill in: table, an object (dict)" in script(fit(looked_up, X, 2 * X))
    typed = {"jnp": jnp}
    exec("def typed(x, a): return a * jnp.sin(x)", typed)
    assert "# To fill in: typed, a function whose source" in script(fit(typed["typed"], X, 2 * np.sin(X)))
    compile(program, "script.py", "exec")


def test_a_name_that_the_program_needs_itself_is_said():
    y = 2.0

    def model(x, a):
        return a * x + y

    assert "# To fill in: rename y in the model" in script(fit(model, X, 2 * X + 2))


def test_a_jacobian_is_written_as_well():
    def slope(x, a):
        return x[:, None]

    program = script(fit(lambda x, a: a * x, X, 2 * X, jac=slope))
    assert "jac = slope" in program
    assert "jac" not in script(fit(lambda x, a: a * x, X, 2 * X, jac=slope), "scipy").replace(
        'jac="3-point"', ""
    ).replace('x_scale="jac"', "")


def test_nothing_that_is_free_is_nothing_for_scipy():
    with pytest.raises(ValueError, match="nothing for SciPy to fit"):
        script(fit(starred, X, X, p0=[1, 2], fixed=["c0", "c1"]), "scipy")


def test_another_library_is_refused():
    with pytest.raises(ValueError, match=r"library is 'lmfit'; choose one of: nlsq_widget, scipy\."):
        script(fit(starred, X, X, p0=[1, 2]), "lmfit")

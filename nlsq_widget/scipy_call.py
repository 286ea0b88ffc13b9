"""A session as a call of scipy.optimize.curve_fit. What is fixed or tied is put in by a function around the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import isinf
from typing import NamedTuple

from nlsq_widget.code import function_name, indices
from nlsq_widget.session import Session
from nlsq_widget.ties import Ties

DOUBLE = 'jax.config.update("jax_enable_x64", True)  # SciPy calls the model of JAX as it is, in double precision'
# Central differences in proportion to each parameter, and no test that depends on units: SciPy's defaults end early.
_METHOD = 'method="trf", jac="3-point", diff_step=6e-6, x_scale="jac", ftol=1e-15, xtol=1e-14, gtol=None'


class Call(NamedTuple):
    """A call, in the parts of a program."""

    imports: list[str]
    parts: list[str]
    names: set[str]  # that it uses for itself


def call(session: Session) -> Call:
    """The statements that fit, given the model, x, y and sigma; after them `popt` and `stderr` are of all parameters.

    Raises ValueError where nothing is free.
    """
    if not any(session.free):
        raise ValueError("No parameter is free, so there is nothing for SciPy to fit; free one first.")
    wrapped = not all(session.free)
    taken = {"np", "curve_fit", "x", "y", "sigma", "counts", "complete", "fitted", "popt", "pcov", "stderr"}
    parts = [_counts(session)] if session.n_out else []
    parts += [_complete(session)] if wrapped else []
    parts += [_fitted(session)] if wrapped or session.n_out else []
    parts += [_call(session), _errors(session)]
    return Call(["from scipy.optimize import curve_fit"], parts, taken | {"names", "step", "slopes"})


def _counts(session: Session) -> str:
    """Which points count. The model is asked at all of them: it may need them together."""
    lines = ["counts = np.ones(y.size, dtype=bool)  # False for what is excluded"]
    if session.excluded:
        lines.append(f"counts[[{', '.join(indices(session.excluded))}]] = False")
    lower, upper = session.x_range
    lines += [] if isinf(lower) else [f"counts &= x >= {lower!r}"]
    lines += [] if isinf(upper) else [f"counts &= x <= {upper!r}"]
    return "\n".join(lines)


def _complete(session: Session) -> str:
    free = [name for name, moves in zip(session.names, session.free, strict=True) if moves]
    lines = ["def complete(free):", '    """All parameters, from those that are fitted."""']
    lines.append(f"    {', '.join(free)}{',' if len(free) == 1 else ''} = free")
    for name, start in zip(session.names, session.p0, strict=True):
        if name not in free and name not in session.model.ties:
            lines.append(f"    {name} = {start!r}")
    lines += [f"    {name} = {text}" for name, text in _expressions(session.model.ties)]
    return "\n".join([*lines, f"    return np.array([{', '.join(session.names)}])"])


def _expressions(ties: Ties) -> Iterator[tuple[str, str]]:
    """Each after those that it reads, written with NumPy's functions and constants."""
    for name, text in ties.key[1:]:
        tree = ast.parse(text, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in ties.names:
                node.id = f"np.{node.id}"
        yield name, ast.unparse(tree)


def _fitted(session: Session) -> str:
    parameters = "free" if all(session.free) else "complete(free)"
    value = f"{function_name(session)}(x, *{parameters})"
    if session.n_out:
        value = f"np.broadcast_to({value}, y.shape)[counts]"
    return f"def fitted(x, *free):\n    return {value}"


def _call(session: Session) -> str:
    counted = "[counts]" if session.n_out else ""
    some = [i for i, moves in enumerate(session.free) if moves]
    model = "fitted" if counted or len(some) < len(session.names) else function_name(session)
    said = [f"{model}, x, y{counted}", f"p0={_row(session.p0, some)}"]
    if session.data.sigma is not None:
        said.append(f"sigma=sigma{counted}")
    if session.absolute_sigma:
        said.append("absolute_sigma=True")
    if not all(map(isinf, (*session.lower, *session.upper))):
        said.append(f"bounds=({_row(session.lower, some)}, {_row(session.upper, some)})")
    if session.loss != "linear":
        said.append(f'loss="{session.loss}", f_scale={session.loss_scale!r}')
    return "\n".join(["popt, pcov = curve_fit(", *(f"    {words}," for words in (*said, _METHOD)), ")"])


def _row(values: tuple[float, ...], some: list[int]) -> str:
    numbers = [repr(values[i]).replace("inf", "np.inf") for i in some]
    return f"[{', '.join(numbers)}]"


def _errors(session: Session) -> str:
    """The errors of all parameters; where some are not fitted, by the delta method."""
    lines = ["stderr = np.sqrt(np.diag(pcov))"]
    if not all(session.free):
        lines += [
            "step = np.diag(1e-5 * np.maximum(np.abs(popt), stderr))",
            "slopes = [(complete(popt + one) - complete(popt - one)) / (2 * one.sum()) for one in step]",
            "stderr = np.sqrt(np.einsum('ki,kl,li->i', slopes, pcov, slopes))",
            "popt = complete(popt)",
        ]
    names = ", ".join(f'"{name}"' for name in session.names)
    lines += [
        f"for name, value, error in zip([{names}], popt, stderr):",
        '    print(f"{name} = {value:.10g} ± {error:.3g}")',
    ]
    return "\n".join(lines)

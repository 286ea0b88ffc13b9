"""What a fit found, as a table: every digit for another program, rounded by its error for a reader."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from math import inf, isfinite, isnan
from typing import Any, Literal, NamedTuple

from nlsq_widget.result import STATISTICS, Result
from nlsq_widget.session import one_of

Kind = Literal["csv", "json", "latex", "markdown"]


@dataclass(frozen=True)
class Row:
    """A parameter and all that is known of it."""

    parameter: str
    value: float
    stderr: float  # zero for what was fixed, infinite for what the data do not determine
    lower: float  # bounds, infinite where there is none
    upper: float
    role: str  # "free", "fixed" or "tied"
    tie: str  # the expression of what is tied, else empty
    start: float


def table(result: Result, kind: Kind = "markdown") -> str:
    """The parameters of a fit, its statistics and how it was made, as a text.

    "csv" and "json" hold every digit, "markdown" and "latex" what the errors leave: 1.554(15) is 1.554 ± 0.015.
    CSV has two blocks, an empty line between them, the parameters first; what is infinite is `inf` there, and a float
    that Python reads from it is the same to the last bit. JSON is strict, without NaN and Infinity as numbers: they are
    the words "NaN", "Infinity" and "-Infinity", which Python's `float` and JavaScript's `Number` read. LaTeX needs no
    package. Each says how many points were excluded. Raises ValueError for another kind.

    >>> from nlsq_widget import fit
    >>> r = fit(lambda x, slope, offset: slope * x + offset, [0, 1, 2, 3], [1.1, 2.9, 5.2, 6.8], fixed=["offset"])
    >>> print(table(r).partition("\\n\\n")[0])
    | parameter | value | role | bounds | start |
    |---|---|---|---|---|
    | `slope` | 1.979(47) | free |  | 1 |
    | `offset` | 1 | fixed |  | 1 |
    """
    return _KINDS[one_of("kind", kind, _KINDS)](_rows(result), _facts(result))


def _rows(result: Result) -> list[Row]:
    session, ties = result.session, result.model.ties
    free = zip(result.names, session.free, strict=True)
    roles = ["tied" if name in ties else "free" if moves else "fixed" for name, moves in free]
    columns = (result.popt.tolist(), result.stderr.tolist(), session.lower, session.upper, roles)
    texts = [ties.text(name) or "" for name in result.names]
    return [Row(*row) for row in zip(result.names, *columns, texts, session.p0, strict=True)]


def _facts(result: Result) -> dict[str, Any]:
    """What is known of the fit as a whole."""
    session = result.session
    return {
        **{name: getattr(result, name) for name in STATISTICS},
        "n_excluded": session.n_out,
        "converged": result.success,
        "status": result.message,
        "model": result.model.name,
        "sigma": "none" if session.data.sigma is None else "covariance" if session.data.correlated else "given",
        "absolute_sigma": session.absolute_sigma,
        "loss": session.loss,
        "loss_scale": session.loss_scale,
        "device": session.device,
        "precision": session.precision,
    }


def _csv(rows: list[Row], facts: Mapping[str, Any]) -> str:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow  # floats by repr
    write(Row.__dataclass_fields__)
    for row in rows:
        write(asdict(row).values())
    write(())
    write(("statistic", "value"))
    for fact in facts.items():
        write(fact)
    return text.getvalue()


def _json(rows: list[Row], facts: Mapping[str, Any]) -> str:
    parameters = [{key: _strict(value) for key, value in asdict(row).items()} for row in rows]
    whole = {"parameters": parameters} | {key: _strict(value) for key, value in facts.items()}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _strict(value: Any) -> Any:
    if not isinstance(value, float) or isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


class _Label(NamedTuple):
    """How a statistic is named to a reader."""

    plain: str
    latex: str


_LABELS = {
    "chi2": _Label("χ²", r"$\chi^2$"),
    "reduced_chi2": _Label("reduced χ²", r"reduced $\chi^2$"),
    "r_squared": _Label("R²", "$R^2$"),
    "adjusted_r_squared": _Label("adjusted R²", "adjusted $R^2$"),
    "aic": _Label("AIC", "AIC"),
    "aicc": _Label("AICc", "AICc"),
    "bic": _Label("BIC", "BIC"),
    "dof": _Label("degrees of freedom", "degrees of freedom"),
    "n_points": _Label("points counted", "points counted"),
    "n_excluded": _Label("points excluded", "points excluded"),
}


def _markdown(rows: list[Row], facts: Mapping[str, Any]) -> str:
    def cells(*texts: str) -> str:
        return f"| {' | '.join(texts)} |"

    lines = [cells("parameter", "value", "role", "bounds", "start"), "|---|---|---|---|---|"]
    for row in rows:
        role = f"`= {row.tie}`" if row.tie else row.role
        lines.append(cells(f"`{row.parameter}`", _fitted(row.value, row.stderr), role, _bounds(row), _short(row.start)))
    lines += ["", cells("statistic", "value"), "|---|---|"]
    lines += [cells(_LABELS[name].plain, _statistic(name, facts[name])) for name in _LABELS]
    return "\n".join([*lines, "", re.sub(r"([\\`*_<>\[\]|])", r"\\\1", _told(facts))]) + "\n"


def _latex(rows: list[Row], facts: Mapping[str, Any]) -> str:
    def cells(*texts: str) -> str:
        return f"{' & '.join(texts)} \\\\"

    lines = [r"\begin{tabular}{lllll}", r"\hline", cells("parameter", "value", "role", "bounds", "start"), r"\hline"]
    for row in rows:
        shown = (_fitted(row.value, row.stderr), _bounds(row), _short(row.start))
        value, bounds, start = map(_mathematical, shown)
        role = _escaped(f"= {row.tie}" if row.tie else row.role)
        lines.append(cells(_escaped(row.parameter), value, role, bounds, start))
    lines += [r"\hline", r"\end{tabular}", r"\par\medskip", r"\begin{tabular}{ll}", r"\hline"]
    lines += [cells(_LABELS[name].latex, _mathematical(_statistic(name, facts[name]))) for name in _LABELS]
    return "\n".join([*lines, r"\hline", r"\end{tabular}", r"\par\medskip", _escaped(_told(facts))]) + "\n"


_KINDS: Mapping[str, Callable[[list[Row], Mapping[str, Any]], str]] = {
    "csv": _csv,
    "json": _json,
    "latex": _latex,
    "markdown": _markdown,
}


def _told(facts: Mapping[str, Any]) -> str:
    """How it was fitted and how that ended, in one paragraph."""
    loss = facts["loss"] if facts["loss"] == "linear" else f"{facts['loss']} at {facts['loss_scale']:.6g}"
    sigma = f"sigma {facts['sigma']}{' and absolute' if facts['absolute_sigma'] else ''}"
    model = facts["model"] if facts["model"].isidentifier() else "of no name"  # as a lambda
    how = f"Model {model}; loss {loss}; {sigma}; {facts['precision']} on {facts['device']}."
    return " ".join(f"{facts['status']} {how}".split())


def _bounds(row: Row) -> str:
    if row.lower == -inf and row.upper == inf:
        return ""
    return f"{_short(row.lower)} to {_short(row.upper)}"


def _statistic(name: str, value: float) -> str:
    return _short(value, _near_one(value) if name.endswith("r_squared") else 6)


def _near_one(value: float) -> int:
    """Close to one, what matters is by how much it is not: 0.999987, never 1."""
    gap = abs(1 - abs(value))
    return min(15, 1 - Decimal(gap).adjusted()) if 0 < gap < 0.01 else 4


def _short(value: float, digits: int = 6) -> str:
    """A number rounded for reading: 47.93, 5.5×10⁻⁴."""
    if not isfinite(value):
        return "–" if isnan(value) else "∞" if value > 0 else "-∞"
    rounded = Decimal(f"{value:.{digits - 1}e}")
    power = rounded.adjusted() if rounded else 0
    shown = rounded if -4 <= power < 6 else rounded.scaleb(-power)
    text = f"{shown:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + ("" if -4 <= power < 6 else _times_ten(power))


def _fitted(value: float, error: float) -> str:
    """A value with its error in short, as on the screen: 1.2345(67) is 1.2345 ± 0.0067, and 12.3(4.5) is 12.3 ± 4.5."""
    if not (isfinite(value) and 0 < error < inf):
        return _short(value, 8) + (" ± ∞" if error == inf else "")
    if error < abs(value) * 1e-12 or (value != 0 and error > abs(value) * 1e4):  # no row of digits holds both
        return f"{_short(value, 4 if error > abs(value) else 13)} ± {_short(error, 2)}"
    two = Decimal(f"{error:.1e}")
    last = two.adjusted() - 1  # the power of ten of the last digit that is shown
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(last))
    top = max(abs(rounded), two).adjusted()
    power = 0 if -3 <= top < 6 and last <= 0 else top
    inside = two.scaleb(-power)
    digits = f"{two.scaleb(-last):.0f}" if inside < 1 else f"{inside:.{power - last}f}"
    return f"{rounded.scaleb(-power):.{power - last}f}({digits}){_times_ten(power) if power else ''}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _times_ten(power: int) -> str:
    return f"×10{str(power).translate(_RAISED)}"


def _mathematical(text: str) -> str:
    """A number, or two with a word between, as LaTeX sets it."""
    if not text or text == "–":
        return text and "--"
    text = re.sub("×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: rf" \times 10^{{{power[1].translate(_LOWERED)}}}", text)
    for sign, command in (("∞", r"\infty"), ("±", r"\pm"), (" to ", "$ to $")):
        text = text.replace(sign, command)
    return f"${text}$"


_SPECIAL = {character: f"\\{character}" for character in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "…": r"\ldots{}",
    "–": "--",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "∞": r"$\infty$",
}
_GREEK = set(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)


def _escaped(text: str) -> str:
    """Text that LaTeX sets as it is, Greek letters included; what other scripts have stays as it is."""
    return "".join(_SPECIAL.get(character) or _greek(character) or character for character in text)


def _greek(character: str) -> str | None:
    """The command of a Greek letter; None for what is none, or looks like a Latin one."""
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
    if found is None:
        return None
    name = found[2].lower().replace("lamda", "lambda")
    name = name if found[1] == "SMALL" else name.capitalize()
    return rf"$\{name}$" if name in _GREEK else name[0].upper() if found[1] == "CAPITAL" else None

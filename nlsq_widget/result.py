"""What a fit found: named numbers, and a status in words. `str()` is the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nlsq_widget.data import Data
from nlsq_widget.model import Model
from nlsq_widget.session import Session
from nlsq_widget.solver import Mode, Status
from nlsq_widget.student import two_sided
from nlsq_widget.units import Errors

# What is told of a fit besides its parameters, in this order wherever it is told.
STATISTICS = ("chi2", "reduced_chi2", "r_squared", "adjusted_r_squared", "aic", "aicc", "bic", "dof", "n_points")


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of one fit; unpacks as `popt, pcov`."""

    session: Session  # what was fitted
    popt: np.ndarray  # [parameters]
    pcov: np.ndarray  # [parameters, parameters]; zero for what was fixed, inf for what the data do not determine
    told: Errors | None  # what pcov would tell, where no float holds it; None where it does
    inverse: np.ndarray  # (J'J)^-1 [parameters, parameters], J weighted; pcov before the scatter gave it its units
    # [parameters, parameters], R'R = J'J at popt, what pcov was made of; upper triangular where there are points enough
    R: np.ndarray
    status: Status
    steps: int
    milliseconds: float  # from the call to the arrays, without compiling
    curve: Any  # the model at popt, and at what was padded, where it was computed
    cost: float  # half the sum of squared weighted residuals
    norms: np.ndarray  # [parameters], of the columns of the weighted Jacobian, the greater of those at p0 and popt
    derivatives: Mode  # how they were taken: "forward" or "reverse" mode, "given", or "differences"
    host: str | None  # why the model was called on the host, where JAX cannot trace it

    @property
    def names(self) -> tuple[str, ...]:
        return self.session.names

    @property
    def data(self) -> Data:
        return self.session.data

    @property
    def model(self) -> Model:
        return self.session.model

    @property
    def device(self) -> str:
        return self.session.device

    @property
    def absolute_sigma(self) -> bool:
        """True: pcov was not rescaled by the scatter of the residuals."""
        return self.session.absolute_sigma

    @property
    def precision(self) -> str:
        """In which it was fitted: "float64" or "float32"."""
        return self.session.precision

    @cached_property
    def p0(self) -> np.ndarray:
        """Where the fit began [parameters]."""
        return np.array(self.session.p0)

    @cached_property
    def free(self) -> np.ndarray:
        """What was neither fixed nor held by equal bounds: bool [parameters]."""
        return np.array(self.session.free)

    @property
    def counts(self) -> np.ndarray:
        """What was not excluded: bool [points]."""
        return self.session.counting.counts

    @cached_property
    def at_bound(self) -> tuple[str | None, ...]:
        """Which bound each parameter is at; none for what is not free."""
        rows = zip(self.session.lower, self.popt.tolist(), self.session.upper, self.free, strict=True)
        return tuple(
            ("lower" if value <= low else "upper" if value >= high else None) if moves else None
            for low, value, high, moves in rows
        )

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.popt
        yield self.pcov

    def __getitem__(self, name: str) -> float:
        """The fitted value of a parameter."""
        if name not in self.names:
            raise KeyError(f"There is no parameter {name!r}; the model has {', '.join(self.names)}.")
        return float(self.popt[self.names.index(name)])

    @property
    def success(self) -> bool:
        return self.status > 0

    @cached_property
    def stderr(self) -> np.ndarray:
        """Standard errors [parameters], the square roots of the diagonal of pcov."""
        return np.sqrt(np.diag(self.pcov)) if self.told is None else self.told.stderr

    def confidence_interval(self, level: float = 0.95) -> np.ndarray:
        """Where the parameters lie with this confidence: lower and upper ends [parameters, 2].

        popt ± t stderr, with the quantile t of Student's t for `dof` degrees of freedom; of the normal
        distribution where absolute_sigma says that sigma is known (Seber and Wild 1989, section 5.1). Of no width
        for what was fixed, infinite for what the data do not determine.
        """
        half = np.where(self.stderr == 0, 0.0, self.quantile(level)) * self.stderr
        return np.stack([self.popt - half, self.popt + half], axis=1)

    def quantile(self, level: float = 0.95) -> float:
        """How many standard errors to either side have this confidence; infinite without degrees of freedom."""
        return two_sided(level, float("inf") if self.absolute_sigma else self.dof)

    @cached_property
    def correlation(self) -> np.ndarray:
        """Correlation matrix [parameters, parameters]; nan where a standard error is zero or infinite."""
        if self.told is not None:
            return self.told.correlation
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.pcov / np.outer(self.stderr, self.stderr)

    @cached_property
    def fitted(self) -> np.ndarray:
        """The model at popt [points]."""
        return np.asarray(self.curve, dtype=float)[: self.counts.size]

    @cached_property
    def residuals(self) -> np.ndarray:
        """y - model at popt [points], excluded points included."""
        return self.data.y - self.fitted

    @property
    def n_points(self) -> int:
        """How many points counted."""
        return self.data.n_points - self.session.n_out

    @property
    def dof(self) -> int:
        """Degrees of freedom: points that counted less parameters that were free."""
        return self.n_points - sum(self.session.free)

    @property
    def chi2(self) -> float:
        """The sum of squared residuals, each divided by its sigma where there is one."""
        return 2.0 * self.cost

    @property
    def reduced_chi2(self) -> float:
        return self.chi2 / self.dof if self.dof > 0 else float("nan")

    @property
    def variation(self) -> float:
        """chi2 of the (weighted) mean of y: how much there is to explain; nan for correlated errors."""
        return self.session.counting.variation

    @property
    def r_squared(self) -> float:
        """1 - chi2 / variation; nan where y does not vary."""
        return 1.0 - self.chi2 / self.variation if self.variation > 0 else float("nan")

    @property
    def adjusted_r_squared(self) -> float:
        """R2 of variances: 1 - (chi2 / dof) / (variation / (n - 1)); nan where there is no degree of freedom."""
        return 1.0 - (1.0 - self.r_squared) * (self.n_points - 1) / self.dof if self.dof > 0 else float("nan")

    @cached_property
    def scale(self) -> np.ndarray:
        """By how much each parameter must change to change the curve as much as the data vary [parameters]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt(self.variation) / self.norms

    @property
    def aic(self) -> float:
        """Akaike's criterion n ln(chi2 / n) + 2 k: up to a constant of the data, for errors that are normal.

        n points counted and k parameters were free; the unknown size of the errors is not counted, as in lmfit.
        Only differences between models of the same points mean something; the least is the best.
        """
        return self._deviance + 2 * self._k

    @property
    def aicc(self) -> float:
        """aic + 2 k (k + 1) / (n - k - 1), for few points (Hurvich and Tsai 1989, who count the size of the errors
        into k, which is here as in `aic`); nan where n - k - 1 is not positive.
        """
        left = self.dof - 1
        return self.aic + 2 * self._k * (self._k + 1) / left if left > 0 else float("nan")

    @property
    def bic(self) -> float:
        """Schwarz's criterion n ln(chi2 / n) + k ln n, with n and k as in `aic`."""
        return self._deviance + self._k * float(np.log(self.n_points))

    @property
    def _k(self) -> int:
        return self.n_points - self.dof

    @property
    def _deviance(self) -> float:
        """-2 ln of the likelihood, at the size of the errors that makes it greatest, up to a constant of the data."""
        return self.n_points * float(np.log(self.chi2 / self.n_points)) if self.chi2 > 0 else float("-inf")

    @cached_property
    def message(self) -> str:
        """Whether it converged, or why not and what to do, and what to know about the parameters."""
        return " ".join([_ending(self), *_remarks(self)])

    def __str__(self) -> str:
        width = max(map(len, self.names))
        rows = [_row(self, i, width) for i in range(len(self.names))]
        scores = f"chi2 = {self.chi2:.6g}, {self.dof} degrees of freedom, R2 = {self.r_squared:.6f}"
        scores += f", {left_out}" if (left_out := excluded(self.counts.size - self.n_points)) else ""
        return "\n".join([*rows, scores, self.message])


def _row(result: Result, i: int, width: int) -> str:
    value = f"{result.names[i]:<{width}} = {result.popt[i]: .10g}"
    tie = result.model.ties.text(result.names[i])
    if tie is not None:
        return f"{value} ± {result.stderr[i]:.3g}  (= {tie})"
    if not result.free[i]:
        return f"{value}  (fixed)"
    bound = result.at_bound[i]
    return f"{value} ± {result.stderr[i]:.3g}" + (f"  (at its {bound} bound)" if bound else "")


def excluded(count: int) -> str:
    """How many points did not count, in words; nothing where all did."""
    return f"{count} {'point' if count == 1 else 'points'} excluded" if count else ""


def _ending(result: Result) -> str:
    return not_finite(result) if result.status == Status.NOT_FINITE else sentence(result.status, result.steps)


def sentence(status: Status, taken: int) -> str:
    """Why a fit ended after so many steps."""
    steps = "1 step" if taken == 1 else f"{taken} steps"
    match status:
        case Status.GRADIENT:
            return f"Converged in {steps}: the gradient is zero."
        case Status.COST:
            return f"Converged in {steps}: the cost no longer falls."
        case Status.STEP:
            return f"Converged in {steps}: the parameters no longer move."
        case Status.ROUNDING:
            return f"Converged in {steps}, to the last digit that rounding leaves."
        case Status.UNFINISHED:
            return f"Not converged: stopped after {steps}. Start nearer, or allow more steps."
        case Status.STALLED:
            return (
                f"Not converged: after {steps} no step lowers the cost, though its slope is not zero. "
                "Start elsewhere, or make the model smooth."
            )
        case Status.IMPRECISE:
            return (
                f"Not converged: after {steps} float32 hides what is left to gain, and four digits are not sure. "
                'Fit with precision="float64".'
            )
        case Status.NOT_FINITE:
            return "The model is not finite at the start values. Start elsewhere, or set bounds."


def not_finite(result: Result) -> str:
    """Where the model has no value at the start: how many points, and the first of them."""
    bad = result.counts & ~np.isfinite(result.fitted)
    start = ", ".join(f"{name} = {value:.6g}" for name, value in zip(result.names, result.popt, strict=True))
    if not bad.any() and (greatest := _overflowing(result)) is not None:
        return (
            f"The residuals reach {greatest:.3g} at the start values ({start}), and no float holds their squares. "
            "Start nearer, or give y and sigma in another unit."
        )
    if not bad.any():
        return f"The derivatives of the model are not finite at the start values ({start}). Start elsewhere."
    first = int(np.argmax(bad))
    x = result.data.x
    where = f"x = {x[first]:.6g}" if x.shape == bad.shape else f"index {first}"
    return (
        f"The model is not finite at the start values ({start}) for {int(bad.sum())} of {result.n_points} points, "
        f"first at {where}. Start elsewhere, or set bounds."
    )


def _overflowing(result: Result) -> float | None:
    """The greatest of the residuals, in units of sigma where there is one, where the sum of squares has no value."""
    sigma = result.data.sigma
    errors = 1.0 if sigma is None else np.sqrt(np.diag(sigma)) if sigma.ndim == 2 else sigma
    with np.errstate(over="ignore"):
        greatest = float(np.max(np.abs(result.residuals / errors)[result.counts], initial=0.0))
    room = float(np.finfo(result.precision).max / max(1, result.n_points)) ** 0.5
    return greatest if greatest > 0.01 * room else None


def _remarks(result: Result) -> Iterator[str]:
    if result.status == Status.NOT_FINITE:
        return
    if result.host is not None:
        yield result.host
    if result.cost == 0 and result.residuals[result.counts].any() and not result.data.y.any():
        yield "But the residuals are so small that no float holds their squares: take another unit for y."
    stuck = [f"{n} ended at its {b} bound" for n, b in zip(result.names, result.at_bound, strict=True) if b]
    if stuck:
        yield f"{'; '.join(stuck)}."
    if result.dof < 1:
        yield f"{result.n_points} points cannot give the errors of {int(result.free.sum())} parameters."
    else:
        lost = [n for n, e in zip(result.names, result.stderr, strict=True) if np.isinf(e)]
        if lost:
            yield f"The data do not determine {', '.join(lost)}: fix {'it' if len(lost) == 1 else 'one of them'}."
        if beyond := variances_beyond(result):
            yield beyond


def variances_beyond(result: Result) -> str | None:
    """Whose standard error is a float while its square is none, in a sentence."""
    variances, known = np.diag(result.pcov), (result.stderr > 0) & np.isfinite(result.stderr)
    wrong = known & ((variances == 0) | np.isinf(variances))
    names = ", ".join(name for name, yes in zip(result.names, wrong, strict=True) if yes)
    return f"The variance of {names} is no float, unlike the standard error: take another unit." if names else None

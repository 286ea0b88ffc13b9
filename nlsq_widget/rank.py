"""Models of the library side by side on the same points, the one that is best for what it costs first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import exp, isfinite

import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget.data import measured
from nlsq_widget.fit import fit
from nlsq_widget.models import MODELS, LibraryModel, Sum
from nlsq_widget.result import Result


@dataclass(frozen=True, eq=False)
class Ranked:
    """One model, and its fit or why there is none."""

    model: LibraryModel | Sum
    result: Result | None  # None where it could not be fitted, or did not converge
    reason: str | None  # why not, in a sentence

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few points; infinite without a fit."""
        return self.result.aicc if self.result is not None else float("inf")


@dataclass(frozen=True, eq=False)
class Ranking:
    """Models in order, the best first, those without a fit last. str() is a table."""

    rows: tuple[Ranked, ...]

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Ranked:
        return self.rows[i]

    @property
    def weights(self) -> np.ndarray:
        """Akaike's weights: how probable each model is, were one of them right and all as likely before."""
        best = self.rows[0].aicc if self.rows else 0.0
        away = [row.aicc - best if row.aicc != best else 0.0 for row in self.rows]
        parts = np.array(
            [exp(-0.5 * d) if row.result is not None else 0.0 for d, row in zip(away, self.rows, strict=True)]
        )
        return parts / parts.sum() if parts.any() else parts

    def __str__(self) -> str:
        width = max([5, *(len(row.model.name) for row in self.rows)])
        head = f"{'model':<{width}}  {'k':>2}  {'chi2':>10}  {'AICc':>9}  {'delta':>8}  {'weight':>6}"
        best = self.rows[0].aicc if self.rows else 0.0
        lines = [head]
        for row, weight in zip(self.rows, self.weights, strict=True):
            r, name = row.result, f"{row.model.name:<{width}}"
            if r is None:
                lines.append(f"{name}  {row.reason}")
                continue
            delta = row.aicc - best if row.aicc != best else 0.0
            lines.append(f"{name}  {sum(r.free):>2}  {r.chi2:>10.4g}  {r.aicc:>9.2f}  {delta:>8.2f}  {weight:>6.3f}")
        return "\n".join(lines)


def rank(
    x: ArrayLike,
    y: ArrayLike,
    sigma: ArrayLike | None = None,
    models: Iterable[LibraryModel | Sum] = tuple(MODELS.values()),
) -> Ranking:
    """Fit each model to y from its own guess, and order them by AICc (Hurvich and Tsai 1989), the least first.

    x, y and sigma are [points]. Where the points are too few for AICc, or the fit does not converge, the model comes
    last with the reason. Each model is one program, compiled once in its life: all of the library takes a minute.
    What is best of these need not be right: look at the residuals. Raises ValueError for points that cannot be fitted.

    >>> from nlsq_widget.models import gaussian, line, lorentzian
    >>> x = np.linspace(0, 10, 50)
    >>> y = 3 * np.exp(-0.5 * (x - 4) ** 2) + 0.01 * np.cos(37 * x)
    >>> [row.model.name for row in rank(x, y, models=[line, lorentzian, gaussian])]
    ['gaussian', 'lorentzian', 'line']
    """
    data = measured(x, y, sigma)
    rows = [_ranked(model, data.x, data.y, data.sigma) for model in models]
    return Ranking(tuple(sorted(rows, key=lambda row: (row.result is None, row.aicc))))


def _ranked(model: LibraryModel | Sum, x: np.ndarray, y: np.ndarray, sigma: np.ndarray | None) -> Ranked:
    try:
        result = fit(model, x, y, sigma=sigma)
    except ValueError as error:
        return Ranked(model, None, str(error))
    if not result.success:
        return Ranked(model, None, result.message)
    if not isfinite(result.aicc) and result.chi2 > 0:
        free = sum(result.free)
        few = f"{result.n_points} points are too few for {free} parameter{'s' if free > 1 else ''}."
        return Ranked(model, None, few)
    return Ranked(model, result, None)

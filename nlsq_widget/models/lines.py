"""Lines and polynomials. Their start values are the solution: linear least squares, in x from its middle."""

from __future__ import annotations

from functools import cache, partial

import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.models.glance import regression
from nlsq_widget.models.record import LibraryModel, Parameter


def _horner(x: Array, *coefficients: Array) -> Array:
    """The polynomial, the coefficient of the highest power first."""
    total, *rest = coefficients
    for coefficient in rest:
        total = total * x + coefficient
    return jnp.broadcast_to(total, x.shape)


def _rising(x: Array, *coefficients: Array) -> Array:
    return _horner(x, *coefficients[::-1])


def _regressed(degree: int, x: np.ndarray, y: np.ndarray) -> list[float]:
    """The coefficients, the highest power first."""
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2 or 1.0
    found = regression(y, *(((x - middle) / half) ** k for k in range(degree + 1)))
    along = np.polynomial.Polynomial(found, domain=[middle - half, middle + half]).convert().coef
    return [*np.zeros(degree + 1 - len(along)), *along[::-1].tolist()]


def _coefficient(name: str, symbol: str, power: int) -> Parameter:
    unit = "y" if power == 0 else "y/x" if power == 1 else f"y/x^{power}"
    of = "value at x = 0" if power == 0 else "slope at x = 0" if power == 1 else f"coefficient of x^{power}"
    return Parameter(name, symbol, unit, of)


constant = LibraryModel(
    name="constant",
    family="lines",
    function=_horner,
    parameters=(Parameter("level", "c", "y", "the value everywhere"),),
    formula="level",
    about="What does not depend on x: a background, a mean.",
    rule=partial(_regressed, 0),
)

line = LibraryModel(
    name="line",
    family="lines",
    function=_horner,
    parameters=(_coefficient("slope", "m", 1), _coefficient("intercept", "b", 0)),
    formula="slope*x + intercept",
    about="A straight line: a calibration, a drift.",
    rule=partial(_regressed, 1),
)

parabola = LibraryModel(
    name="parabola",
    family="lines",
    function=_horner,
    parameters=(_coefficient("a", "a", 2), _coefficient("b", "b", 1), _coefficient("c", "c", 0)),
    formula="a*x^2 + b*x + c",
    about="A line that bends evenly: free fall, the neighbourhood of an extremum.",
    rule=partial(_regressed, 2),
)

cubic = LibraryModel(
    name="cubic",
    family="lines",
    function=_horner,
    parameters=(
        _coefficient("a", "a", 3),
        _coefficient("b", "b", 2),
        _coefficient("c", "c", 1),
        _coefficient("d", "d", 0),
    ),
    formula="a*x^3 + b*x^2 + c*x + d",
    about="The least polynomial with an inflection.",
    rule=partial(_regressed, 3),
)


@cache
def polynomial(degree: int) -> LibraryModel:
    """The polynomial of this degree, 0 to 12, with the coefficients c0, c1, ... of the rising powers of x.

    >>> polynomial(2).names
    ('c0', 'c1', 'c2')
    """
    if degree not in range(13):
        raise ValueError(f"The degree is {degree!r}; give a whole number from 0 to 12.")
    degree = int(degree)
    powers = ["", "*x", *(f"*x^{k}" for k in range(2, degree + 1))]
    return LibraryModel(
        name=f"polynomial({degree})",
        family="lines",
        function=_rising,
        parameters=tuple(_coefficient(f"c{k}", f"c_{{{k}}}", k) for k in range(degree + 1)),
        formula=" + ".join(f"c{k}{powers[k]}" for k in range(degree + 1)),
        about=f"A smooth curve of no known law, of degree {degree}; keep x near 0, and the degree low.",
        rule=lambda x, y: _regressed(degree, x, y)[::-1],
    )


LINES = (constant, line, parabola, cubic, polynomial(4))

"""A model of the library as one record, and sums of them. All that is said of a model is said in its record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, pairwise
from math import inf
from types import MethodType
from typing import Any, Literal

import jax
import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget.device import device, scope
from nlsq_widget.latex import latex, symbol
from nlsq_widget.model import Model, Origin
from nlsq_widget.models.apart import apart

# Where the curve is so small that what is below it shows: outside of the peaks, at one end of x, in its mean, nowhere.
Rest = Literal["edges", "left", "right", "mean", "nowhere"]
_UNIT = re.compile(r"(y|1)(?:([*/])x(?:\^(\w+))?)?")


@dataclass(frozen=True)
class Parameter:
    """What a parameter is about."""

    name: str
    symbol: str  # as LaTeX writes it
    unit: str  # of the units of x and y: "y", "1", "y*x", "1/x", "y/x^2", "y/x^exponent"
    meaning: str
    lower: float = -inf  # where it has a meaning
    upper: float = inf

    def powers(self, values: Mapping[str, float]) -> tuple[float, float]:
        """The powers of the units of x and of y that its unit is made of; an exponent may be a parameter."""
        unit = "1*x" if self.unit == "x" else self.unit
        match = _UNIT.fullmatch(unit)
        assert match is not None, f"{self.name} has the unit {self.unit!r}."
        of_y, sign, exponent = match.groups()
        power = 0.0 if sign is None else 1.0
        if exponent is not None:
            power = values[exponent] if exponent in values else float(exponent)
        return (-power if sign == "/" else power), float(of_y == "y")


@dataclass(frozen=True, eq=False, repr=False)
class LibraryModel:
    """A curve that `fit`, `curve_fit` and `FitWidget` take where they take a function, and that needs no p0.

    It may be called, `gaussian(x, 1, 2, 3)`, and added: `gaussian + line`.

    >>> from nlsq_widget import fit
    >>> from nlsq_widget.models import gaussian
    >>> x = np.linspace(0, 10, 50)
    >>> r = fit(gaussian, x, 3e-9 * np.exp(-0.5 * ((x - 4) / 0.7) ** 2))
    >>> [f"{name} = {value:.4g}" for name, value in zip(r.names, r.popt, strict=True)]
    ['height = 3e-09', 'centre = 4', 'sigma = 0.7']
    """

    name: str  # by which it is imported, or the call that makes it
    family: str
    function: Callable[..., Any]  # f(x, *parameters) of jax.numpy
    parameters: tuple[Parameter, ...]
    formula: str  # as plain text, with the names of the parameters; after a comma what is said beside it
    about: str  # what it is for, in a sentence
    # Start values from x in order and y, neither of which is greater than 1 in size.
    rule: Callable[[np.ndarray, np.ndarray], Sequence[float]]
    rests: Rest = "nowhere"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Where each parameter has a meaning."""
        return {parameter.name: (parameter.lower, parameter.upper) for parameter in self.parameters}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each parameter, made of those of x and y."""
        return {parameter.name: parameter.unit for parameter in self.parameters}

    @property
    def symbols(self) -> dict[str, str]:
        """As what LaTeX writes the parameters, and what the formula defines beside them."""
        defined = {name: symbol(name) for name in re.findall(r", (\w+) = ", self.formula)}
        return defined | {parameter.name: parameter.symbol for parameter in self.parameters}

    @cached_property
    def latex(self) -> str:
        """The formula as LaTeX writes it, with the symbols of the parameters."""
        return latex(self.formula, self.symbols)

    @cached_property
    def model(self) -> Model:
        """What a fit takes it for."""
        bounds = tuple(self.bounds.values())
        origin = Origin(self.name, self.guess, self.latex, self.name, (_word(self.name),))
        return Model(self.function, self.names, (None,) * len(bounds), bounds=bounds, origin=origin)

    def __call__(self, x: Any, *values: Any) -> Any:
        """The curve: traced where JAX traces, else NumPy's numbers in float64."""
        return evaluated(self.function, x, values)

    def __add__(self, other: LibraryModel | Sum) -> Sum:
        return Sum((self,)) + other

    def __radd__(self, other: Any) -> LibraryModel:
        return _begun(self, other)

    def guess(self, x: ArrayLike, y: ArrayLike) -> tuple[float, ...]:
        """Start values from data in any order and units; finite, and inside the natural bounds, whatever the data."""
        x, y = ordered(x, y)
        unit_x, unit_y = unit(x), unit(y)
        with np.errstate(all="ignore"):
            found = self.rule(x / unit_x, y / unit_y) if x.size else ()
        sane = [_sane(*pair) for pair in zip(self.parameters, found or (1.0,) * len(self.names), strict=True)]
        return self.in_units(sane, unit_x, unit_y)

    def in_units(self, values: Sequence[float], unit_x: float, unit_y: float) -> tuple[float, ...]:
        """The parameters where x and y are so many times greater: the same curve in other units."""
        named = dict(zip(self.names, values, strict=True))
        powers = [parameter.powers(named) for parameter in self.parameters]
        with np.errstate(all="ignore"):
            scaled = [v * np.float64(unit_x) ** a * unit_y**b for v, (a, b) in zip(values, powers, strict=True)]
        return tuple(float(np.clip(value, -1e300, 1e300)) for value in scaled)

    def __repr__(self) -> str:
        return self.name

    def _repr_latex_(self) -> str:
        return f"$y = {self.latex}$"

    def __str__(self) -> str:
        width = max(len(parameter.name) for parameter in self.parameters)
        rows = [f"  {p.name:<{width}}  {p.meaning} [{p.unit}]" for p in self.parameters]
        return "\n".join([f"{self.name}: {self.about}", f"  y = {self.formula}", *rows])


@dataclass(frozen=True, repr=False)
class Sum:
    """Models of the library, added: itself taken where a function is. Sums of the same models are the same.

    A name that several parts have goes with that of its part, which is numbered where there are several: two Gaussians
    and a line have `gaussian1_centre`, `gaussian2_centre` and `slope`.

    >>> from nlsq_widget.models import gaussian, line
    >>> (gaussian + line).names
    ('height', 'centre', 'sigma', 'slope', 'intercept')
    """

    parts: tuple[LibraryModel, ...]

    @property
    def name(self) -> str:
        return " + ".join(part.name for part in self.parts)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each part is called: its name, with a number where there are several."""
        words = [_word(part.name) for part in self.parts]
        return tuple(
            word if words.count(word) == 1 else f"{word}{words[: i + 1].count(word)}" for i, word in enumerate(words)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        every = [name for part in self.parts for name in part.names]
        return tuple(
            name if every.count(name) == 1 else f"{label}_{name}"
            for label, part in zip(self.labels, self.parts, strict=True)
            for name in part.names
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of all parts, in order."""
        return tuple(parameter for part in self.parts for parameter in part.parameters)

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Where each parameter has a meaning."""
        return {name: (p.lower, p.upper) for name, p in zip(self.names, self.parameters, strict=True)}

    @cached_property
    def latex(self) -> str:
        """The formula as LaTeX writes it; symbols that several parts have go with the number of their part."""
        written = [part.symbols for part in self.parts]
        every = [one for symbols in written for one in symbols.values()]
        mains, beside = [], []
        for i, (part, symbols) in enumerate(zip(self.parts, written, strict=True), 1):
            own = {name: one if every.count(one) == 1 else _numbered(one, i) for name, one in symbols.items()}
            main, *rest = latex(part.formula, own).split(r", \quad ")
            mains.append(main)
            beside += rest
        return r", \quad ".join([" + ".join(mains), *beside])

    @cached_property
    def model(self) -> Model:
        """What a fit takes it for."""
        # Bound as a method, it is compared by what it is bound to: by its parts.
        counts = tuple(len(part.names) for part in self.parts)
        function = MethodType(_total, (tuple(part.function for part in self.parts), counts))
        bounds = tuple(self.bounds.values())
        words = tuple(_word(part.name) for part in self.parts)
        origin = Origin(self.name, self.guess, self.latex, self.name, words)
        return Model(function, self.names, (None,) * len(bounds), bounds=bounds, origin=origin)

    def __call__(self, x: Any, *values: Any) -> Any:
        """The curve: traced where JAX traces, else NumPy's numbers in float64."""
        rows = self._each(values)
        return sum(part(x, *row) for part, row in zip(self.parts, rows, strict=True))

    def __add__(self, other: LibraryModel | Sum) -> Sum:
        match other:
            case Sum():
                return Sum(self.parts + other.parts)
            case LibraryModel():
                return Sum((*self.parts, other))
        kind = type(other).__name__
        raise TypeError(f"What is added is a {kind}, no model of the library; write a function of your own instead.")

    def __radd__(self, other: Any) -> Sum:
        return _begun(self, other)

    def curves(self, x: ArrayLike, values: Mapping[str, float] | Sequence[float] | ArrayLike) -> dict[str, np.ndarray]:
        """The curve of each part [points] at x, by its label; `values` by name or by order, as popt has them."""
        row = [values[name] for name in self.names] if isinstance(values, Mapping) else np.asarray(values).tolist()
        at = np.asarray(x, dtype=float)
        rows = zip(self.labels, self.parts, self._each(row), strict=True)
        return {label: part(at, *own) for label, part, own in rows}

    def guess(self, x: ArrayLike, y: ArrayLike) -> tuple[float, ...]:
        """Start values from data in any order and units: those of each part, in what the others leave."""
        x, y = ordered(x, y)
        unit_x, unit_y = unit(x), unit(y)
        found = apart(self.parts, x / unit_x, y / unit_y)
        rows = zip(self.parts, found, strict=True)
        return tuple(value for part, own in rows for value in part.in_units(own, unit_x, unit_y))

    def _each(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        ends = [0, *accumulate(len(part.names) for part in self.parts)]
        if len(values) != ends[-1]:
            raise ValueError(f"{self.name} has {ends[-1]} parameters and was given {len(values)} values.")
        return [values[low:high] for low, high in pairwise(ends)]

    def __repr__(self) -> str:
        return self.name

    def _repr_latex_(self) -> str:
        return f"$y = {self.latex}$"

    def __str__(self) -> str:
        return "\n".join([self.name, *(str(part) for part in self.parts)])


def _total(parts: tuple[tuple[Callable[..., Any], ...], tuple[int, ...]], x: Any, *values: Any) -> Any:
    """The sum of functions of x, that take so many of the values each."""
    functions, counts = parts
    rows = pairwise([0, *accumulate(counts)])
    first, *rest = [f(x, *values[low:high]) for f, (low, high) in zip(functions, rows, strict=True)]
    for curve in rest:
        first = first + curve
    return first


def _begun(model: Any, other: Any) -> Any:
    """What sum() begins with is nothing."""
    return model if isinstance(other, int) and other == 0 else NotImplemented


def _numbered(written: str, i: int) -> str:
    head, _, index = written.partition("_")
    return f"{head}_{{{index.strip('{}')},{i}}}" if index else f"{head}_{{{i}}}"


def _word(name: str) -> str:
    return name.partition("(")[0]


def _sane(parameter: Parameter, value: float) -> float:
    """The value, or one that is finite and strictly inside of the natural bounds."""
    low, high = parameter.lower, parameter.upper
    if np.isfinite(value) and low < value < high:
        return float(value)
    if not (np.isfinite(low) or np.isfinite(high)):
        return 1.0
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * (0.99 if value >= high else 0.01 if value <= low else 0.5)
    return low + 0.1 if np.isfinite(low) else high - 0.1


def unit(values: np.ndarray) -> float:
    """The greatest of them in size, 1 where all are zero."""
    return float(np.max(np.abs(values), initial=0.0)) or 1.0


def ordered(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Points in the order of x, without those that are not finite. Raises ValueError where x is no row."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; a model of the library takes one x for each y.")
    finite = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[finite], kind="stable")
    return x[finite][order], y[finite][order]


_jitted = cache(jax.jit)


def evaluated(function: Callable[..., Any], x: Any, values: Sequence[Any]) -> Any:
    """The curve at x: as JAX has it where JAX is asked, else as NumPy's numbers."""
    if any(isinstance(value, jax.Array) for value in (x, *values)):
        return function(x, *values)
    with scope(device()):
        return np.asarray(_jitted(function)(np.asarray(x, dtype=float), *map(float, values)))

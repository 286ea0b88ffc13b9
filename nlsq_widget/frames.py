"""Columns of a table by their names, and names for the axes. No library of tables is imported."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from nlsq_widget.data import Data, finite, numbers

_TOLD = 8  # names of a table with more columns are not all told


class Columns(NamedTuple):
    """What was measured, and what it is called where that is known."""

    x: Any
    y: Any
    sigma: Any
    x_label: str | None = None
    y_label: str | None = None


def columns(x: Any, y: Any, sigma: Any, table: Any = None) -> Columns:
    """The columns of `table` where x, y or sigma are names, or x several of them; else these as they are.

    A table is whatever gives a column as `table[name]`: a DataFrame of pandas or polars, a table of pyarrow, a Dataset
    of xarray, a structured array, a dict of arrays. A series is called as it says itself. Raises ValueError, in one
    sentence, for a column that is not there, or in which a value is missing.

    >>> columns("t", "counts", None, {"t": [1, 2], "counts": [7, 5]}).y
    array([7., 5.])
    """
    if isinstance(x, Data):
        return Columns(x, y, sigma, x.x_label, x.y_label)
    several = table is not None and isinstance(x, list | tuple) and bool(x) and all(isinstance(n, str) for n in x)
    row = np.stack([np.asarray(_column("x", name, table)) for name in x]) if several else _column("x", x, table)
    x_label = None if several else _called(x)
    return Columns(row, _column("y", y, table), _column("sigma", sigma, table), x_label, _called(y))


def _called(values: Any) -> str | None:
    """The name of a column, or that a series has."""
    name = values if isinstance(values, str) else getattr(values, "name", None)
    return name if isinstance(name, str) and name else None


def _column(role: str, given: Any, table: Any) -> Any:
    name = _called(given)
    if name is None:
        return given
    if isinstance(given, str):
        if table is None:
            raise ValueError(f"{role} is {given!r:.40}; give an array, or data=, a table with a column of this name.")
        given = _taken(name, table)
    if isinstance(given, Array):  # it stays on its device
        return given
    what = f"{role} (column {name!r:.60})"
    return finite(what, numbers(what, given))


def _taken(name: str, table: Any) -> Any:
    none = f"data is {type(table).__name__}, which gives no column {name!r:.60}; give"
    if callable(getattr(table, "collect", None)):  # a query that was not asked yet
        raise ValueError(f"{none} a DataFrame in memory: collect it first.")
    names = _names(table)
    if names is not None and name not in names:
        near = get_close_matches(name, names, _TOLD, 0.5)
        others = f"the nearest are {', '.join(near)}" if near else f"it has {_listed(names)}"
        raise ValueError(f"data has no column {name!r:.60}; {others}.")
    try:
        return table[name]
    except (TypeError, KeyError, ValueError, IndexError, AttributeError) as error:
        raise ValueError(f"{none} a DataFrame, or a dict of arrays.") from error


def _names(table: Any) -> list[str] | None:
    """The columns that a table has; None where it does not say."""
    # xarray calls them variables, those of the axes included; what pyarrow calls columns are their values.
    known = next((found for word in _WORDS if isinstance(found := getattr(table, word, None), Iterable)), None)
    if known is None:
        known = getattr(getattr(table, "dtype", None), "names", None)
    if known is None and callable(keys := getattr(table, "keys", None)):
        known = keys()
    return [name for name in known if isinstance(name, str)] if isinstance(known, Iterable) else None


_WORDS = ("column_names", "variables", "columns")


def _listed(names: list[str]) -> str:
    if not names:
        return "none that has a name"
    return ", ".join(names[:_TOLD]) + (f" and {len(names) - _TOLD} more" if len(names) > _TOLD else "")

"""Models of other packages, lmfit's say: known by their attributes, never imported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import inf
from types import MethodType
from typing import Any, NamedTuple

from nlsq_widget.formula import Formula, FormulaError

_MISSING = inspect.Parameter.empty
_Bounds = tuple[tuple[float, float], ...]


class Foreign(NamedTuple):
    """What another package's model says of itself."""

    function: Callable[..., Any]  # f(x, *parameters)
    names: tuple[str, ...]
    start: tuple[float | None, ...]
    bounds: _Bounds
    fixed: frozenset[str]
    ties: Mapping[str, str]
    name: str


def foreign(model: Any) -> Foreign | None:
    """What a model says that has `func`, `param_names` and `independent_vars`, or is made of two such; else None.

    Its `param_hints` give start values, bounds, what does not vary and what is computed from others, in the names
    of its parameters without its `prefix`. Several independent variables are the rows of x. One with an `expr` is that
    formula.
    """
    if not all(hasattr(model, name) for name in ("func", "param_names", "independent_vars")):
        return None
    function, known = _function(model)
    hints: Mapping[str, Mapping[str, Any]] = getattr(model, "param_hints", {})
    own = {name: hints.get(_root(model, name), {}) for name in known}
    ties = {name: hint["expr"] for name, hint in own.items() if hint.get("expr")}
    return Foreign(
        function,
        tuple(known),
        tuple(_number(hint.get("value", known[name])) for name, hint in own.items()),
        tuple(_ends(hint) if name not in ties else (-inf, inf) for name, hint in own.items()),
        frozenset(name for name, hint in own.items() if not hint.get("vary", True) and name not in ties),
        ties,
        getattr(_innermost(model).func, "__name__", type(model).__name__),
    )


def _function(model: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """f(x, *parameters), and the parameters that it takes, with what it starts each at."""
    if hasattr(model, "left") and hasattr(model, "right"):
        (left, some), (right, others) = _function(model.left), _function(model.right)
        return MethodType(_joined, (left, right, len(some), model.op)), some | others
    typed = _typed(model)
    if typed is not None:
        return typed.function, dict.fromkeys(typed.names)
    arguments = inspect.signature(model.func).parameters
    anything = any(argument.kind is argument.VAR_KEYWORD for argument in arguments.values())
    named = {name: _root(model, name) for name in model.param_names}
    starts = {name: argument.default for name, argument in arguments.items()} | getattr(model, "def_vals", {})
    # Beside its arguments it may list what is only computed from them.
    known = {name: starts.get(root) for name, root in named.items() if root in arguments or anything}
    options = dict(getattr(model, "opts", {}))
    variables = [name for name in map(str, model.independent_vars) if name not in options]
    read = [name for name in variables if name not in arguments or arguments[name].default is _MISSING]
    roots = tuple(named[name] for name in known)
    return MethodType(_called, (model.func, tuple(read or variables[:1]), roots, options)), known


def _typed(model: Any) -> Formula | None:
    """What it was typed as, where that is a formula to us too: its function would run the text anew at each call."""
    text = getattr(model, "expr", None)
    if not isinstance(text, str) or list(model.independent_vars) != ["x"] or getattr(model, "prefix", ""):
        return None
    try:
        return Formula(text)
    except FormulaError:
        return None


def _innermost(model: Any) -> Any:
    return _innermost(model.left) if hasattr(model, "left") else model


def _root(model: Any, name: str) -> str:
    return name.removeprefix(getattr(model, "prefix", "") or "")


def _called(bound: tuple[Any, ...], x: Any, *values: Any) -> Any:
    function, variables, roots, options = bound
    rows = (x,) if len(variables) == 1 else x
    return function(**dict(zip(variables, rows, strict=True)), **dict(zip(roots, values, strict=True)), **options)


def _joined(bound: tuple[Any, ...], x: Any, *values: Any) -> Any:
    left, right, first, op = bound
    return op(left(x, *values[:first]), right(x, *values[first:]))


def _ends(hint: Mapping[str, Any]) -> tuple[float, float]:
    low, high = hint.get("min"), hint.get("max")
    return -inf if low is None else float(low), inf if high is None else float(high)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

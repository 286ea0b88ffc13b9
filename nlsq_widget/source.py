"""Functions as they were written, after the imports and numbers that they read. What cannot be had is said."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from textwrap import dedent
from typing import Any

import jax
import numpy as np

from nlsq_widget.fingerprint import names_read, unjitted

_OURS = __name__.partition(".")[0]
_PUBLIC = ("math", "numpy", "jax.numpy", "jax.nn", "jax.lax", "jax.scipy.special", "scipy.special")
_LARGEST = 500  # numbers of an array that are written down


@dataclass(frozen=True)
class Source:
    """What a program says before it can call the functions."""

    imports: set[str] = field(default_factory=set)
    parts: list[str] = field(default_factory=list)  # definitions, each after what it reads
    missing: list[str] = field(default_factory=list)  # what somebody has to fill in
    names: dict[str, Any] = field(default_factory=dict)  # and what each stands for

    def add(self, name: str, value: Any, home: str | None = None) -> None:
        """Write down what `name` stands for in a function of the module `home`; None for a function to be called."""
        if name in self.names:
            if self.names[name] is not value:
                self.missing.append(f"{name} stands for two things; rename one of them.")
            return
        self.names[name] = value
        written = _number(value)
        imported = None if written is not None else _imported(name, value, home)
        if written is not None:
            self.imports.update(["import numpy"] if "numpy." in written else [])
            self.parts.append(f"{name} = {written}")
        elif imported is not None:
            self.imports.add(imported)
        elif not self._add_function(name, value):
            self.missing.append(f"{name}, {_what(value)} whose source cannot be had.")
            if home is None:
                self.parts.append(f'def {name}(x, *parameters):\n    raise NotImplementedError("Fill in {name}.")')

    def _add_function(self, name: str, value: Any) -> bool:
        """Whether a function was written down, after all that it reads."""
        function = inspect.unwrap(unjitted(value)) if callable(value) else value
        tree = _tree(function)
        if tree is None:
            return False
        for other, read in _read_by(function, tree):
            if other != name:
                self.add(other, read, function.__module__)
        if isinstance(tree, ast.Lambda):
            self.parts.append(f"{name} = {ast.unparse(tree)}")
        else:
            self.parts.append(_text(function) + ("" if tree.name == name else f"\n\n\n{name} = {tree.name}"))
        return True


def _tree(function: Any) -> ast.FunctionDef | ast.Lambda | None:
    """The definition of a function, where it can be told; None where it cannot."""
    if not isinstance(function, types.FunctionType):
        return None
    try:
        whole = ast.parse(_text(function))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if function.__name__ != "<lambda>":
        first = whole.body[0] if whole.body else None
        return first if isinstance(first, ast.FunctionDef) else None
    lambdas = [node for node in ast.walk(whole) if isinstance(node, ast.Lambda)]
    return lambdas[0] if len(lambdas) == 1 else None


def _text(function: Callable[..., Any]) -> str:
    return dedent(inspect.getsource(function)).strip()


def _read_by(function: types.FunctionType, tree: ast.FunctionDef | ast.Lambda) -> Iterator[tuple[str, Any]]:
    """The names that a definition reads, from its closure and its globals, with what they stand for."""
    cells: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not filled yet
            cells[name] = cell.cell_contents
    yield from cells.items()
    head: list[ast.AST] = [tree.args]  # defaults and annotations; code names only what it runs
    if isinstance(tree, ast.FunctionDef):
        head += [*tree.decorator_list, *([] if tree.returns is None else [tree.returns])]
    above = [node.id for part in head for node in ast.walk(part) if isinstance(node, ast.Name)]
    for name in dict.fromkeys([*names_read(function), *above]):
        if name in function.__globals__ and name not in cells:
            yield name, function.__globals__[name]


def _what(value: Any) -> str:
    if inspect.isroutine(value):
        return "a function"
    return f"an object ({type(value).__name__})"


def _number(value: Any) -> str | None:
    """A number, a word, a row of them or an array as Python writes it; None for what is none, or long."""
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" or array.size > _LARGEST or not np.isfinite(array).all():
            return None
        return f'numpy.array({array.tolist()!r}, dtype="{array.dtype}")'
    if isinstance(value, np.generic):
        return _number(value.item())
    if isinstance(value, float) and not isfinite(value):
        return f'float("{value}")'
    if isinstance(value, tuple | list) and len(value) <= _LARGEST:
        return repr(value) if all(_number(one) == repr(one) for one in value) else None
    return repr(value) if value is None or type(value) in (bool, int, float, str) else None


def _imported(name: str, value: Any, home: str | None) -> str | None:
    """The statement that imports it; None for what is to be written down."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__}" + ("" if name == value.__name__ else f" as {name}")
    called, module = getattr(value, "__name__", name), getattr(value, "__module__", None)
    own = [module] if isinstance(module, str) and _stays(module, home) else []
    for place in (*own, *_PUBLIC):
        if getattr(sys.modules.get(place), str(called), None) is value:
            return f"from {place} import {called}" + ("" if name == called else f" as {name}")
    return None


def _stays(module: str, home: str | None) -> bool:
    """Whether a module is there for the program too: not the one in which the function was typed."""
    return module != "__main__" and (module.startswith(f"{_OURS}.") if home is None else module != home)


def filled_in(source: Source) -> list[str]:
    """What is missing, as one comment; nothing where nothing is."""
    return ["\n".join(f"# To fill in: {what}" for what in source.missing)] if source.missing else []

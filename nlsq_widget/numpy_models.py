"""Arrays that let JAX trace a model written with NumPy. They mean what NumPy means by it, or refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
from jax.core import Tracer

# The same function under another name, or spelled out.
_NAMED_OTHERWISE: dict[str, Callable[..., Any]] = {
    "psi": jsp.digamma,
    "exp10": lambda x: jnp.power(10.0, x),
    "log_expit": jax.nn.log_sigmoid,
    "softplus": jax.nn.softplus,
}
# What takes a sequence of arrays: they stay apart. Elsewhere a list with traced numbers is one array.
_OF_ARRAYS = frozenset(
    """
    concatenate concat stack hstack vstack dstack column_stack row_stack block select choose broadcast_arrays
    meshgrid ix_ lexsort multi_dot einsum
    """.split()
)
_OF_SHAPES = frozenset("reshape tile transpose permute_dims broadcast_to roll rot90 moveaxis pad resize".split())
# What returns memory of its own. A result of anything else may be a view, and nothing is written into either then.
_FRESH = frozenset(
    """
    zeros_like ones_like empty_like full_like copy where select piecewise clip sum mean std var min max amin amax
    prod cumsum cumprod nansum nanmean dot vdot inner outer cross einsum tensordot interp polyval sinc i0 trapezoid
    gradient diff convolve correlate concatenate concat stack hstack vstack dstack column_stack median average norm
    sort argsort searchsorted linspace angle any all shape ndim size iscomplexobj isrealobj result_type round
    """.split()
)
_METHODS = frozenset(
    """
    sum mean std var min max prod cumsum cumprod argmax argmin argsort any all clip round dot conj conjugate repeat
    take trace searchsorted nonzero compress item tolist
    """.split()
)
_VIEWING_METHODS = frozenset("reshape ravel transpose squeeze swapaxes diagonal view".split())
_LOOPED = 64  # points; a longer loop over them is a graph that nobody waits for


class UntraceableError(TypeError):
    """What JAX cannot follow in a model; the message ends the sentence "it cannot be traced: ..."."""


class Traced:
    """A JAX value that answers NumPy's protocols, with the dtypes and the aliasing of NumPy.

    Writing in place changes this object, which all its names share. What may share memory with another array
    is not written into: JAX has no views.
    """

    __slots__ = ("_shared", "_value")
    __hash__ = None  # type: ignore[assignment]  # as an array

    def __init__(self, value: Any, *, shared: bool = False) -> None:
        self._value = value
        self._shared = shared  # a view, or viewed

    def __jax_array__(self) -> jax.Array:
        return self._value

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise UntraceableError(
            "it hands a value that JAX traces to code that wants numbers (np.vectorize, np.array, an integrator of "
            "SciPy): use jax.numpy, and jax.lax.scan or jax.vmap for a loop"
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, _types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return array_function(function, args, kwargs)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self._value.dtype)

    @property
    def T(self) -> Traced:
        return self._view(self._value.T)

    @property
    def real(self) -> Traced:
        return self._view(self._value.real)

    @property
    def imag(self) -> Traced:
        return self._view(self._value.imag)

    @property
    def at(self) -> Any:
        """JAX's own way to write, for a model that is written for both."""
        return self._value.at

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return lambda *args, **kwargs: wrapped(getattr(self._value, name)(*unwrapped(args), **unwrapped(kwargs)))
        if name in _VIEWING_METHODS:
            return lambda *args, **kwargs: self._view(getattr(self._value, name)(*args, **kwargs))
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise UntraceableError(f"it uses .{name} of an array, which JAX cannot trace: use a function of jax.numpy")
        raise AttributeError(f"An array has no attribute {name!r}.")

    def astype(self, dtype: Any, *_: Any, copy: bool = True, **__: Any) -> Traced:
        """As NumPy's; the order in memory does not matter here."""
        same = np.dtype(dtype) == self.dtype
        return self if same and not copy else Traced(self._value.astype(np.dtype(dtype)))

    def copy(self, *_: Any) -> Traced:
        """An array that shares nothing."""
        return Traced(self._value)

    def flatten(self, *_: Any) -> Traced:
        """A copy with one axis."""
        return Traced(self._value.reshape(-1))

    def fill(self, value: Any) -> None:
        """Write `value` everywhere."""
        self[...] = value

    def _view(self, value: Any) -> Traced:
        self._shared = True
        return Traced(value, shared=True)

    def __getitem__(self, index: Any) -> Traced:
        index = unwrapped(index)
        picked = _dry(self.shape, index)
        value = self._value[index]
        # A number is a copy; a basic index is a view; an array of indices is a copy, but this is not looked at.
        return Traced(value) if picked is not None and picked.ndim == 0 else self._view(value)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._own()
        index, new = unwrapped(index), jnp.asarray(unwrapped(value))
        if isinstance(index, Tracer) and index.dtype == bool:
            if new.size != 1:
                raise UntraceableError("it writes an array where a mask is true: use jnp.where(mask, a, b)")
            mask = index.reshape(index.shape + (1,) * (self.ndim - index.ndim))
            self._value = jnp.where(mask, new.reshape(()).astype(self.dtype), self._value)
            return
        _dry(self.shape, index)
        self._value = self._value.at[index].set(new.astype(self.dtype))

    def _own(self) -> None:
        if self._shared:
            raise UntraceableError(
                "it writes into an array that may share memory with another one (a slice, a reshape): "
                "use jnp.where(condition, a, b), y = y.at[index].set(value), or y = y + a"
            )

    def _updated(self, ufunc: np.ufunc, other: Any) -> Traced:
        result = _ufunc(ufunc, "__call__", (self, other), {})
        if not self.ndim:  # a number, which NumPy binds anew
            return result
        self._own()
        if result.shape != self.shape or not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise UntraceableError(f"it writes {result.dtype}{list(result.shape)} into {self.dtype}{list(self.shape)}")
        self._value = unwrapped(result).astype(self.dtype)
        return self

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        if len(self) > _LOOPED:
            raise UntraceableError(f"it loops over {len(self)} values one by one: use functions of whole arrays")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)

    def __index__(self) -> int:
        return self._value.__index__()

    def __round__(self, digits: int = 0) -> Any:
        return wrapped(jnp.round(self._value, digits))


def _operators() -> None:
    """Python's operators are NumPy's ufuncs."""

    def forward(ufunc: np.ufunc) -> Callable[..., Any]:
        return lambda self, *other: _ufunc(ufunc, "__call__", (self, *other), {})

    def backward(ufunc: np.ufunc) -> Callable[..., Any]:
        return lambda self, other: _ufunc(ufunc, "__call__", (other, self), {})

    def in_place(ufunc: np.ufunc) -> Callable[..., Any]:
        return lambda self, other: self._updated(ufunc, other)

    words = """
    add:add sub:subtract mul:multiply truediv:divide floordiv:floor_divide mod:remainder pow:power matmul:matmul
    and:bitwise_and or:bitwise_or xor:bitwise_xor lshift:left_shift rshift:right_shift
    """
    for name, ufunc in (word.split(":") for word in words.split()):
        setattr(Traced, f"__{name}__", forward(getattr(np, ufunc)))
        setattr(Traced, f"__r{name}__", backward(getattr(np, ufunc)))
        setattr(Traced, f"__i{name}__", in_place(getattr(np, ufunc)))
    words = """
    lt:less le:less_equal gt:greater ge:greater_equal eq:equal ne:not_equal neg:negative pos:positive abs:absolute
    invert:invert divmod:divmod
    """
    for name, ufunc in (word.split(":") for word in words.split()):
        setattr(Traced, f"__{name}__", forward(getattr(np, ufunc)))


_operators()
# So that jit, scan and vmap take such an array for the value that it is.
jax.tree_util.register_pytree_node(Traced, lambda t: ((unwrapped(t),), None), lambda _, leaves: Traced(leaves[0]))


def wrapped(value: Any) -> Any:
    """Every JAX array in `value` as one that NumPy takes."""
    return jax.tree.map(lambda leaf: Traced(leaf) if isinstance(leaf, jax.Array) else leaf, value, is_leaf=_is_traced)


def unwrapped(value: Any) -> Any:
    """Every such array in `value`, in lists and tuples as well, as the JAX value that it is."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    return jax.tree.map(lambda leaf: leaf._value if _is_traced(leaf) else leaf, value, is_leaf=_is_traced)  # noqa: SLF001 # ours


def has_traced(value: Any) -> bool:
    """Whether a value that JAX traces is in `value`, or in its lists and tuples."""
    if isinstance(value, list | tuple):
        return any(has_traced(part) for part in value)
    return isinstance(value, Traced | Tracer)


def _is_traced(value: Any) -> bool:
    return isinstance(value, Traced)


def _dry(shape: tuple[int, ...], index: Any) -> np.ndarray | None:
    """What NumPy picks by `index`, or None where only the run tells. Raises IndexError, where JAX would clamp."""
    if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(index)):
        return None
    return np.broadcast_to(np.zeros((), bool), shape)[index]


def _ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc of NumPy or SciPy by JAX's function of that name."""
    options = {name: value for name, value in kwargs.items() if name not in ("casting", "order", "subok")}
    (out,) = options.pop("out", None) or (None,)
    dtype, where = options.pop("dtype", None), options.pop("where", True)
    twin = _twin_of_ufunc(ufunc)
    if method == "outer":
        first, second = (_operand(value) for value in inputs)
        inputs, method = (jnp.reshape(first, np.shape(first) + (1,) * np.ndim(second)), second), "__call__"
    if method == "__call__":
        result = twin(*_as_numpy_casts(ufunc, [_operand(value) for value in inputs]), **options)
        result = result if dtype is None else result.astype(dtype)
        return wrapped(result) if out is None and where is True else _written(out, result, where)
    if method not in ("reduce", "accumulate") or out is not None:
        raise UntraceableError(
            f"it calls np.{ufunc.__name__}.{method}, which writes in place: use functions of jax.numpy"
        )
    if method == "reduce":
        options["where"] = None if where is True else unwrapped(where)
    array = _operand(inputs[0])
    return wrapped(getattr(getattr(jnp, ufunc.__name__), method)(array, *inputs[1:], dtype=dtype, **options))


def _written(out: Any, result: Any, where: Any) -> Traced:
    """`out=` and `where=` of a ufunc; what is not written keeps what it was."""
    if not isinstance(out, Traced):
        raise UntraceableError(
            "it writes into an array of NumPy (out=, or y += a): use y = y + a, or fill an array of np.zeros_like(x)"
        )
    out[...] = result if where is True else jnp.where(unwrapped(where), result, unwrapped(out))
    return out


def _twin_of_ufunc(ufunc: np.ufunc) -> Callable[..., Any]:
    name = ufunc.__name__
    twin = getattr(jnp, name, None) if getattr(np, name, None) is ufunc else None
    twin = twin or _NAMED_OTHERWISE.get(name) or getattr(jsp, name, None) or getattr(jnp, name, None)
    if twin is None:
        raise UntraceableError(f"it calls {name}, which neither jax.numpy nor jax.scipy.special has")
    return twin


def _operand(value: Any) -> Any:
    """An input of an operation: a JAX value, an array, or a Python number, whose dtype is weak."""
    value = unwrapped(value)
    if isinstance(value, list | tuple):
        return jnp.asarray(value) if has_traced(value) else np.asarray(value)
    return value


def _as_numpy_casts(ufunc: np.ufunc, values: list[Any]) -> list[Any]:
    """The inputs in the dtypes in which NumPy calculates: JAX would add an int64 to a float32 in float32."""
    weak = (int, float, complex)
    kinds = [type(v) if type(v) in weak else np.dtype(getattr(v, "dtype", type(v))) for v in values]
    loop = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    return [
        value if kind in weak or kind == dtype else jnp.asarray(value).astype(dtype)
        for value, kind, dtype in zip(values, kinds, loop, strict=False)
    ]


def array_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy by the one of jax.numpy of that name."""
    name, home = function.__name__, function.__module__
    twin: Any = _SPELLED_OUT.get(name) if home == "numpy" else None
    if twin is None:
        twin = jnp
        for part in (*home.split(".")[1:], name):
            twin = getattr(twin, part, None)
        if twin is None:
            raise UntraceableError(f"it calls np.{name}, which jax.numpy does not have")
    options = {key: value for key, value in kwargs.items() if key not in ("casting", "order", "subok")}
    if options.pop("out", None) is not None:
        raise UntraceableError(f"it writes into an array by np.{name}(out=...): use the value that it returns")
    keep = name in _OF_ARRAYS
    result = twin(
        *(_argument(value, name, keep) for value in args),
        **{key: _argument(value, name, keep) for key, value in options.items()},
    )
    if name in _FRESH:
        return wrapped(result)
    for value in jax.tree.leaves((args, kwargs), is_leaf=_is_traced):
        if _is_traced(value):
            value._shared = True  # noqa: SLF001 # ours
    return jax.tree.map(lambda leaf: Traced(leaf, shared=True) if isinstance(leaf, jax.Array) else leaf, result)


def _argument(value: Any, name: str, keep: bool) -> Any:
    if isinstance(value, list | tuple) and not keep and name not in _SPELLED_OUT:
        if has_traced(value):
            return _operand(value)
        return value if isinstance(value, tuple) or name in _OF_SHAPES else np.asarray(value)
    if callable(value) and not isinstance(value, type):
        return lambda *args: unwrapped(value(*wrapped(args)))
    return unwrapped(value)


def _piecewise(x: Any, conditions: Any, functions: Any, *args: Any, **kwargs: Any) -> Any:
    """Of conditions that hold together the last one counts; where none does it is the extra function, or zero."""
    conditions = conditions if isinstance(conditions, list | tuple) else [conditions]
    last = functions[len(conditions)] if len(functions) > len(conditions) else 0.0

    def branch(function: Any) -> Any:
        return unwrapped(function(Traced(x), *wrapped(args), **wrapped(kwargs))) if callable(function) else function

    result = jnp.broadcast_to(jnp.asarray(branch(last), x.dtype), x.shape)
    for condition, function in zip(conditions, functions, strict=False):
        result = jnp.where(condition, jnp.asarray(branch(function)).astype(x.dtype), result)
    return result


_SPELLED_OUT: dict[str, Callable[..., Any]] = {
    "piecewise": _piecewise,
    "empty_like": jnp.zeros_like,  # what is not written is not read
    "copy": jnp.copy,
}

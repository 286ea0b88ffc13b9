"""A problem in few pieces, and its program as well: one vector goes in, one kernel runs. Each more has its price."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from nlsq_widget.problem import Problem

SHORT = 4096  # numbers that are copied in less time than it takes to pass another array, or to share the work


class Layout(NamedTuple):
    """How a problem is packed, as something to compare."""

    joins: tuple[str, ...]  # the fields that are in the vector
    stays: tuple[str, ...]
    leaves: tuple[tuple[str, tuple[int, ...], Any], ...]  # each with its shape and dtype


def layout(problem: Problem) -> Layout:
    """What is NumPy's and short joins the vector, the others stay as they are."""
    joins, stays, leaves = [], [], []
    for name, leaf in vars(problem).items():
        if leaf is not None:
            (joins if type(leaf) is np.ndarray and leaf.size <= SHORT else stays).append(name)
            leaves.append((name, leaf.shape, leaf.dtype))
    return Layout(tuple(joins), tuple(stays), tuple(leaves))


def packed(how: Layout, problem: Problem) -> tuple[np.ndarray, list[Any]]:
    """The vector, and the arrays that did not join it."""
    leaves = vars(problem)
    return np.concatenate([leaves[name] for name in how.joins], axis=None), [leaves[name] for name in how.stays]


def unpacked(how: Layout, vector: Array, others: list[Array]) -> Problem:
    """The problem that was packed, for whom JAX traces."""
    found: dict[str, Any] = {"whiten": None, **dict(zip(how.stays, others, strict=True))}
    shapes, begin = {name: shape for name, shape, _ in how.leaves}, 0
    for name in how.joins:
        end = begin + prod(shapes[name])
        found[name] = vector[begin:end].reshape(shapes[name])
        begin = end
    return Problem(**found)


def one_kernel(run: Callable[..., Any], *given: Any) -> Any:
    """`run(*given)`, as a loop that turns once: of a loop over little XLA makes one kernel, which one thread runs.

    Kernel by kernel it would have other threads help, and would wait until they have woken up.
    """
    whole = jax.jit(run)  # traced once for its shapes and for the loop
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(whole, *given))

    def turn(state: tuple[Array, Any]) -> tuple[Array, Any]:
        # Through a barrier, for what does not change from turn to turn XLA takes out of a loop.
        now, _ = lax.optimization_barrier((given, state[0]))
        return jnp.asarray(True), whole(*now)

    begin = lax.optimization_barrier(jnp.asarray(False)), blank  # nor shall it see how often the loop turns
    return lax.while_loop(lambda state: ~state[0], turn, begin)[1]

"""The form in which a model works: as it is, as NumPy, or on the host. What is traced gives the user's own values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from nlsq_widget.fingerprint import unjitted, writes_in_place
from nlsq_widget.model import Model, ModelError, first_line, unnoted
from nlsq_widget.numpy_names import numpy_form

_PRICE = "It is called on the host with finite differences instead, which is slower and less exact."
_PRICE_OF_JAC = "It is called on the host instead, which is slower."


def resolved(model: Model, x: np.ndarray, p0: np.ndarray, points: int | None = None) -> Model:
    """`model` in the first form that works: traced by JAX, traced as a NumPy model, or called on the host.

    To be called in `device.scope`. `points` is the length of y where it is not that of the last axis of x. Raises
    ModelError when the model does not work on numbers either; `Model.host` says why one is called on the host.
    """
    x, p0 = np.asarray(x, dtype=float), np.asarray(p0, dtype=float)
    length: int = x.shape[-1] if points is None else points
    with unnoted(model.function, model.jacobian):
        return _jacobian_resolved(_function_resolved(model, x, p0, length), x, p0, length)


def on_host(model: Model, why: str) -> Model:
    """The model called on the host; `why` is a sentence."""
    return replace(model, host=f"{why} {_PRICE}")


def _function_resolved(model: Model, x: np.ndarray, p0: np.ndarray, points: int) -> Model:
    if model.host is not None:
        return model
    form = replace(model, function=numpy_form(model.function))
    if _untraced(model.curve, x, p0, points) is None and not (
        writes_in_place(model.function) and _means_another(model, form, x, p0, points)
    ):
        return model
    why = _untraced(form.curve, x, p0, points) or _other(form.curve, model.values, model.name, x, p0, points)
    if why is None:
        return form
    model.values(x, p0, points)  # raises what is wrong with a model that does not work at all
    return on_host(replace(model, function=unjitted(model.function)), why)


def _jacobian_resolved(model: Model, x: np.ndarray, p0: np.ndarray, points: int) -> Model:
    if model.jacobian is None or model.host_jacobian or _untraced(model.columns, x, p0, points) is None:
        return model
    form = replace(model, jacobian=numpy_form(model.jacobian))
    name = f"jac of {model.name}"
    why = _untraced(form.columns, x, p0, points) or _other(form.columns, model.slopes, name, x, p0, points)
    if why is None:
        return form
    model.slopes(x, p0, points)
    return replace(model, host_jacobian=f"{why} {_PRICE_OF_JAC}")


def _means_another(model: Model, form: Model, x: np.ndarray, p0: np.ndarray, points: int) -> bool:
    """Whether `z = y; z += 1` changes y as well, which it does in NumPy and not in JAX."""
    if _untraced(form.curve, x, p0, points) is None:
        steps = [str(jax.make_jaxpr(lambda x, p, m=m: m.curve(x, p, points))(x, p0)) for m in (model, form)]
        if steps[0] == steps[1]:
            return False
    return _other(model.curve, model.values, model.name, x, p0, points) is not None


def _untraced(curve: Callable[..., Any], x: np.ndarray, p0: np.ndarray, points: int) -> str | None:
    """Why JAX cannot trace this, in a sentence; None when it can."""
    try:
        jax.eval_shape(lambda x, p: curve(x, p, points), x, p0)
    except ModelError as error:
        return str(error)
    return None


def _other(
    traced: Callable[..., Any],
    real: Callable[..., np.ndarray],
    name: str,
    x: np.ndarray,
    p0: np.ndarray,
    points: int,
) -> str | None:
    """Why the traced form will not do: other values than NumPy's, or no derivative. At p0, and beside it.

    p0 may be special (zeros, a symmetry), so the place beside it is none that anybody would choose.
    """
    along = 0.01 * np.maximum(np.abs(p0), 0.1) * (0.5 + 0.6180339887 * np.arange(1, p0.size + 1) % 1)
    program = jax.jit(lambda x, p: jax.jvp(lambda q: traced(x, q, points), (p,), (along,)))
    try:
        found = [(p, *program(x, p)) for p in (p0, p0 + along)]
    except ModelError as error:
        return str(error)
    except (TypeError, ValueError, NotImplementedError) as error:
        return f"The model {name} cannot be differentiated by JAX: {first_line(error).rstrip('.')}."
    for p, value, slope in found:
        try:
            expected = real(x, p, points)
        except ModelError:  # not defined there
            continue
        finite = np.isfinite(expected)
        scale = np.max(np.abs(expected), initial=0.0, where=finite)
        same = np.isclose(value, expected, rtol=1e-6, atol=1e-8 * scale)
        if not same[finite].all():
            return f"The model {name} has other values when JAX traces it."
        if p is not p0 and not np.isfinite(slope)[finite].all():
            return f"The model {name} has no finite derivative when JAX traces it."
    return None

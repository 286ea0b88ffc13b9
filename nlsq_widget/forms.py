"""The form in which a model works: as it is, as NumPy, or on the host. What is traced gives the user's own values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from nlsq_widget.fingerprint import unjitted, writes_in_place
from nlsq_widget.model import Model, ModelError, first_line, unnoted
from nlsq_widget.numpy_names import numpy_form
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.problem import pad

_PRICE = "It is called on the host with finite differences instead, which is slower and less exact."
_PRICE_OF_JAC = "It is called on the host instead, which is slower."


class At(NamedTuple):
    """Where a model is tried."""

    x: Any  # [..., points]; on a device it stays there while only its shape is looked at
    p0: np.ndarray  # [parameters]
    points: int  # the length of y


Traced = Callable[[Any, Any, int], Any]  # x, parameters, points -> the curve [points], or rows of such
# Of `traced` at x and p, by the name under which its program is kept: the value, and the slope along a direction.
Tangent = Callable[[str, Traced, At, np.ndarray], tuple[np.ndarray, np.ndarray]]


def resolved(model: Model, at: At, padded: int, tangent: Tangent) -> tuple[Model, bool]:
    """`model` in the first form that works: traced by JAX, traced as a NumPy model, or called on the host.

    And whether it takes each point by itself, so that its points may be `padded` in number. To be called in
    `device.scope`. Raises ModelError when the model does not work on numbers either; `Model.host` says why one is
    called on the host.
    """
    with unnoted(model.function, model.jacobian):
        form, alone = _function_resolved(model, at, padded, tangent)
        form = _jacobian_resolved(form, at, tangent)
        return form, alone and not form.own_columns


def _function_resolved(model: Model, at: At, padded: int, tangent: Tangent) -> tuple[Model, bool]:
    if model.host is not None:
        return model, False

    def other(traced: Model, name: str) -> str | None:
        return _other(name, traced.curve, model.values, model.name, _padded(at, padded, alone=alone), tangent)

    form = replace(model, function=numpy_form(model.function))
    if _untraced(model.curve, at) is None:
        alone = _alone(model, at, padded)
        if not writes_in_place(model.function) or _same_steps(model, form, at) or other(model, "as it is") is None:
            return model, alone
    why = _untraced(form.curve, at)
    if why is None:
        alone = _alone(form, at, padded)
        why = other(form, "as NumPy")
        if why is None:
            return form, alone
    model.values(*_read(at))  # raises what is wrong with a model that does not work at all
    return replace(model, function=unjitted(model.function), host=f"{why} {_PRICE}"), False


def _jacobian_resolved(model: Model, at: At, tangent: Tangent) -> Model:
    if model.jacobian is None or model.on_host or _untraced(model.columns, at) is None:
        return model  # on the host jac is called as it is
    form = replace(model, jacobian=numpy_form(model.jacobian))
    name = f"jac of {model.name}"
    at = _read(at)
    why = _untraced(form.columns, at) or _other("jac", form.columns, model.slopes, name, at, tangent)
    if why is None:
        return form
    model.slopes(*at)
    return replace(model, host_jacobian=f"{why} {_PRICE_OF_JAC}")


def _alone(model: Model, at: At, padded: int) -> bool:
    return at.x.shape[-1] == at.points and is_pointwise(model, at.x.shape, padded)


def _padded(at: At, padded: int, *, alone: bool) -> At:
    """The same place with as many points as others in its bucket have: they are checked by the same program."""
    at = _read(at)
    return at._replace(x=pad(np.asarray(at.x), padded), points=padded) if alone else at


def _read(at: At) -> At:
    return at._replace(x=np.asarray(at.x, dtype=float))


def _same_steps(model: Model, form: Model, at: At) -> bool:
    """Whether it is all one to JAX and to NumPy: `z = y; z += 1` changes y as well in NumPy."""
    if _untraced(form.curve, at) is not None:
        return False
    one, other = (
        str(jax.make_jaxpr(lambda x, p, m=m: m.curve(x, p, at.points))(_shape(at), at.p0)) for m in (model, form)
    )
    return one == other


def _untraced(curve: Traced, at: At) -> str | None:
    """Why JAX cannot trace this, in a sentence; None when it can."""
    try:
        jax.eval_shape(lambda x, p: curve(x, p, at.points), _shape(at), at.p0)
    except ModelError as error:
        return str(error)
    return None


def _shape(at: At) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(at.x.shape, jnp.result_type(float))


def _other(
    kept: str, traced: Traced, real: Callable[..., np.ndarray], name: str, at: At, tangent: Tangent
) -> str | None:
    """Why the traced form will not do: other values than NumPy's, or no derivative. At p0, and beside it.

    p0 may be special (zeros, a symmetry), so the place beside it is none that anybody would choose.
    """
    along = 0.01 * np.maximum(np.abs(at.p0), 0.1) * (0.5 + 0.6180339887 * np.arange(1, at.p0.size + 1) % 1)
    beside = at._replace(p0=at.p0 + along)
    try:
        found = [(there, *tangent(kept, traced, there, along)) for there in (at, beside)]
    except ModelError as error:
        return str(error)
    except (TypeError, ValueError, NotImplementedError) as error:
        return f"The model {name} cannot be differentiated by JAX: {first_line(error).rstrip('.')}."
    for there, value, slope in found:
        try:
            expected = real(*there)
        except ModelError:  # not defined there
            continue
        finite = np.isfinite(expected)
        scale = np.max(np.abs(expected), initial=0.0, where=finite)
        same = np.isclose(value, expected, rtol=1e-6, atol=1e-8 * scale)
        if not same[finite].all():
            return f"The model {name} has other values when JAX traces it."
        if there is beside and not np.isfinite(slope)[finite].all():
            return f"The model {name} has no finite derivative when JAX traces it."
    return None

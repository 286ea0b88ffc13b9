"""A session as a text of JSON, and back. Nothing in it is ever run: who loads it gives the model."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from functools import reduce
from math import isinf, prod
from pathlib import Path
from typing import Any

import numpy as np

from nlsq_widget.begin import begin, follow_commands
from nlsq_widget.code import function_name
from nlsq_widget.model import as_model
from nlsq_widget.result import Result
from nlsq_widget.session import Session, SetLevel, SetLive, apply
from nlsq_widget.source import Source

_FORMAT = "nlsq_widget session"
_VERSION = 1  # of the format; what changes its meaning makes a new one
# The keys of each part of the text, and what each holds.
_PARTS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "model": {
        "name": (str,),  # this, module and source are told to people only
        "module": (str, type(None)),
        "source": (str, type(None)),
        "parameters": (list,),
        "jac": (bool,),
    },
    "data": {"x": (dict,), "y": (dict,), "sigma": (dict, type(None)), "x_label": (str,), "y_label": (str,)},
    "choices": {
        "p0": (dict,),
        "bounds": (dict,),  # [lower, upper], null where it is open: a model may have bounds that were taken away
        "fixed": (list,),
        "following": (list,),
        "ties": (dict,),
        "excluded": (list,),
        "x_range": (list,),
        "absolute_sigma": (bool,),
        "derivatives": (str,),
        "loss": (str,),
        "loss_scale": (float, int),
        "level": (float, int, type(None)),
        "live": (str,),
        "device": (str,),
        "precision": (str,),
    },
}


# The choices that a session holds by the same name.
_WORDS = ("absolute_sigma", "derivatives", "loss", "loss_scale", "level", "live", "device", "precision")


def save(fitted: Session | Result) -> str:
    """The data and every choice of a session, or of the one that was fitted, as a text of JSON.

    x, y and sigma stand in it as the base64 of their float64 in little-endian order, under their shape; all other
    numbers with the digits that give the same float again. The model is only described, by its name, its module and,
    where it can be had, its source. What was undone or suspected is not kept.

    >>> from nlsq_widget import fit
    >>> def model(x, slope): return slope * x
    >>> r = fit(model, [1, 2, 3], [2.1, 3.9, 6.2])
    >>> fit(load(save(r), model)).popt == r.popt
    array([ True])
    """
    session = fitted.session if isinstance(fitted, Result) else fitted
    whole = {
        "format": _FORMAT,
        "version": _VERSION,
        "model": _described(session),
        "data": {
            "x": _packed(session.data.x),
            "y": _packed(session.data.y),
            "sigma": None if session.data.sigma is None else _packed(session.data.sigma),
            "x_label": session.data.x_label,
            "y_label": session.data.y_label,
        },
        "choices": _choices(session),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _described(session: Session) -> dict[str, Any]:
    function, source = session.model.function, Source()
    source.add(function_name(session), function)
    return {
        "name": function_name(session),
        "module": getattr(function, "__module__", None),
        "source": None if source.missing else "\n\n".join(source.parts),
        "parameters": list(session.names),
        "jac": session.model.jacobian is not None,
    }


def _choices(session: Session) -> dict[str, Any]:
    bounds = zip(session.names, session.lower, session.upper, strict=True)
    return {
        "p0": dict(zip(session.names, session.p0, strict=True)),
        "bounds": {name: _pair(low, high) for name, low, high in bounds},
        "fixed": sorted(session.fixed),
        "following": sorted(session.following),
        "ties": dict(session.model.ties.texts),
        "excluded": sorted(session.excluded),
        "x_range": _pair(*session.x_range),
        **{name: getattr(session, name) for name in _WORDS},
    }


def _pair(lower: float, upper: float) -> list[float | None]:
    return [None if isinf(end) else end for end in (lower, upper)]


def _packed(values: np.ndarray) -> dict[str, Any]:
    return {"shape": list(values.shape), "float64": b64encode(values.astype("<f8").tobytes()).decode()}


def load(text: str, model: Callable[..., Any], *, jac: Callable[..., Any] | None = None, device: Any = None) -> Session:
    """The session that `save` wrote, of this `model`: `fit(session)` or `FitWidget(session)` make the same fit.

    `jac` is given where the session had one; `device` instead of the one that was saved, which may not be here. Raises
    ValueError, in one sentence, for what is no session, is damaged, or is of a model with other parameters.
    """
    parts = _parts(text)
    described, data, choices = parts["model"], parts["data"], parts["choices"]
    names = _same_names(model, described, jac)
    keys = ("bounds", "fixed", "ties", "x_range", "absolute_sigma", "loss", "loss_scale", "precision")
    session = begin(
        model,
        _array("x", data["x"]),
        _array("y", data["y"]),
        sigma=None if data["sigma"] is None else _array("sigma", data["sigma"]),
        x_label=data["x_label"],
        y_label=data["y_label"],
        excluded=_indices(choices["excluded"]),
        device=choices["device"] if device is None else device,
        p0=_starts(names, choices["p0"]),
        jac=choices["derivatives"] if jac is None else jac,
        **{key: choices[key] for key in keys},
    )
    rest = (*follow_commands(session, choices["following"]), SetLive(choices["live"]), SetLevel(choices["level"]))
    return reduce(apply, rest, session)


def read(path: str | Path) -> str:
    """The text of a file. Raises ValueError for what is no text."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text, and so no session; give a file that `save` wrote.") from error


def _parts(text: str) -> dict[str, dict[str, Any]]:
    """What the text holds, where each part has its keys, and each key something of its kind."""
    try:
        whole = json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("The text is no JSON, or a part of it is missing; save the session again.") from error
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT:
        raise ValueError("The text is JSON but no session of nlsq_widget; give what `save` wrote.")
    if whole.get("version") != _VERSION:
        raise ValueError(
            f"The session has version {whole.get('version')!r:.20}, and this nlsq_widget reads {_VERSION}; "
            "load it with the one that saved it."
        )
    _check("The session", whole, dict.fromkeys(_PARTS, (dict,)) | {"format": (str,), "version": (int,)})
    for part, kinds in _PARTS.items():
        _check(f"The {part} of the session", whole[part], kinds)
    return whole


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"The text holds {word}, which is no number of JSON; save the session again.")


def _check(what: str, content: dict[str, Any], kinds: Mapping[str, tuple[type, ...]]) -> None:
    for key, kind in kinds.items():
        if key not in content:
            raise ValueError(f"{what} has no {key!r}; save it again.")
        value = content[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
            raise ValueError(f"{what} has {value!r:.40} for {key!r}, which cannot be; save it again.")
    unknown = [key for key in content if key not in kinds]
    if unknown:
        raise ValueError(f"{what} has {unknown[0]!r:.40}, which this nlsq_widget does not know; take it out.")


def _same_names(function: Callable[..., Any], described: Mapping[str, Any], jac: Any) -> tuple[str, ...]:
    """The parameters of the model that was given, if it can be the one that was saved."""
    names = described["parameters"]
    try:
        model = as_model(function, None, jac)
    except ValueError:  # how many `*args` stands for, only the session knows
        model = as_model(function, len(names), jac)
    if list(model.names) != names:
        raise ValueError(
            f"The model has the parameters {', '.join(model.names)}, and the session, of {described['name']}, "
            f"{', '.join(map(str, names))}; give the model that was saved."
        )
    if described["jac"] and model.jacobian is None:
        raise ValueError("The session was fitted with a jac of its own; give it as well: load(text, model, jac=jac).")
    return model.names


def _starts(names: tuple[str, ...], p0: Mapping[str, Any]) -> list[Any]:
    """The start values in order."""
    if set(p0) != set(names):
        raise ValueError(
            f"The session starts {', '.join(p0)}, and its model has {', '.join(names)}; save the session again."
        )
    return [p0[name] for name in names]


def _indices(excluded: list[Any]) -> list[int]:
    if not all(type(point) is int for point in excluded):
        raise ValueError("The session excludes what is no index; save it again.")
    return excluded


def _array(name: str, packed: Mapping[str, Any]) -> np.ndarray:
    match packed:
        case {"shape": list(shape), "float64": str(coded)} if all(type(n) is int and n >= 0 for n in shape):
            try:
                raw = b64decode(coded, validate=True)
            except (Error, ValueError) as error:
                raise ValueError(f"{name} is damaged in the session: it is no base64; save it again.") from error
            if len(raw) == 8 * prod(shape):
                return np.frombuffer(raw, "<f8").reshape(shape).astype(float)
            raise ValueError(
                f"{name} is damaged in the session: it holds {len(raw)} bytes, where {prod(shape)} numbers take "
                f"{8 * prod(shape)}; save it again."
            )
        case _:
            raise ValueError(f"{name} is damaged in the session: it has no shape and float64; save it again.")

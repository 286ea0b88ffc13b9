"""The session as Python sees it: names to read, to set and to observe. Setting one is a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSet, Sequence
from typing import Any, TypeVar

import traitlets

from nlsq_widget.begin import (
    exclude_command,
    fix_commands,
    follow_commands,
    named_bounds,
    range_command,
    set_bounds,
    tie_commands,
)
from nlsq_widget.session import Command, Session, SetDevice, SetLevel, SetLive, SetLoss, SetStart

T = TypeVar("T")


class ByName(MutableMapping[str, T]):
    """A value for each parameter; setting one is a command to the widget."""

    def __init__(self, values: Mapping[str, T], put: Callable[[str, Any], Mapping[str, T]]) -> None:
        self._values = dict(values)
        self._put = put

    def __getitem__(self, name: str) -> T:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values = dict(self._put(name, value))

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"A parameter cannot be taken away; fix it instead: w.fixed.add({name!r}).")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


class Expressions(ByName[str]):
    """The expression of each parameter that is tied; None, or taking it away, unties one."""

    def __delitem__(self, name: str) -> None:
        self[name] = None


class Chosen(MutableSet[str]):
    """Names of parameters, of the fixed ones say; adding or taking one is a command. So is `fixed["a"] = True`."""

    def __init__(self, names: Iterable[str], put: Callable[[str, bool], Iterable[str]]) -> None:
        self._names = frozenset(names)
        self._put = put

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> bool:
        return name in self._names

    def __setitem__(self, name: str, fixed: bool) -> None:
        self._names = frozenset(self._put(name, bool(fixed)))

    def add(self, value: str) -> None:
        self[value] = True

    def discard(self, value: str) -> None:
        if value in self:
            self[value] = False

    def __repr__(self) -> str:
        return repr(set(self._names))


class Choice(traitlets.TraitType[Any, Any]):
    """A trait that the session answers for; None is no choice."""

    default_value = ()
    info_text = "a choice that the session understands (an empty one for none)"


def commands(session: Session, trait: str, value: Any) -> Sequence[Command]:
    """The commands that make a trait what was assigned to it."""
    return _READ[trait](session, value)


def _starts(session: Session, value: Any) -> Sequence[Command]:
    # What is tied shows the value that it is given here when all are put back as they were: that unties nothing.
    shown = {name: start for name, start in zip(session.names, session.p0, strict=True) if name in session.model.ties}
    return [SetStart(name, number) for name, number in _named(session, value).items() if shown.get(name) != number]


def _bounds(session: Session, value: Any) -> Sequence[Command]:
    none = dict.fromkeys(session.names)
    pairs = named_bounds(session.names, none if value is None else value).items()
    return [step for name, pair in pairs for step in set_bounds(session, name, pair)]


def _named(session: Session, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"p0 is {value!r}; give one number for each parameter, or name them.")
    values = list(value)
    if len(values) != len(session.names):
        raise ValueError(
            f"p0 has {len(values)} values for {len(session.names)} parameters; give one for each, or name them."
        )
    return dict(zip(session.names, values, strict=True))


_READ: Mapping[str, Callable[[Session, Any], Sequence[Command]]] = {
    "p0": _starts,
    "bounds": _bounds,
    "fixed": fix_commands,
    "following": follow_commands,
    "ties": tie_commands,
    "excluded": lambda session, value: [exclude_command(session, value)],
    "x_range": lambda _session, value: [range_command(value)],
    "device": lambda _session, value: [SetDevice(value)],
    "loss": lambda session, value: [SetLoss(value, session.loss_scale)],
    "loss_scale": lambda session, value: [SetLoss(session.loss, value)],
    "live": lambda _session, value: [SetLive(value)],
    "level": lambda _session, value: [SetLevel(value)],
}
SETTABLE = tuple(_READ)

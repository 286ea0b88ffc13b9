"""FitWidget: the session behind a lock, and messages. The only file that knows anywidget and comms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSet, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import anywidget
import traitlets
from numpy.typing import ArrayLike

from nlsq_widget.begin import begin, exclude_command, fix_commands, named_bounds, set_bounds
from nlsq_widget.device import devices
from nlsq_widget.fit import solve
from nlsq_widget.model import ModelError
from nlsq_widget.result import Result
from nlsq_widget.session import (
    Command,
    Session,
    SetDevice,
    SetFixed,
    SetStart,
    apply,
)
from nlsq_widget.view import Frame, View, view
from nlsq_widget.wire import Answer, answer_to, command, pack

_STATIC = Path(__file__).parent / "static"

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


class Fixed(MutableSet[str]):
    """The names of the fixed parameters; adding or taking one is a command. `fixed["a"] = True` does the same."""

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


class _Choice(traitlets.TraitType[Any, Any]):
    """A trait that the session answers for; None is no choice."""

    default_value = ()
    info_text = "a choice that the session understands (an empty one for none)"


class FitWidget(anywidget.AnyWidget):
    """A curve fitted to data, with a track for each parameter: drag a start value or a bound and it fits again.

    `model` is a function `f(x, a, b, ...)` written with jax.numpy; x and y are [points]; sigma, the standard
    errors of y, is [points]. `p0` and `bounds` go by name or by order: `{"a": 1.0}`, `{"a": (0, None)}`.
    A start value left out is the default in the model's signature, else the middle of its bounds, else 1.

    All that a finger can do, Python can: `w.p0["a"] = 3`, `w.bounds["a"] = (0, 5)`, `w.fixed.add("a")`,
    `w.excluded = [4]`, `w.device = "cpu:1"`; each can be observed. `w.result` is the fit on the screen.
    Raises ValueError, in one sentence, for what cannot be fitted; nothing is changed then.

    >>> import jax.numpy as jnp
    >>> w = FitWidget(lambda x, a, b: a * x + b, [0, 1, 2, 3], [1.1, 2.9, 5.2, 6.8])
    >>> w.fixed.add("b"); w.p0["b"] = 1.0
    >>> round(w.result["a"], 6)
    1.978571
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    p0: Any = _Choice(help="Start value of each parameter.")
    bounds: Any = _Choice(help="Lower and upper bound of each parameter, infinite where there is none.")
    fixed: Any = _Choice(help="Names of the parameters that stay at their start value.")
    excluded: Any = _Choice(help="Indices of the points that do not count.")
    device: Any = _Choice(help="Name of the device that fits.")
    devices = traitlets.Tuple(read_only=True, help="Names of the devices that JAX sees.")
    result: Any = traitlets.Instance(Result, allow_none=True, read_only=True, help="The fit; None while it fails.")

    def __init__(
        self,
        model: Callable[..., Any],
        x: ArrayLike,
        y: ArrayLike,
        sigma: ArrayLike | None = None,
        p0: Mapping[str, float] | Sequence[float] | ArrayLike | None = None,
        bounds: Any = None,
        *,
        fixed: Iterable[str] = (),
        excluded: Iterable[int] = (),
        absolute_sigma: bool = False,
        device: Any = None,
        x_label: str = "x",
        y_label: str = "y",
        **kwargs: Any,
    ) -> None:
        session = begin(
            model,
            x,
            y,
            sigma=sigma,
            p0=p0,
            bounds=bounds,
            fixed=fixed,
            excluded=excluded,
            device=device,
            absolute_sigma=absolute_sigma,
            x_label=x_label,
            y_label=y_label,
        )
        if session.data.x.ndim != 1:
            raise ValueError(
                f"x has shape {session.data.x.shape}; the widget draws against one x. `fit` takes any number of them."
            )
        self._lock = threading.RLock()
        self._frame = Frame(session)
        self._frame_number = 1
        self._frame_sent = 0
        self._newest: dict[str, int] = {}  # of each page, the number of the newest command carried out
        self._told: dict[str, Any] = {}
        self._session = session
        self._view = self._drawn = _fitted(session, self._frame)
        super().__init__(**kwargs)
        self._tell()
        self.on_msg(self._receive)
        _answer_beside_cells(self)

    @property
    def view(self) -> View:
        """What the screen shows, to be drawn elsewhere: `nlsq_widget.figure.draw(w.view).savefig("fit.svg")`."""
        return self._view

    def do(self, *commands: Command) -> None:
        """Carry out commands in order, all or none. Raises ValueError when one is refused or the model fails."""
        with self._lock:
            self._change(commands)
            self._send_view(None)
            if self._view.result is None and self._view.fault is not None:
                raise ModelError(self._view.fault)

    def _change(self, commands: Sequence[Command]) -> None:
        """The one place where the session moves on."""
        session = reduce(apply, commands, self._session)
        frame = self._frame if self._frame.serves(session) else Frame(session)
        self._view = _fitted_or_fault(session, frame)
        self._session = session
        if self._view.fault is None:
            self._drawn = self._view
        if frame is not self._frame:
            self._frame = frame
            self._frame_number += 1
        self._tell()

    def _tell(self) -> None:
        """Bring the traits up to the session, for whoever observes them."""
        session = self._session
        bounds = dict(zip(session.names, zip(session.lower, session.upper, strict=True), strict=True))
        self._told = {
            "p0": ByName(dict(zip(session.names, session.p0, strict=True)), self._put_start),
            "bounds": ByName(bounds, self._put_bounds),
            "fixed": Fixed(session.fixed, self._put_fixed),
            "excluded": tuple(sorted(session.excluded)),
            "device": session.device,
            "devices": tuple(device.name for device in devices()),
            "result": self._view.result,
        }
        with self.hold_trait_notifications():
            for name, value in self._told.items():
                self.set_trait(name, value)

    def _put_start(self, name: str, value: float) -> Mapping[str, float]:
        self.do(SetStart(name, value))
        return self.p0

    def _put_bounds(self, name: str, pair: Any) -> Mapping[str, tuple[float, float]]:
        self.do(*set_bounds(self._session, name, pair))
        return self.bounds

    def _put_fixed(self, name: str, fixed: bool) -> Iterable[str]:
        self.do(SetFixed(name, fixed))
        return self.fixed

    @traitlets.validate("p0", "bounds", "fixed", "excluded", "device")
    def _set_from_python(self, proposal: traitlets.Bunch) -> Any:
        """Assigning to a trait is a command too; the session then says what the trait holds."""
        with self._lock:
            name = proposal.trait.name
            if proposal.value is self._told[name]:
                return proposal.value
            self.do(*_commands(self._session, name, proposal.value))
            return getattr(self, name)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A message of a page, on another thread than cells; answered by exactly one view."""
        with self._lock:
            answers = answer_to(content)
            if content.get("type") == "hello":
                self._greet(answers)
                return
            self._send_view(answers, refused=self._carry_out(answers, content.get("command")))

    def _carry_out(self, asked: Answer, content: Any) -> str | None:
        """Why a command of a page was refused; None when it was carried out.

        A command may be held up behind a running cell while newer ones overtake it; it is then too old.
        """
        if asked.seq <= self._newest.get(asked.page, 0):
            return "A newer change overtook this one."
        self._newest[asked.page] = asked.seq
        try:
            self._change([command(content)])
        except ValueError as error:
            return str(error)
        return None

    def _greet(self, answers: Answer) -> None:
        """Everything, for a page that has nothing; under a fault first the last good picture, to be dimmed."""
        if self._view is not self._drawn and self._view.frame is self._drawn.frame:
            self._post(self._drawn, None, with_frame=True)
        self._post(self._view, answers, with_frame=True)

    def _send_view(self, answers: Answer | None, refused: str | None = None) -> None:
        self._post(self._view, answers, with_frame=self._frame_sent != self._frame_number, refused=refused)

    def _post(self, view: View, answers: Answer | None, *, with_frame: bool, refused: str | None = None) -> None:
        head, buffers = pack(view, self._frame_number, with_frame=with_frame, answers=answers, refused=refused)
        self.send(head, buffers)
        self._frame_sent = self._frame_number


def _fitted(session: Session, frame: Frame) -> View:
    return view(session, frame, *solve(session, grid=frame.along))


def _fitted_or_fault(session: Session, frame: Frame) -> View:
    """The user's model may fail at any time: its sentence then stands where the picture was."""
    try:
        return _fitted(session, frame)
    except ModelError as error:
        return View(session, frame, None, None, str(error))


def _commands(session: Session, trait: str, value: Any) -> Sequence[Command]:
    """The commands that make a trait what was assigned to it."""
    match trait:
        case "p0":
            return [SetStart(name, number) for name, number in _named(session, value).items()]
        case "bounds":
            none = dict.fromkeys(session.names)
            pairs = named_bounds(session.names, none if value is None else value).items()
            return [step for name, pair in pairs for step in set_bounds(session, name, pair)]
        case "fixed":
            return fix_commands(session, value)
        case "excluded":
            return [exclude_command(session, value)]
        case _:
            return [SetDevice(value)]


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


def _answer_beside_cells(widget: FitWidget) -> None:
    """Let a comm be answered on the shell that it came by.

    ipykernel 7.4 would answer on the shell that last published, so that after "Run all" a drag waits for the
    running cell. The hook is private to it, and elsewhere not there.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        setattr(comm, "_reply_subshell_for", lambda _data, default: default)  # noqa: B010  (private: no type knows it)

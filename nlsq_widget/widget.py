"""FitWidget: the session behind a lock, and messages. The only file that knows anywidget and comms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from nlsq_widget.begin import begin, set_bounds
from nlsq_widget.beside import Alive, Beside, answer_beside_cells
from nlsq_widget.device import devices
from nlsq_widget.files import file
from nlsq_widget.history import begun
from nlsq_widget.model import ModelError
from nlsq_widget.reduction import Window
from nlsq_widget.result import Result
from nlsq_widget.saved import load, read, save
from nlsq_widget.session import Command, Session, SetRole, SetStart, SetTie
from nlsq_widget.traits import SETTABLE, ByName, Choice, Chosen, Expressions, commands
from nlsq_widget.view import Frame, Intervals, View, same_points, view
from nlsq_widget.wire import Answer, Asked, answer_to, asked, pack, pack_detail, pack_file, taken, window
from nlsq_widget.work import Shown, Work

_STATIC = Path(__file__).parent / "static"
_LONG_MS = 150  # what takes longer is not waited for
_SLICED_MS = 500  # a fit that takes longer is worth a program that takes its steps in slices
_PAGES_AT_MOST = 8  # that are told what their window of many points shows


class FitWidget(anywidget.AnyWidget):
    """A curve fitted to data, with a track for each parameter: drag a start value or a bound and it fits again.

    `model` is a function `f(x, a, b, ...)` written with jax.numpy; x and y are [points]; sigma, the standard
    errors of y, is [points]; with `data`, a DataFrame, a dict of arrays or the like, they are names of its columns,
    and of the axes. `p0` and `bounds` go by name or by order: `{"a": 1.0}`, `{"a": (0, None)}`.
    A start value left out is the default in the model's signature, else the middle of its bounds, else 1.

    All that a finger can do, Python can: `w.p0["a"] = 3`, `w.bounds["a"] = (0, 5)`, `w.fixed.add("a")`,
    `w.following.add("a")`, `w.ties["b"] = "1.5 * a"`, `w.excluded = [4]`, `w.x_range = (0, 5)`, `w.device = "cpu:1"`,
    `w.loss = "cauchy"`, `w.live = "release"`, `w.level = 0.68`; each can be observed. `w.result` is the fit on the
    screen. `w.fit()` fits now, `w.take()` starts from the fitted values, `w.guess()` looks for better start values,
    `w.undo()`, `w.redo()` and `w.reset()` go through what was done. `w.save("fit.json")` keeps it all, and
    `FitWidget.load("fit.json", model)` brings it back.
    Raises ValueError, in one sentence, for what cannot be fitted; nothing is changed then.

    >>> import jax.numpy as jnp
    >>> w = FitWidget(lambda x, a, b: a * x + b, [0, 1, 2, 3], [1.1, 2.9, 5.2, 6.8])
    >>> w.fixed.add("b"); w.p0["b"] = 1.0
    >>> round(w.result["a"], 6)
    1.978571
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    p0: Any = Choice(help="Start value of each parameter.")
    bounds: Any = Choice(help="Lower and upper bound of each parameter, infinite where there is none.")
    fixed: Any = Choice(help="Names of the parameters that stay at their start value.")
    following: Any = Choice(help="Names of the parameters whose start value goes along when another is moved.")
    ties: Any = Choice(help="Expressions of the parameters that are computed from others.")
    excluded: Any = Choice(help="Indices of the points that do not count.")
    x_range: Any = Choice(help="Range of x outside of which points do not count.")
    loss: Any = Choice(help="Loss by which residuals are weighed.")
    loss_scale: Any = Choice(help="Residual, in units of sigma, from which on the loss departs from the square.")
    live: Any = Choice(help="When the page fits: with each move, when the finger lifts, or when asked.")
    level: Any = Choice(help="Confidence of the band that is drawn; None for no band.")
    device: Any = Choice(help="Name of the device that fits.")
    devices = traitlets.Tuple(read_only=True, help="Names of the devices that JAX sees.")
    result: Any = traitlets.Instance(Result, allow_none=True, read_only=True, help="The fit; None while it fails.")

    def __init__(
        self,
        model: Callable[..., Any] | str | Session,
        x: ArrayLike = (),
        y: ArrayLike = (),
        sigma: ArrayLike | None = None,
        p0: Mapping[str, float] | Sequence[float] | ArrayLike | None = None,
        bounds: Any = None,
        *,
        fixed: Iterable[str] = (),
        ties: Mapping[str, str] | None = None,
        excluded: Iterable[int] = (),
        x_range: Any = None,
        absolute_sigma: bool = False,
        loss: str = "linear",
        loss_scale: float = 1.0,
        device: Any = None,
        data: Any = None,
        x_label: str | None = None,
        y_label: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._beside = Beside()  # first: what could not be begun is closed as well
        session = begin(
            model,
            x,
            y,
            sigma=sigma,
            p0=p0,
            bounds=bounds,
            fixed=fixed,
            ties=ties,
            excluded=excluded,
            x_range=x_range,
            device=device,
            absolute_sigma=absolute_sigma,
            loss=loss,
            loss_scale=loss_scale,
            data=data,
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
        self._windows: dict[str, Window] = {}  # what each page sees of more points than it can hold
        self._newest: dict[str, int] = {}  # of each page, the number of the newest command carried out
        self._told: dict[str, Any] = {}
        self._history = begun(session)
        self._suspects: np.ndarray | None = None  # points that somebody asked to be suspected
        self._intervals: Intervals | None = None  # that somebody asked for
        self._view = self._drawn = view(session, self._frame)
        took = self._drawn.result.milliseconds if self._drawn.result is not None else 0.0
        # Of the last two fits: one alone may have waited for the machine. Seconds, it did not wait.
        self._took = (took if took > 1000 else 0.0, took)
        super().__init__(**kwargs)
        self._tell()
        self.on_msg(self._receive)
        answer_beside_cells(self.comm)

    @property
    def view(self) -> View:
        """What the screen shows, to be drawn elsewhere: `nlsq_widget.figure.draw(w.view).savefig("fit.svg")`."""
        return self._view

    def save(self, path: str | Path) -> None:
        """Write the data and every choice to a file of JSON, from which `load` makes this widget again."""
        Path(path).write_text(save(self._session), encoding="utf-8")

    @classmethod
    def load(
        cls,
        path: str | Path,
        model: Callable[..., Any],
        *,
        jac: Callable[..., Any] | None = None,
        device: Any = None,
        **kwargs: Any,
    ) -> Self:
        """The widget that was saved, of this model; see `nlsq_widget.load`. No code is taken from the file."""
        return cls(load(read(path), model, jac=jac, device=device), **kwargs)

    def do(self, *commands: Command) -> None:
        """Carry out commands in order, all or none. Raises ValueError when one is refused or the model fails."""
        self._carry_out(Asked(commands))

    def fit(self) -> Result:
        """Fit now, whatever `live` says."""
        self._carry_out(Asked(step="fit"))
        return self.result

    def take(self, *names: str) -> None:
        """Start from the fitted values of these parameters, or of all."""
        self._carry_out(Asked(taken(self._view, names)))

    def guess(self) -> None:
        """Look for better start values, from many starts. Raises ValueError when there are none; see `guess.guess`."""
        self._carry_out(Asked(step="guess"))

    def cancel(self) -> None:
        """Break off what runs beside, if anything does; what it was to replace stays."""
        self._carry_out(Asked(step="cancel"))

    def undo(self) -> None:
        """Go back before the last change. Raises ValueError when there is none."""
        self._carry_out(Asked(step="undo"))

    def redo(self) -> None:
        """Undo the undoing. Raises ValueError when nothing was undone."""
        self._carry_out(Asked(step="redo"))

    def reset(self) -> None:
        """Go back to the beginning; this can be undone as well."""
        self._carry_out(Asked(step="reset"))

    def suggest_outliers(self) -> list[int]:
        """The points that a robust fit suspects to be outliers; they are marked on the screen, and none is taken out.

        See `nlsq_widget.outliers`. To take them out: `w.excluded = {*w.excluded, *w.suggest_outliers()}`.
        """
        self._carry_out(Asked(step="suggest"))
        suspects = self._view.suggested
        return [] if suspects is None else suspects.tolist()

    def profile(self) -> dict[str, tuple[float, float]]:
        """Where each parameter lies, by the profile of chi2, at the level of the band (95 % where there is none).

        See `nlsq_widget.profile_interval`. The screen tells them too, until the fit changes.
        """
        self._carry_out(Asked(step="profile"))
        ends = {} if self._view.intervals is None else self._view.intervals.ends.tolist()
        return {name: (lower, upper) for name, (lower, upper) in zip(self._session.names, ends, strict=True)}

    def close(self) -> None:
        """Take the widget off all pages; what it was doing ends."""
        self._beside.cancel()
        super().close()

    @property
    def _session(self) -> Session:
        return self._history.now

    def _carry_out(self, asked: Asked) -> None:
        with self._lock:
            self._change(asked)
            self._send_view(None)
            if self._view.result is None and self._view.fault is not None:
                raise ModelError(self._view.fault)

    def _change(self, asked: Asked, *, beside: bool = False) -> None:
        """The one place where the session moves on. `beside`: what takes long shall not be waited for."""
        if asked.step == "dismiss":  # what is suspected is no choice of the user, and so no step to undo
            self._suspects = None
            self._show(self._view)
            return
        work = Work.of(asked, self._history, self._view, self._drawn)
        later = beside and work.fits > _LONG_MS / max(min(self._took), 1e-9)
        shown = work.at_once() if later else work.done()
        self._beside.cancel()
        self._become(shown)
        if later:
            self._beside.put(partial(self._work, work))

    def _become(self, shown: Shown) -> None:
        if shown.view.frame is not self._frame:
            self._frame = shown.view.frame
            self._frame_number += 1
        if shown.suspects is not None or not same_points(self._session, shown.history.now):
            self._suspects = shown.suspects
        self._intervals = shown.intervals or self._intervals
        self._history = shown.history
        self._show(shown.view)

    def _show(self, drawn: View) -> None:
        """This is now on the screen, and told to whoever observes."""
        history = self._history
        intervals = self._intervals if self._intervals is not None and self._intervals.serve(drawn) else None
        found = {"suggested": self._suspects, "intervals": intervals}
        self._view = replace(drawn, can_undo=history.can_undo, can_redo=history.can_redo, **found)
        if self._view.fault is None:
            self._drawn = self._view
        if self._view.result is not None and self._view.result is not self.result:
            self._took = (self._took[1], self._view.result.milliseconds)
        self._tell()

    def _work(self, work: Work, alive: Alive) -> None:
        """What takes long, on a thread of its own."""

        def look() -> None:
            if not alive():
                raise _NotWanted

        def show(shown: Shown) -> None:
            with self._lock:
                if alive():
                    self._become(shown)
                    self._send_view(None, shown.refused)
                elif (late := shown.late(self._view)) is not None:
                    self._show(late)
                    self._send_view(None)
            look()

        with suppress(_NotWanted):
            work.run(show, look, sliced=min(self._took) > _SLICED_MS)

    def _tell(self) -> None:
        """Bring the traits up to the session, for whoever observes them."""
        session = self._session
        bounds = dict(zip(session.names, zip(session.lower, session.upper, strict=True), strict=True))
        self._told = {
            "p0": ByName(dict(zip(session.names, session.p0, strict=True)), self._put_start),
            "bounds": ByName(bounds, self._put_bounds),
            "fixed": Chosen(session.fixed, self._put_fixed),
            "following": Chosen(session.following, self._put_following),
            "ties": Expressions(dict(session.model.ties.texts), self._put_tie),
            "excluded": tuple(sorted(session.excluded)),
            "x_range": session.x_range,
            "device": session.device,
            "loss": session.loss,
            "loss_scale": session.loss_scale,
            "live": session.live,
            "level": session.level,
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
        self.do(SetRole(name, "fixed" if fixed else "free"))
        return self.fixed

    def _put_following(self, name: str, following: bool) -> Iterable[str]:
        self.do(SetRole(name, "following" if following else "free"))
        return self.following

    def _put_tie(self, name: str, text: str | None) -> Mapping[str, str]:
        self.do(SetTie(name, text))
        return self.ties

    @traitlets.validate(*SETTABLE)
    def _set_from_python(self, proposal: traitlets.Bunch) -> Any:
        """Assigning to a trait is a command too; the session then says what the trait holds."""
        with self._lock:
            name = proposal.trait.name
            if proposal.value is self._told[name]:
                return proposal.value
            self.do(*commands(self._session, name, proposal.value))
            return getattr(self, name)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A message of a page, on another thread than cells; answered by exactly one view, a window by its detail."""
        with self._lock:
            answers = answer_to(content)
            if content.get("type") == "hello":
                self._greet(answers)
                return
            if content.get("type") == "window":
                self._look(answers, content.get("window"))
                return
            if content.get("type") == "file":
                self._hand(answers, content.get("kind"))
                return
            self._send_view(answers, refused=self._obey(answers, content))

    def _hand(self, answers: Answer, kind: Any) -> None:
        """A file for a page, or a sentence."""
        try:
            self.send(*pack_file(answers, file(self._view, kind)))
        except ValueError as error:
            self.send(*pack_file(answers, str(error)))

    def _look(self, answers: Answer, content: Any) -> None:
        """What the window of a page shows; from now on with each view, until the page looks at none."""
        try:
            seen = None if content is None or self._frame.columns is None else window(content)
        except ValueError as error:
            self._send_view(answers, refused=str(error))
            return
        self._windows.pop(answers.page, None)
        if seen is not None:
            # A page that was closed may not have said so.
            self._windows = dict([*self._windows.items(), (answers.page, seen)][-_PAGES_AT_MOST:])
            self.send(*pack_detail(self._view, answers.page, seen, all_=True))

    def _obey(self, answers: Answer, content: Any) -> str | None:
        """Why a command of a page was refused; None when it was carried out.

        A command may be held up behind a running cell while newer ones overtake it; it is then too old.
        """
        if answers.seq <= self._newest.get(answers.page, 0):
            return "A newer change overtook this one."
        self._newest[answers.page] = answers.seq
        try:
            self._change(asked(content, self._view), beside=True)
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
        for page, seen in self._windows.items():
            self.send(*pack_detail(view, page, seen, all_=False))


class _NotWanted(Exception):  # noqa: N818  (no error: something newer was asked for)
    """What runs beside shall end."""

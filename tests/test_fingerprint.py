"""An edited model is a new model, wherever the edit was; the same model is found again."""

import contextvars
import dataclasses
import functools
import time
import types
from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import fit
from nlsq_widget.fingerprint import fingerprint

X = np.linspace(1, 2, 9)
GAIN = 1.0


class Space:
    """A class used as a namespace."""

    k = 1.0


class Instrument:
    """Attributes, a property that reads a global, and a class attribute."""

    unit = 1.0

    def __init__(self):
        self.u, self.v, self.w, self.k = 0.0, 0.0, 0.0, 1.0

    @property
    def gain(self):
        return GAIN

    def __call__(self, x, a):
        return a * self.k * self.unit * self.gain * x


@dataclasses.dataclass(slots=True)
class Slots:
    """No __dict__."""

    k: float = 1.0


def make(kind):
    """A model that is a*k*x, and what sets the k that it reads."""
    if kind == "instance":
        instrument = Instrument()
        return instrument, lambda k: setattr(instrument, "k", k)
    if kind == "class attribute":
        return Instrument(), lambda k: setattr(Instrument, "unit", k)
    if kind == "property of a global":
        return Instrument(), lambda k: globals().update(GAIN=k)
    if kind == "namespace":
        return lambda x, a: a * Space.k * x, lambda k: setattr(Space, "k", k)
    if kind == "slots":
        slots = Slots()
        return lambda x, a: a * slots.k * x, lambda k: setattr(slots, "k", k)
    if kind == "deque":
        row = deque([1.0])
        return lambda x, a: a * row[0] * x, lambda k: row.__setitem__(0, k)
    if kind == "long list":
        long = [1.0] * 5000
        return lambda x, a: a * long[7] * x, lambda k: long.__setitem__(7, k)
    if kind == "module of a module":
        module = types.ModuleType("mine")
        module.__dict__["sub"] = sub = types.ModuleType("mine.sub")
        sub.__dict__["k"] = 1.0
        return lambda x, a: a * module.sub.k * x, lambda k: sub.__dict__.update(k=k)
    if kind == "getattr":
        module = types.ModuleType("mine")
        module.__dict__["k"] = 1.0
        return lambda x, a: a * getattr(module, "k") * x, lambda k: module.__dict__.update(k=k)  # noqa: B009 - a word
    if kind == "globals()":
        return lambda x, a: a * globals()["GAIN"] * x, lambda k: globals().update(GAIN=k)
    if kind == "context variable":
        variable = contextvars.ContextVar("k", default=1.0)
        return lambda x, a: a * variable.get() * x, variable.set
    if kind == "partial":
        settings = {"k": 1.0}
        return functools.partial(lambda s, x, a: a * s["k"] * x, settings), lambda k: settings.update(k=k)
    if kind == "jitted helper":
        helper = jax.jit(lambda z: z * GAIN)
        return lambda x, a: helper(a * x), lambda k: globals().update(GAIN=k)
    custom = jax.custom_jvp(lambda z: z * GAIN)
    custom.defjvp(lambda z, t: (custom(*z), t[0] * GAIN))
    return lambda x, a: custom(a * x), lambda k: globals().update(GAIN=k)


KINDS = """instance;class attribute;property of a global;namespace;slots;deque;long list;module of a module;partial
getattr;globals();context variable;jitted helper;custom derivative""".replace("\n", ";").split(";")


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_anywhere_is_a_new_model(kind, compiled):
    model, change = make(kind)
    try:
        assert fit(model, X, 6 * X)["a"] == pytest.approx(6)
        assert fit(model, X, 6 * X)["a"] == pytest.approx(6)
        assert compiled() == 1
        change(2.0)
        assert fit(model, X, 6 * X)["a"] == pytest.approx(3)
    finally:
        change(1.0)


def test_a_model_that_counts_its_calls_is_compiled_once(compiled):
    class Counting:
        calls = 0

        def __call__(self, x, a):
            self.calls += 1
            return a * x

    model = Counting()
    for _ in range(4):
        fit(model, X, X)
    assert compiled() == 1


def test_a_global_named_like_an_attribute_is_not_read():
    space = {"jnp": jnp, "exp": 1}
    exec("def model(x, a): return a * jnp.exp(x)", space)
    before = fingerprint(space["model"])
    space["exp"] = 2
    assert fingerprint(space["model"]) == before


def test_anything_may_stand_in_a_closure():
    nest: list = []
    for _ in range(3000):
        nest = [nest]
    ring: list = []
    ring.append(ring)
    strange = (np.array(["2020-01-01"], "datetime64[D]"), nest, ring, jnp.ones(2, jnp.bfloat16), open, time.time)
    assert fit(lambda x, a: a * x * (1 + 0 * len(strange)), X, 2 * X)["a"] == pytest.approx(2)


def test_a_jitted_helper_costs_little_and_a_list_in_its_partial_is_read():
    gains = [2.0]

    def scaled(gains, x, a):
        return gains[0] * a * x

    helper = jax.jit(functools.partial(scaled, gains))

    def model(x, a):
        return helper(x, a)

    before = fingerprint(model)
    assert len(before) < 40
    assert fingerprint(model) == before
    gains[0] = 3.0
    assert fingerprint(model) != before

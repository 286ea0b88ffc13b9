"""The nonlinear regression problems of NIST's StRD, with their certified values.

Each formula is written out by hand from NIST's text, once, with jax.numpy; the parameters keep NIST's names.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

Model = Callable[..., jax.Array]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Problem:
    """One data set, its model and what NIST certifies; numbers have 11 certified digits."""

    name: str
    difficulty: str  # "lower", "average" or "higher"
    formula: str  # as NIST prints it
    model: Model  # model(x, *parameters)
    names: tuple[str, ...]
    start_1: Floats  # far from the solution
    start_2: Floats  # near it
    certified: Floats
    certified_sd: Floats
    rss: float  # residual sum of squares at the certified values
    residual_sd: float
    x: Floats  # [n], or [2, n] for the two predictors of Nelson
    y: Floats  # [n]; for Nelson the logarithm of what was measured, as its formula says

    @property
    def dof(self) -> int:
        """Degrees of freedom: observations less parameters."""
        return self.y.size - len(self.names)


def misra1a(x, b1, b2):
    return b1 * (1 - jnp.exp(-b2 * x))


def misra1b(x, b1, b2):
    return b1 * (1 - (1 + b2 * x / 2) ** -2)


def misra1c(x, b1, b2):
    return b1 * (1 - (1 + 2 * b2 * x) ** -0.5)


def misra1d(x, b1, b2):
    return b1 * b2 * x * (1 + b2 * x) ** -1


def chwirut(x, b1, b2, b3):
    return jnp.exp(-b1 * x) / (b2 + b3 * x)


def lanczos(x, b1, b2, b3, b4, b5, b6):
    return b1 * jnp.exp(-b2 * x) + b3 * jnp.exp(-b4 * x) + b5 * jnp.exp(-b6 * x)


def gauss(x, b1, b2, b3, b4, b5, b6, b7, b8):
    first = b3 * jnp.exp(-((x - b4) ** 2) / b5**2)
    second = b6 * jnp.exp(-((x - b7) ** 2) / b8**2)
    return b1 * jnp.exp(-b2 * x) + first + second


def danwood(x, b1, b2):
    return b1 * x**b2


def kirby2(x, b1, b2, b3, b4, b5):
    return (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2)


def cubic_over_cubic(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def nelson(x, b1, b2, b3):
    return b1 - b2 * x[0] * jnp.exp(-b3 * x[1])


def mgh17(x, b1, b2, b3, b4, b5):
    return b1 + b2 * jnp.exp(-x * b4) + b3 * jnp.exp(-x * b5)


def roszman1(x, b1, b2, b3, b4):
    return b1 - b2 * x - jnp.arctan(b3 / (x - b4)) / jnp.pi


def enso(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    def wave(period, cosine, sine):
        phase = 2 * jnp.pi * x / period
        return cosine * jnp.cos(phase) + sine * jnp.sin(phase)

    return b1 + wave(12, b2, b3) + wave(b4, b5, b6) + wave(b7, b8, b9)


def mgh09(x, b1, b2, b3, b4):
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


def mgh10(x, b1, b2, b3):
    return b1 * jnp.exp(b2 / (x + b3))


def rat42(x, b1, b2, b3):
    return b1 / (1 + jnp.exp(b2 - b3 * x))


def rat43(x, b1, b2, b3, b4):
    return b1 / (1 + jnp.exp(b2 - b3 * x)) ** (1 / b4)


def eckerle4(x, b1, b2, b3):
    return b1 / b2 * jnp.exp(-0.5 * ((x - b3) / b2) ** 2)


def bennett5(x, b1, b2, b3):
    return b1 * (b2 + x) ** (-1 / b3)


MODELS: dict[str, Model] = {
    "Bennett5": bennett5,
    "BoxBOD": misra1a,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": danwood,
    "ENSO": enso,
    "Eckerle4": eckerle4,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubic_over_cubic,
    "Kirby2": kirby2,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Misra1a": misra1a,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Nelson": nelson,
    "Rat42": rat42,
    "Rat43": rat43,
    "Roszman1": roszman1,
    "Thurber": cubic_over_cubic,
}


def load() -> dict[str, Problem]:
    """Every problem by its name, from the easy ones to the difficult."""
    text = (Path(__file__).parent / "data" / "nist.json").read_text()
    return {record["name"]: _problem(record) for record in json.loads(text)["problems"]}


def _problem(record) -> Problem:
    response = record["formula"].partition("=")[0].strip()
    y = np.array(record["y"], dtype=float)
    return Problem(
        name=record["name"],
        difficulty=record["difficulty"],
        formula=record["formula"],
        model=MODELS[record["name"]],
        names=tuple(record["parameters"]),
        start_1=np.array(record["start_1"], dtype=float),
        start_2=np.array(record["start_2"], dtype=float),
        certified=np.array(record["certified"], dtype=float),
        certified_sd=np.array(record["certified_sd"], dtype=float),
        rss=record["rss"],
        residual_sd=record["residual_sd"],
        x=np.array(record["x"], dtype=float),
        y=np.log(y) if response == "log[y]" else y,
    )


PROBLEMS = load()

"""The least-squares test problems of Moré, Garbow and Hillstrom (TOMS 7, 1981), the 53 starts of MINPACK's driver.

Each formula is written out by hand from the article, once, with jax.numpy. Most of them take their points together or
give one formula a point, so none may be padded. `python tests/mgh.py` prints how we and MINPACK's lmder fare.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from nlsq_widget import fit
from nlsq_widget.result import Result

Residuals = Callable[[jax.Array], jax.Array]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Problem:
    """Residuals to be made small, where the driver starts, and the norms of the residuals at what minima are known."""

    name: str
    m: int  # residuals
    start: tuple[float, ...]  # [parameters], the standard one
    at_start: tuple[float, ...]  # |r| that the driver prints at the starts it takes: 1, 10, 100 times the standard one
    minima: tuple[float, ...]  # |r| at the minima that the article and the driver's output list, local ones included
    residuals: Residuals  # parameters [parameters] -> [m]
    at_infinity: tuple[float, ...] = ()  # what |r| falls to where parameters grow without end

    @property
    def n(self) -> int:
        """Parameters."""
        return len(self.start)

    def begin(self, factor: float) -> Floats:
        """The start of this factor; Watson's standard one is zero, which is then replaced by the factor itself."""
        start = np.array(self.start)
        return start * factor if start.any() or factor == 1 else np.full(self.n, float(factor))

    @cached_property
    def model(self) -> Callable[..., jax.Array]:
        """The same residuals as a model of data that are all zero; one object, so that it is compiled once."""
        residuals = self.residuals
        return lambda x, *p: residuals(jnp.stack(p))

    @cached_property
    def numbers(self) -> Callable[[Floats], tuple[Floats, Floats]]:
        """Residuals [m] and their exact Jacobian [m, parameters] in float64, for whoever else minimises them."""
        with jax.enable_x64(True):
            both = jax.jit(lambda p: (self.residuals(p), jax.jacfwd(self.residuals)(p)))
            both = both.lower(jax.ShapeDtypeStruct((self.n,), np.float64)).compile()

        def at(p: Floats) -> tuple[Floats, Floats]:
            with jax.enable_x64(True):
                r, J = both(jnp.asarray(p))
            return np.asarray(r), np.asarray(J)

        return at


def linear(m: int) -> Residuals:
    def residuals(p):
        return jnp.pad(p, (0, m - p.size)) - 2 * jnp.sum(p) / m - 1

    return residuals


def linear_rank_1(m: int) -> Residuals:
    def residuals(p):
        return jnp.arange(1.0, m + 1) * jnp.sum(jnp.arange(1.0, p.size + 1) * p) - 1

    return residuals


def linear_rank_1_with_zeros(m: int) -> Residuals:
    """The first and the last column and the first and the last row are zero."""

    def residuals(p):
        inner = jnp.sum(jnp.arange(2.0, p.size) * p[1:-1])
        return jnp.pad(jnp.arange(0.0, m - 1), (0, 1)) * inner - 1

    return residuals


def rosenbrock(p):
    return jnp.stack([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def helical_valley(p):
    x, y, z = p
    flat = jnp.where(x == 0, 1.0, x)
    turn = jnp.arctan(y / flat) / (2 * jnp.pi) + jnp.where(x < 0, 0.5, 0.0)
    theta = jnp.where(x == 0, jnp.where(y < 0, -0.25, 0.25), turn)
    return jnp.stack([10 * (z - 10 * theta), 10 * (jnp.hypot(x, y) - 1), z])


def powell_singular(p):
    a, b, c, d = p
    return jnp.stack([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def freudenstein_roth(p):
    x, y = p
    return jnp.stack([-13 + x + ((5 - y) * y - 2) * y, -29 + x + ((y + 1) * y - 14) * y])


BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(p):
    u = np.arange(1.0, 16)
    return BARD - (p[0] + u / (p[1] * (16 - u) + p[2] * np.minimum(u, 16 - u)))


KOWALIK_U = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])


def kowalik_osborne(p):
    u = KOWALIK_U
    return KOWALIK - p[0] * (u**2 + u * p[1]) / (u**2 + u * p[2] + p[3])


MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872], dtype=float
)


def meyer(p):
    return p[0] * jnp.exp(p[1] / (45 + 5 * np.arange(1.0, 17) + p[2])) - MEYER


def watson(p):
    t = np.arange(1.0, 30) / 29
    powers = t[:, None] ** np.arange(p.size)  # [29, parameters]
    slopes = np.arange(1.0, p.size) * powers[:, :-1]
    inner = slopes @ p[1:] - (powers @ p) ** 2 - 1
    return jnp.concatenate([inner, jnp.stack([p[0], p[1] - p[0] ** 2 - 1])])


def box(p):
    t = np.arange(1.0, 11) / 10
    return jnp.exp(-t * p[0]) - jnp.exp(-t * p[1]) - p[2] * (np.exp(-t) - np.exp(-10 * t))


def jennrich_sampson(p):
    i = np.arange(1.0, 11)
    return 2 + 2 * i - (jnp.exp(i * p[0]) + jnp.exp(i * p[1]))


def brown_dennis(p):
    t = np.arange(1.0, 21) / 5
    return (p[0] + t * p[1] - np.exp(t)) ** 2 + (p[2] + p[3] * np.sin(t) - np.cos(t)) ** 2


def chebyquad(m: int) -> Residuals:
    """How far the mean of each shifted Chebyshev polynomial over the parameters is from its integral."""

    def residuals(p):
        before, here, means = jnp.ones_like(p), 2 * p - 1, []
        for _ in range(m):
            means.append(jnp.mean(here))
            before, here = here, 2 * (2 * p - 1) * here - before
        i = np.arange(1.0, m + 1)
        return jnp.stack(means) + np.where(i % 2 == 0, 1 / np.maximum(i**2 - 1, 1), 0.0)

    return residuals


def brown_almost_linear(p):
    return jnp.concatenate([p[:-1] + jnp.sum(p) - (p.size + 1), jnp.prod(p)[None] - 1])


OSBORNE_1 = np.array(
    """0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 0.603 0.580
    0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411 0.406""".split(),
    dtype=float,
)


def osborne_1(p):
    t = 10 * np.arange(33.0)
    return OSBORNE_1 - (p[0] + p[1] * jnp.exp(-t * p[3]) + p[2] * jnp.exp(-t * p[4]))


OSBORNE_2 = np.array(
    """1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 0.606 0.602
    0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375
    0.372 0.391 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591
    0.559 0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054""".split(),
    dtype=float,
)


def osborne_2(p):
    t = np.arange(65.0) / 10
    peaks = [p[1 + i] * jnp.exp(-((t - p[8 + i]) ** 2) * p[5 + i]) for i in range(3)]
    return OSBORNE_2 - (p[0] * jnp.exp(-t * p[4]) + peaks[0] + peaks[1] + peaks[2])


def _linear(name: str, at_start: float, minimum_squared: float, residuals: Residuals, m: int) -> Problem:
    return Problem(f"{name} {m}", m, (1.0,) * 5, (at_start,), (minimum_squared**0.5,), residuals)


def _watson(n: int, at_start: tuple[float, ...], minimum: float) -> Problem:
    return Problem(f"Watson {n}", 31, (0.0,) * n, at_start, (minimum,), watson)


def _chebyquad(n: int, m: int, at_start: tuple[float, ...], *minima: float) -> Problem:
    start = tuple(j / (n + 1) for j in range(1, n + 1))
    return Problem(f"Chebyquad {n}", m, start, at_start, minima, chebyquad(m))


def _brown(n: int, *at_start: float) -> Problem:
    return Problem(f"Brown almost linear {n}", n, (0.5,) * n, at_start, (0.0, 1.0), brown_almost_linear)


PROBLEMS = [
    _linear("linear", 5.0, 5, linear(10), 10),
    _linear("linear", 8.0622577, 45, linear(50), 50),
    _linear("linear rank 1", 291.52187, 10 * 9 / 42, linear_rank_1(10), 10),
    _linear("linear rank 1", 3101.6004, 50 * 49 / 202, linear_rank_1(50), 50),
    _linear("linear rank 1 with zeros", 126.03968, 124 / 34, linear_rank_1_with_zeros(10), 10),
    _linear("linear rank 1 with zeros", 1748.9500, 2644 / 194, linear_rank_1_with_zeros(50), 50),
    Problem("Rosenbrock", 2, (-1.2, 1.0), (4.9193496, 1340.0631, 143000.05), (0.0,), rosenbrock),
    Problem("helical valley", 3, (-1.0, 0.0, 0.0), (50.0, 102.95630, 991.26182), (0.0,), helical_valley),
    Problem("Powell singular", 4, (3.0, -1.0, 0.0, 1.0), (14.662878, 1270.9839, 126887.90), (0.0,), powell_singular),
    Problem(
        "Freudenstein-Roth", 2, (0.5, -2.0), (20.012496, 12432.834, 11426455.0), (0.0, 6.9988752), freudenstein_roth
    ),
    Problem("Bard", 15, (1.0, 1.0, 1.0), (6.4561363, 36.141853, 384.11468), (0.090635960,), bard, (4.1747687,)),
    Problem(
        "Kowalik-Osborne",
        11,
        (0.25, 0.39, 0.415, 0.39),
        (0.072891510, 2.9793701, 29.959062),
        (0.017535838,),
        kowalik_osborne,
        (0.032052193,),
    ),
    Problem("Meyer", 16, (0.02, 4000.0, 250.0), (41153.467, 4168216.9), (9.3779451,), meyer),
    _watson(6, (5.4772256, 6433.1258, 674256.04), 0.047829594),
    _watson(9, (5.4772256, 12088.127, 1269109.3), 1.1831146e-3),
    _watson(12, (5.4772256, 19220.759, 2018918.0), 2.1731040e-5),
    Problem("Box 3D", 10, (0.0, 10.0, 20.0), (32.111584,), (0.0,), box),
    Problem("Jennrich-Sampson", 10, (0.3, 0.4), (64.585650,), (11.151779,), jennrich_sampson),
    Problem(
        "Brown-Dennis", 20, (25.0, 5.0, -5.0, -1.0), (2815.4384, 555073.35, 61211252.0), (292.95427,), brown_dennis
    ),
    _chebyquad(1, 8, (1.8862380, 5.3833444e9, 1.1808873e18), 1.8862380, 1.8842482),
    _chebyquad(8, 8, (0.19651386,), 0.059303236),
    _chebyquad(9, 9, (0.16994993,), 0.0),
    _chebyquad(10, 10, (0.18374783,), 0.080647100),
    _brown(10, 16.530216, 9765624.0, 9.7656250e16),
    _brown(30, 83.476044),
    _brown(40, 128.02636),
    Problem("Osborne 1", 33, (0.5, 1.5, -1.0, 0.01, 0.02), (0.93756402,), (7.3924926e-3,), osborne_1),
    Problem(
        "Osborne 2",
        65,
        (1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5),
        (1.4468654,),
        (0.20034404,),
        osborne_2,
    ),
]


@dataclass(frozen=True)
class Case:
    """One problem from one start."""

    problem: Problem
    factor: int

    def __str__(self) -> str:
        return f"{self.problem.name} x{self.factor:g}"


CASES = [Case(problem, 10**k) for problem in PROBLEMS for k in range(len(problem.at_start))]


@dataclass(frozen=True)
class Found:
    """Where MINPACK ended."""

    p: Floats  # [parameters]
    norm: float  # |r|
    info: int  # 1 to 4: converged
    nfev: int


@cache
def ours(case: Case) -> Result:
    """Our fit at default settings."""
    problem = case.problem
    return fit(problem.model, np.arange(float(problem.m)), np.zeros(problem.m), p0=problem.begin(case.factor))


def norm_at(problem: Problem, p: Floats) -> float:
    """|r|, computed apart from any solver."""
    return float(np.linalg.norm(problem.numbers(p)[0]))


@cache
def lmder(case: Case) -> Found:
    """MINPACK's lmder with exact derivatives, at default tolerances and at tight ones; the lower of the two."""
    return min(
        (lmder_from(case.problem, case.problem.begin(case.factor), tolerance) for tolerance in (1e-8, 1e-15)),
        key=lambda found: found.norm,
    )


def lmder_from(problem: Problem, start: Floats, tolerance: float) -> Found:
    """MINPACK's lmder from anywhere."""
    with np.errstate(all="ignore"):
        p, _, info, _, code = cast(
            tuple[Floats, Any, dict[str, Any], str, int],
            scipy.optimize.leastsq(
                lambda p: problem.numbers(p)[0],
                start,
                Dfun=lambda p: problem.numbers(p)[1],
                full_output=True,
                ftol=tolerance,
                xtol=tolerance,
                gtol=tolerance,
                maxfev=5000,
            ),
        )
    return Found(p, norm_at(problem, p), code, info["nfev"])


def slope(problem: Problem, p: Floats) -> float:
    """The greatest cosine between the residuals and a column of the Jacobian; 0 at a stationary point."""
    r, J = problem.numbers(p)
    sizes = np.linalg.norm(J, axis=0) * np.linalg.norm(r)
    return float(np.max(np.abs(J.T @ r) / np.where(sizes > 0, sizes, 1.0)))


def table() -> Iterator[str]:
    """How both fare, a line a start."""
    yield f"{'':<30}{'our |r|':>15}{'status':>12}{'steps':>7}{'slope':>9}  {'lmder |r|':>15}{'info':>5}{'nfev':>6}"
    for case in CASES:
        try:
            r = ours(case)
            mine = f"{norm_at(case.problem, r.popt):>15.8g}{r.status.name:>12}{r.steps:>7}"
            mine += f"{slope(case.problem, r.popt):>9.1e}"
        except ValueError as error:
            mine = f"{type(error).__name__}: {error}"
        theirs = lmder(case)
        yield f"{case!s:<30}{mine:<43}  {theirs.norm:>15.8g}{theirs.info:>5}{theirs.nfev:>6}"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)

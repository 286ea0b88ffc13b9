"""What is fitted: a model twice, for JAX and for NumPy, seeded data and one p0 for all contestants."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Task:
    """One fit."""

    jax_model: Callable[..., Any]  # model(x, *parameters)
    numpy_model: Callable[..., Any]
    x: np.ndarray  # [points]
    y: np.ndarray  # [points]
    p0: np.ndarray  # [parameters]
    bounds: tuple[np.ndarray, np.ndarray] | None = None  # lower and upper [parameters]; not active at the minimum


def decay(x, a, b, c):
    """An exponential decay onto a constant."""
    return a * jnp.exp(-b * x) + c


def decay_numpy(x, a, b, c):
    """The same with NumPy."""
    return a * np.exp(-b * x) + c


def peaks(x, *p):
    """A sum of Gaussians; height, centre and width of each."""
    return sum(p[i] * jnp.exp(-(((x - p[i + 1]) / p[i + 2]) ** 2)) for i in range(0, len(p), 3))


def peaks_numpy(x, *p):
    """The same with NumPy."""
    return sum(p[i] * np.exp(-(((x - p[i + 1]) / p[i + 2]) ** 2)) for i in range(0, len(p), 3))


def decay_task(points: int, seed: int = 0) -> Task:
    """A decay with noise: three parameters."""
    x = np.linspace(0, 4, points)
    y = decay_numpy(x, 2.5, 1.3, 0.5) + 0.05 * np.random.default_rng(seed).normal(size=points)
    return Task(decay, decay_numpy, x, y, np.ones(3), (np.zeros(3), np.full(3, 10.0)))


def decays(fits: int, points: int) -> tuple[Task, np.ndarray]:
    """The first of many decays that share x and p0, and the y of all, [fits, points]."""
    first, noise = decay_task(points), np.random.default_rng(1)
    amplitudes, rates = noise.uniform(2, 3, (fits, 1)), noise.uniform(1, 1.6, (fits, 1))
    return first, decay_numpy(first.x, amplitudes, rates, 0.5) + 0.05 * noise.normal(size=(fits, points))


def peaks_task(count: int, points: int) -> Task:
    """A sum of Gaussians that overlap at their feet: three parameters each."""
    noise = np.random.default_rng(count)
    true = np.array([[1 + 0.5 * (i % 2), 3.0 * i + 2, 1 + 0.1 * i] for i in range(count)])
    p0 = true * (1 + 0.1 * noise.uniform(-1, 1, true.shape))
    x = np.linspace(0, 3 * count + 1, points)
    y = peaks_numpy(x, *true.ravel()) + 0.02 * noise.normal(size=points)
    size = true.size
    return Task(peaks, peaks_numpy, x, y, p0.ravel(), (np.zeros(size), np.full(size, 30.0)))

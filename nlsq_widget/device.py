"""Where a fit runs and how precisely. The only file that touches JAX's configuration, and only for our own calls."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax


@dataclass(frozen=True)
class Device:
    """A device by the name that the user sees."""

    name: str  # "cpu:0", "gpu:1"
    label: str  # the name, and the model of the chip where it says more
    jax: Any  # jax.Device


def devices() -> tuple[Device, ...]:
    """Every device of this process, JAX's default first.

    >>> devices()[0].name in {"cpu:0", "gpu:0", "cuda:0", "rocm:0", "tpu:0"}
    True
    """
    found = list(jax.local_devices())
    if found[0].platform != "cpu":
        found += jax.local_devices(backend="cpu")
    return tuple(_named(device) for device in found)


def device(wanted: Any = None) -> Device:
    """The device that a name or a `jax.Device` means, by default JAX's. Raises ValueError with the names known."""
    known = devices()
    if wanted is None:
        default = getattr(jax.config, "jax_default_device", None)
        wanted = default if isinstance(default, jax.Device) else known[0].jax
    for candidate in known:
        if candidate.jax == wanted or candidate.name == wanted:
            return candidate
    names = ", ".join(candidate.name for candidate in known)
    raise ValueError(f"There is no device {str(wanted)!r} here; choose one of: {names}.")


def _named(found: Any) -> Device:
    name = f"{found.platform}:{found.id}"
    kind = found.device_kind
    return Device(name, name if kind.lower() == found.platform else f"{name} · {kind}", found)


@contextmanager
def scope(where: Device) -> Generator[None]:
    """Our own calls: on this device, in float64. Thread-local, and gone afterwards.

    A trial step may well be nan, and is rejected: no slip for `jax_debug_nans` to stop at. A program that is
    compiled cannot be run without compiling.
    """
    with (
        jax.enable_x64(True),
        jax.default_device(where.jax),
        jax.debug_nans(False),
        jax.debug_infs(False),
        jax.disable_jit(False),
    ):
        yield

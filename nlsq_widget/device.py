"""Where a fit runs and how precisely. The only file that touches JAX's configuration, and only for our own calls."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
from jax._src import config  # what it knows of one thread has no public name
from jax.core import Tracer


@dataclass(frozen=True)
class Device:
    """A device by the name that the user sees."""

    name: str  # "cpu:0", "gpu:1"
    label: str  # the name, and the model of the chip where it says more
    jax: Any  # jax.Device

    @property
    def host(self) -> bool:
        """Whether NumPy reads its memory as it is, so that nothing is gained by staying there."""
        return self.jax.platform == "cpu"


def devices() -> tuple[Device, ...]:
    """Every device of this process, JAX's default first.

    >>> devices()[0].name in {"cpu:0", "gpu:0", "cuda:0", "rocm:0", "tpu:0"}
    True
    """
    found = list(jax.local_devices())
    if found[0].platform != "cpu":
        found += jax.local_devices(backend="cpu")
    return tuple(_named(device) for device in found)


def device(wanted: Any = None, *given: Any) -> Device:
    """The device that a name or a `jax.Device` means; by default the one on which `given` arrays were put, or JAX's.

    Raises ValueError with the names known, and where arrays were put on several.
    """
    wanted = _chosen(given) if wanted is None else wanted
    if isinstance(wanted, Device):
        return wanted
    known = devices()
    if wanted is None:
        default = getattr(jax.config, "jax_default_device", None)
        wanted = default if isinstance(default, jax.Device) else known[0].jax
    for candidate in known:
        if candidate.jax == wanted or candidate.name == wanted:
            return candidate
    names = ", ".join(candidate.name for candidate in known)
    raise ValueError(f"There is no device {str(wanted)!r} here; choose one of: {names}.")


def home(given: Any) -> Device | None:
    """The one device on which a JAX array lives; None for any other thing, and for an array that cannot be used."""
    if not isinstance(given, jax.Array) or isinstance(given, Tracer) or given.is_deleted():
        return None
    found = given.devices()
    return _named(*found) if len(found) == 1 and given.is_fully_addressable else None


def _chosen(given: tuple[Any, ...]) -> Device | None:
    """Where the arrays are that somebody put on a device; JAX's default device is nobody's choice."""
    there = [array for array in given if isinstance(array, jax.Array)]
    found = {where.name: where for array in there if (where := home(array)) is not None and array.committed}
    if len(found) > 1:
        raise ValueError(
            f"The data are on {' and '.join(sorted(found))}; put them on one, or say by device= where to fit."
        )
    return next(iter(found.values()), None)


@lru_cache
def _named(found: Any) -> Device:
    name = f"{found.platform}:{found.id}"
    kind = found.device_kind
    return Device(name, name if kind.lower() == found.platform else f"{name} · {kind}", found)


@contextmanager
def scope(where: Device, *, double: bool = True) -> Generator[None]:
    """Our own calls: on this device, in float64, or else in float32. Thread-local, and gone afterwards.

    A trial step may well be nan, and is rejected: no slip for `jax_debug_nans` to stop at. A program that is
    compiled cannot be run without compiling.
    """
    with jax.enable_x64(double), jax.default_device(where.jax), _undisturbed():
        yield


def _undisturbed() -> AbstractContextManager[Any]:
    """What somebody has set to find slips of his own does not hold; to look at each costs less than to set it."""
    states: Any = jax.config
    guards = (
        states.jax_transfer_guard_host_to_device,
        states.jax_transfer_guard_device_to_device,
        states.jax_transfer_guard_device_to_host,
    )
    if not (states.jax_debug_nans or states.jax_debug_infs or states.jax_disable_jit or any(guards)):
        return nullcontext()
    found = ExitStack()
    for ours in (jax.debug_nans(False), jax.debug_infs(False), jax.disable_jit(False), jax.transfer_guard("allow")):
        found.enter_context(ours)
    return found


def compilation_cache() -> tuple[str | None, bool]:
    """The directory in which the user lets JAX keep compiled programs, and whether any may be kept at all."""
    return getattr(jax.config, "jax_compilation_cache_dir", None), getattr(
        jax.config, "jax_enable_compilation_cache", True
    )


def tracing() -> str | None:
    """All settings of JAX, and of this thread, that change what it traces; None where it does not tell."""
    told = getattr(config, "trace_context", None)
    return None if told is None else re.sub(r" at 0x[0-9a-f]+", "", repr(told()))


def small_programs_kept() -> AbstractContextManager[None]:
    """Our own calls: JAX keeps programs that took less than a second to compile as well. Thread-local."""
    threshold = getattr(config, "persistent_cache_min_compile_time_secs", None)
    return nullcontext() if threshold is None else threshold(0.0)


def cores() -> int:
    """How many cores of the processor this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

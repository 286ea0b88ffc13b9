"""The strictest JAX, and two devices, for every test."""

import os

# Before JAX is imported: two devices on a machine that has one.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2".strip()
# A test that compiles must not find the program on disk.
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
os.environ["NLSQ_DISABLE_PERSISTENT_CACHE"] = "1"

import hypothesis
import jax
import pytest

from nlsq_widget.program import PROGRAMS

# The same examples at each run: what fails, fails for everybody.
hypothesis.settings.register_profile("seeded", derandomize=True)
hypothesis.settings.load_profile("seeded")

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


class Compilations:
    """How many programs XLA itself has compiled, whoever asked for them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, event: str, _seconds: float, **_: object) -> None:
        self.count += event == "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compilations():
    """A counter that XLA's own events move."""
    counter = Compilations()
    jax.monitoring.register_event_duration_secs_listener(counter)
    yield counter
    # Older versions have no public name for it; what goes on counting there harms nobody.
    getattr(jax.monitoring, "unregister_event_duration_listener", lambda _: None)(counter)


@pytest.fixture
def compiled():
    """How many programs of ours have been compiled since the test began."""
    before = PROGRAMS.compiled
    return lambda: PROGRAMS.compiled - before

"""A program as machine code, from disk where it was compiled before. What fails here costs a warning, never a fit.

Not JAX's own cache: that is one directory for the whole process, opened once, and would take in the user's programs as
well. Not jax.experimental.serialize_executable: its entries are pickles. An entry is XLA's bytes behind their hash.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import stat
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
from jax._src import compiler
from jaxlib.version import __version__ as jaxlib_version

from nlsq_widget.device import Device, compilation_cache, cores, small_programs_kept, tracing

DISABLE = "NLSQ_DISABLE_PERSISTENT_CACHE"
MAX_BYTES = 256 << 20  # in all; the least recently used go first

_FORMAT = b"nlsq 2\n"
_WITH_LAPACK, _WITHOUT = b"lapack\n", b"alone!\n"
_SUFFIX = ".xla"
_HEAD, _NEEDS = len(_FORMAT) + hashlib.sha256().digest_size, len(_WITHOUT)
# Calls that JAX itself brings along. Any other may hold an address of this process: a callback, a kernel of the user's.
_PORTABLE = re.compile(r"(lapack_|blas_|cusolver|cublas|hipsolver|hipblas|cu_|hip_|mhlo\.|chlo\.|Sharding$)")
# On a CPU these passes take more than half of the time to compile many small loops, and the fit is no faster for them.
_CPU_OPTIONS: dict[str, bool | int] = {"xla_llvm_disable_expensive_passes": True, "xla_backend_optimization_level": 1}
if jax.__version_info__ < (0, 12):  # later there is no way around it
    _CPU_OPTIONS["xla_cpu_use_fusion_emitters"] = False


class Promise(NamedTuple):
    """A program that takes long to trace, and what tells it from all others in less time."""

    # With the arguments and the results of the program, and with all in it that is not this package's own: the model,
    # as the program asks it. Programs of one outline are the same program, to this package and this version of JAX.
    outline: Callable[[], Any]  # -> jax.stages.Lowered
    whole: Callable[[], Any]  # -> jax.stages.Lowered
    steady: Callable[[], bool]  # whether the model is still what it was at the first call


def compiled(lowered: Any, where: Device) -> Callable[..., Any]:
    """The program of `lowered` (a `jax.stages.Lowered` that keeps its unused arguments), ready to run on `where`.

    The programs are kept in ~/.cache/nlsq/jax_cache, unless NLSQ_DISABLE_PERSISTENT_CACHE is set; where JAX has a
    compilation cache of the user's, there.
    """
    keeper = _keeper()
    if keeper == "user":
        with small_programs_kept():
            return _compile(lowered, where)
    key = _key(lowered, where) if keeper else None
    return (key and _kept(key, lowered, where)) or _made(key, lowered, where)


def promised(promise: Promise, where: Device) -> Callable[..., Any]:
    """As `compiled`; where the program is kept, it is found without being traced."""
    outline = promise.outline() if _keeper() == "us" else None
    key = outline and _key(outline, where, _package(), tracing())
    kept = key and _kept(key, outline, where)
    if kept:
        return kept
    whole = promise.whole()
    # A model that another thread changes, or that its own calls change, has no outline that holds for the whole.
    if key and promise.steady() and _key(whole, where):
        return _made(key, whole, where)
    return compiled(whole, where)


def _keeper() -> Literal["us", "user"] | None:
    """Who keeps programs, if any."""
    directory, enabled = compilation_cache()
    if not enabled or os.environ.get(DISABLE, "") not in ("", "0") or not hasattr(compiler, "compile_or_get_cached"):
        return None
    return "user" if directory else "us"


def _kept(key: str, lowered: Any, where: Device) -> Any:
    """The program of this name; `lowered` is of the same arguments and results."""
    found = _guarded(lambda: _load(_directory() / key, where))
    if found is None:
        return None
    with _in_place_of_compiling(found):
        program = _compile(lowered, where)
    return program if program.runtime_executable() is found else None


def _made(key: str | None, lowered: Any, where: Device) -> Any:
    program = _compile(lowered, where)
    if key is not None:
        needs = _WITH_LAPACK if "lapack_" in lowered.as_text() else _WITHOUT
        _guarded(lambda: _store(_directory(), key, needs, program))
    return program


def _compile(lowered: Any, where: Device) -> Any:
    try:
        return lowered.compile(_CPU_OPTIONS if where.jax.platform == "cpu" else None)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
    return lowered.compile()


def _key(lowered: Any, where: Device, *also: str | None) -> str | None:
    """The name of the entry: all that the machine code depends on. None for what only this process can run."""
    if None in also:
        return None
    text = lowered.as_text()
    arguments = re.findall(r"%arg\d+: ", text[text.index("@main(") :].partition("\n")[0])
    calls = re.findall(r"stablehlo\.custom_call @\"?([^\s(\"]+)", text)
    if len(arguments) != len(jax.tree.leaves(lowered.args_info)):
        return None
    if len(calls) != text.count("stablehlo.custom_call") or not all(map(_PORTABLE.match, calls)):
        return None
    chip = where.jax
    parts = (
        (text, *also),
        (jax.__version__, jaxlib_version, chip.client.platform_version),
        (chip.platform, chip.device_kind, getattr(chip, "compute_capability", None), chip.id, _processor()),
        sorted(_CPU_OPTIONS.items()),
        [os.environ.get(name, "") for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS")],
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest() + _SUFFIX


_LOADED = time.time()


@cache
def _package() -> str | None:
    """What makes a program of an outline: this package's own text. None where that may not be what was loaded."""
    here, digest = Path(__file__).parent, hashlib.sha256()
    files = sorted(here.rglob("*.py"))
    try:
        for path in files:
            found = path.stat()
            if max(found.st_mtime, found.st_ctime) >= _LOADED:
                return None
            digest.update(repr((path.relative_to(here).as_posix(), path.read_bytes())).encode())
    except OSError:
        return None
    return digest.hexdigest() if files else None


@cache
def _processor() -> str:
    """The instructions that may be used and the cores to share the work: a home may be common to many machines."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            first = file.read(1 << 14).partition(b"\n\n")[0].decode(errors="replace")
        known = re.compile("model name|flags|Features|CPU (implementer|architecture|variant|part|revision)")
        chip = "\n".join(line for line in first.splitlines() if known.match(line))
    except OSError:
        chip = platform.node()
    return f"{platform.machine()} {cores()} {chip}"


def _guarded(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        _warn(f"The cache of compiled fits: {str(error).rstrip('.')}. To do without it, set {DISABLE}=1.")
        return None


_WARNED = threading.Event()


def _warn(sentence: str) -> None:
    """Once in a process."""
    if not _WARNED.is_set():
        _WARNED.set()
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)


def _directory() -> Path:
    """The directory, made for the user alone. What others may write there would run as the user."""
    path = Path.home() / ".cache" / "nlsq" / "jax_cache"
    for part in (path.parent.parent, path.parent, path):
        part.mkdir(mode=0o700, exist_ok=True)
    _private(path.stat(), path)
    return path


def _private(found: os.stat_result, path: Path) -> None:
    if not hasattr(os, "geteuid"):
        return  # no such owners and modes there; a home directory is private
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} may be written by others (chmod go-w mends it)")


def _load(path: Path, where: Device) -> Any:
    try:
        with path.open("rb") as file:
            _private(os.fstat(file.fileno()), path)
            content = file.read()
    except FileNotFoundError:
        return None
    head, needs, payload = content[:_HEAD], content[_HEAD : _HEAD + _NEEDS], content[_HEAD + _NEEDS :]
    if head != _FORMAT + hashlib.sha256(needs + payload).digest():
        raise ValueError(f"{path} was damaged, and is written anew")
    if needs == _WITH_LAPACK:
        _lapack_found()
    with suppress(OSError):
        os.utime(path)  # used just now
    return where.jax.client.deserialize_executable(zlib.decompress(payload), [where.jax], None)


_SEAM = threading.RLock()


@contextmanager
def _in_place_of_compiling(executable: Any) -> Generator[None]:
    """What this thread has JAX compile is this executable; JAX then calls it as fast as any that it compiled itself.

    There is no public way to do so but through a pickle (jax.experimental.serialize_executable).
    """
    mine, left = threading.get_ident(), [executable]

    def found(*given: Any, **named: Any) -> Any:
        return left.pop() if left and threading.get_ident() == mine else compiling(*given, **named)

    with _SEAM:
        compiling = compiler.compile_or_get_cached
        compiler.compile_or_get_cached = found
        try:
            yield
        finally:
            compiler.compile_or_get_cached = compiling


@cache
def _lapack_found() -> None:
    """JAX looks for LAPACK when it lowers the first call of it; a program from disk would call nothing, and crash."""
    square = jax.ShapeDtypeStruct((2, 2), "float32")
    jax.jit(jax.numpy.linalg.qr).trace(square).lower(lowering_platforms=("cpu",))


def _store(directory: Path, key: str, needs: bytes, program: Any) -> None:
    executable = program.runtime_executable()
    payload = zlib.compress(executable.client.serialize_executable(executable), 1)
    content = _FORMAT + hashlib.sha256(needs + payload).digest() + needs + payload
    # For the user alone, and whole or not at all, whoever else writes the same.
    descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, prefix=".new-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(directory / key)
    except OSError:
        Path(name).unlink()
        raise
    _make_room(directory)


def _make_room(directory: Path) -> None:
    """Drop what was not used for longest. Another process may be doing the same."""
    entries = []
    for path in directory.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            found = path.stat()
            entries.append((found.st_mtime, found.st_size, path))
    excess = sum(size for _, size, _ in entries) - MAX_BYTES
    for _, size, path in sorted(entries):
        if excess <= 0:
            return
        with suppress(OSError):
            path.unlink()
        excess -= size

"""The compile cache: it fills, it is private, and whatever is wrong with it, the fit is right."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src import compiler

from nlsq_widget import cache, fit, program
from nlsq_widget.device import device, devices, scope
from nlsq_widget.model import as_model
from nlsq_widget.outcome import few
from nlsq_widget.problem import Problem

GIVEN = (np.linspace(1.0, 2.0, 4), np.zeros(0))  # the second is not used

FIT = """
import json, sys, threading
import jax, jax.numpy as jnp, numpy as np
import nlsq_widget
from nlsq_widget.program import PROGRAMS

from jax._src import compiler
compilations = []
compile = compiler.backend_compile_and_load
def counted(*given, **named):
    compilations.append(given)
    return compile(*given, **named)
compiler.backend_compile_and_load = counted
def compiled():
    return len(compilations)

traced = []
refit = nlsq_widget.program.refit
nlsq_widget.program.refit = lambda *given: traced.append(given) or refit(*given)

x = np.linspace(0, 4, 20)
def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c

fits = []
before = dict(jax.config.values)
fitting = threading.Thread(target=lambda: fits.append(
    nlsq_widget.curve_fit(decay, x, 3 * np.exp(-x / 2) + 0.1 * np.cos(9 * x), p0=[1, 1, 0])))
fitting.start()
mine = [jax.jit(lambda v, n=n: jnp.sin(v) * n)(jnp.ones(n)).tolist() for n in range(3, 3 + int(sys.argv[1]))]
fitting.join()
total = compiled()
again = nlsq_widget.curve_fit(decay, x, 3 * np.exp(-x / 2), p0=[1, 1, 0])
print(json.dumps({
    "numbers": [np.asarray(part).tobytes().hex() for part in fits[0]],
    "ours": PROGRAMS.compiled, "total": total, "mine": len(mine), "later": compiled() - total,
    "traced": len(traced), "same_config": before == dict(jax.config.values),
}))
"""


def told_by(script, home, *arguments, **env):
    """What a process of its own prints, with this home directory."""
    inherited = {k: v for k, v in os.environ.items() if k not in (cache.DISABLE, "XLA_FLAGS")}
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    told = {**inherited, "HOME": str(home), **env}
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def in_a_process(home, users_programs=0, **env):
    """What a fit in a process of its own tells, with this home directory."""
    return json.loads(told_by(FIT, home, str(users_programs), **env))


def kept(home):
    return sorted((home / ".cache" / "nlsq" / "jax_cache").glob("*"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory of this test's own, where the cache is on and has not warned yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(cache.DISABLE)
    monkeypatch.setattr(cache, "_WARNED", threading.Event())
    return tmp_path


def lowered(factor=2.0, where=None):
    with scope(where or device()):
        return jax.jit(lambda p: {"twice": factor * p[0], "sines": jnp.sin(p[0])}, keep_unused=True).lower(GIVEN)


def outcome(program, where=None):
    with scope(where or device()):
        return jax.device_get(program(jax.device_put(GIVEN, (where or device()).jax)))


def from_disk(lowered, monkeypatch):
    """Whether this program is had without compiling it."""
    compiling = []
    compile_and_load = compiler.backend_compile_and_load

    def counted(*given, **named):
        compiling.append(given)
        return compile_and_load(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(compiler, "backend_compile_and_load", counted)
        cache.compiled(lowered, device())
    return not compiling


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in ("twice", "sines"))


# Beyond six parameters LAPACK solves, which JAX looks for only when it lowers a call of it.
MANY = """
import sys
import jax.numpy as jnp, numpy as np
import nlsq_widget
import nlsq_widget.program

traced = []
refit = nlsq_widget.program.refit
nlsq_widget.program.refit = lambda *given: traced.append(given) or refit(*given)

x = np.linspace(-1, 1, 40)
def series(x, a, b, c, d, e, f, g, h):
    return a + x * (b + x * (c + x * (d + x * (e + x * (f + x * (g + x * h))))))
popt, pcov = nlsq_widget.curve_fit(series, x, np.exp(x), p0=[1.0] * 8)
print(len(traced), popt.tobytes().hex(), pcov.tobytes().hex())
"""


def test_a_second_process_finds_what_the_program_of_many_parameters_calls(tmp_path):
    first, second = (told_by(MANY, tmp_path).split() for _ in range(2))
    assert (first[0], second[0]) == ("1", "0")
    assert first[1:] == second[1:]


def test_a_second_process_compiles_nothing_and_gets_the_same_bits_and_programs_of_the_user_are_left_alone(tmp_path):
    first = in_a_process(tmp_path, users_programs=8)
    assert first["ours"] == 1
    (entry,) = kept(tmp_path)  # and none of those that the user compiled at the same time
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700

    second = in_a_process(tmp_path, users_programs=8)
    assert second["total"] == first["total"] - 1
    assert second["numbers"] == first["numbers"]
    assert (first["traced"], second["traced"]) == (1, 0)
    assert (first["later"], second["later"]) == (0, 0)
    assert first["same_config"]
    assert second["same_config"]
    assert kept(tmp_path) == [entry]


def test_a_process_that_asks_for_none_writes_nothing(tmp_path):
    in_a_process(tmp_path, **{cache.DISABLE: "1"})
    assert not (tmp_path / ".cache").exists()


def test_a_directory_that_the_user_gave_to_jax_gets_our_program_and_only_what_jax_puts_there_otherwise(tmp_path):
    theirs = tmp_path / "theirs"
    jaxs = {"JAX_COMPILATION_CACHE_DIR": str(theirs), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "600"}
    told = in_a_process(tmp_path, users_programs=8, **jaxs)
    assert not (tmp_path / ".cache").exists()
    assert len(list(theirs.glob("*-cache"))) == 1
    assert told["same_config"]


def test_what_comes_from_disk_runs_like_what_was_compiled(home, monkeypatch):
    assert not from_disk(lowered(), monkeypatch)
    assert from_disk(lowered(), monkeypatch)
    again = cache.compiled(lowered(), device())
    assert same(outcome(lowered().compile()), outcome(again))
    with pytest.raises(TypeError, match="types"), scope(device()):
        again(jax.device_put((GIVEN[0].astype(int), GIVEN[1])))


def test_another_program_and_another_device_have_entries_of_their_own(home):
    for where in devices()[:2]:
        for factor in (2.0, 2.0, 3.0, 3.0):
            told = outcome(cache.compiled(lowered(factor, where), where), where)
            assert np.array_equal(told["twice"], factor * GIVEN[0])
    assert len(kept(home)) == 4


def test_a_program_that_calls_back_is_compiled_each_time_without_a_word(home):
    def calling(p):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(p[0].shape, p[0].dtype), p[0])

    for _ in range(2):
        with scope(device()):
            program = cache.compiled(jax.jit(calling, keep_unused=True).lower(GIVEN), device())
            assert np.array_equal(program(GIVEN), np.sin(GIVEN[0]))
    assert kept(home) == []


def test_a_program_without_its_unused_arguments_is_not_kept(home):
    with scope(device()):
        program = cache.compiled(jax.jit(lambda p: 2 * p[0]).lower(GIVEN), device())
        assert np.array_equal(program(GIVEN), 2 * GIVEN[0])
    assert kept(home) == []


def promise(outline, whole, steady=True):
    """A program known by another; and a list of those that were traced whole."""
    traced = []

    def made():
        traced.append(whole)
        return lowered(whole)

    return cache.Promise(lambda: lowered(outline), made, lambda: steady), traced


def test_a_program_is_found_by_its_outline_and_is_not_traced_again(home):
    for first in (True, False):
        promised, traced = promise(2.0, 3.0)
        assert np.array_equal(outcome(cache.promised(promised, device()))["twice"], 3.0 * GIVEN[0])
        assert traced == [3.0] * first
    assert len(kept(home)) == 1


@pytest.mark.parametrize("lost", ["model", "package", "settings"])
def test_where_the_outline_may_not_hold_the_program_is_traced_and_known_by_itself(home, lost, monkeypatch):
    if lost == "package":
        monkeypatch.setattr(cache, "_package", lambda: None)
    if lost == "settings":
        monkeypatch.setattr(cache, "tracing", lambda: None)
    for factor in (3.0, 4.0, 3.0):
        promised, traced = promise(2.0, factor, steady=lost != "model")
        assert np.array_equal(outcome(cache.promised(promised, device()))["twice"], factor * GIVEN[0])
        assert traced == [factor]
    assert len(kept(home)) == 2


def _sloped(slope):
    """exp(-b x), with a rule of its own for the derivative by what it is called with."""

    decay = jax.custom_jvp(jnp.exp)
    decay.defjvp(lambda primals, tangents: (decay(*primals), slope * jnp.exp(primals[0]) * tangents[0]))
    return lambda x, a, b: a * decay(-b * x)


def _based(changed):
    base = np.linspace(0.0, 1.0, 3000)
    base[1500] += changed
    return lambda x, a, b: a * jnp.exp(-b * x) + jnp.asarray(base)[: x.size] + 1e-3 * base[1500]


@pytest.mark.parametrize("mode", ["forward", "reverse", "given"])
@pytest.mark.parametrize("points", [2, 20, 9000])
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_an_outline_has_the_results_of_its_program(mode, points, precision):
    def jac(x, a, b):
        return jnp.stack([jnp.exp(-b * x), -a * x * jnp.exp(-b * x)], axis=1)

    model = as_model(lambda x, a, b: a * jnp.exp(-b * x), jacobian=jac if mode == "given" else None)
    for grid, whiten in ((0, False), (7, points < 100)):
        y = np.ones(points)
        problem = Problem(y, y, y, np.eye(points) if whiten else None, np.zeros(grid), np.ones((4, 2)), np.ones(6))
        problem = jax.tree.map(lambda values: values.astype(precision), problem)
        with scope(device(), double=precision is np.float64):
            one, other = (
                jax.eval_shape(lambda given, f=f: few(f(model, mode, mode != "given", given)), problem)
                for f in (program.outline, program.refit)
            )
        assert jax.tree.structure(one) == jax.tree.structure(other)
        for left, right in zip(*map(jax.tree.leaves, (one, other)), strict=True):
            assert (left.shape, left.dtype) == (right.shape, right.dtype)


@pytest.mark.parametrize("models", [(_sloped, 1.0, 0.7), (_based, 0.0, 1.0)])
def test_models_that_differ_in_one_number_never_share_a_program(home, models):
    make, *values = models
    x = np.linspace(0, 3, 12)
    y = 2 * np.exp(-x) + 0.05 * np.cos(7 * x)

    def told(value):
        r = fit(make(value), x, y, p0=[1, 1.5])
        return r.popt.tobytes(), r.R.tobytes(), r.steps

    right = [told(value) for value in values]
    assert len(kept(home)) == 2
    assert right[0] != right[1]
    assert [told(value) for value in values] == right  # functions of their own, but the same programs
    assert len(kept(home)) == 2


def _cut(content):
    return content[: len(content) // 2]


def _flipped(content):
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("harm", [_cut, _flipped, lambda content: b"", lambda content: b"\x80\x04 another format"])
def test_a_damaged_entry_costs_a_warning_and_is_written_anew(home, harm, monkeypatch):
    right = outcome(cache.compiled(lowered(), device()))
    (entry,) = kept(home)
    entry.write_bytes(harm(entry.read_bytes()))
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert same(outcome(cache.compiled(lowered(), device())), right)
    assert from_disk(lowered(), monkeypatch)


def test_an_entry_that_xla_refuses_costs_a_warning(home):
    right = outcome(cache.compiled(lowered(), device()))
    (entry,) = kept(home)
    payload = cache.zlib.compress(b"no executable")
    entry.write_bytes(b"nlsq 1\n" + cache.hashlib.sha256(payload).digest() + payload)
    with pytest.warns(RuntimeWarning, match="cache of compiled fits"):
        assert same(outcome(cache.compiled(lowered(), device())), right)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no modes and owners there")
@pytest.mark.parametrize("part", ["directory", "entry"])
def test_what_others_may_write_is_neither_read_nor_trusted(home, part, monkeypatch):
    cache.compiled(lowered(), device())
    (entry,) = kept(home)
    harmed = entry if part == "entry" else entry.parent
    harmed.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="written by others"):
        assert not from_disk(lowered(), monkeypatch)
    cache.compiled(lowered(5.0), device())  # a second warning would be an error here
    entry.parent.chmod(0o700)
    entry.chmod(0o600)
    monkeypatch.setattr(cache, "_WARNED", threading.Event())
    monkeypatch.setattr(cache.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert not from_disk(lowered(), monkeypatch)


def _file_in_the_place(home, monkeypatch):
    (home / ".cache").write_text("")


def _no_home(home, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)


def _full_disk(home, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.Path, "replace", full)


@pytest.mark.parametrize("harm", [_file_in_the_place, _no_home, _full_disk])
def test_where_nothing_can_be_written_a_warning_is_all(home, harm, monkeypatch):
    harm(home, monkeypatch)
    with pytest.warns(RuntimeWarning, match=f"set {cache.DISABLE}=1") as told:
        assert same(outcome(cache.compiled(lowered(), device())), outcome(lowered().compile()))
    assert len(told) == 1
    cache.compiled(lowered(), device())  # a second warning would be an error here
    if (home / ".cache").is_dir():
        assert kept(home) == []


def test_threads_that_write_the_same_entry_leave_one_whole_entry(home, monkeypatch):
    programs = []
    threads = [threading.Thread(target=lambda: programs.append(cache.compiled(lowered(), device()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(programs) == 6
    assert len(kept(home)) == 1
    assert from_disk(lowered(), monkeypatch)


def test_what_was_not_used_for_longest_makes_room(home, monkeypatch):
    for factor in (2.0, 3.0):
        cache.compiled(lowered(factor), device())
    monkeypatch.setattr(cache, "MAX_BYTES", int(1.3 * sum(entry.stat().st_size for entry in kept(home))))
    for age, entry in enumerate(kept(home), 1):
        os.utime(entry, (age, age))
    assert from_disk(lowered(2.0), monkeypatch)  # used just now
    cache.compiled(lowered(4.0), device())
    assert len(kept(home)) == 2
    found = [from_disk(lowered(factor), monkeypatch) for factor in (2.0, 4.0, 3.0)]
    assert found == [True, True, False]

"""How close a fit is to what its model costs: its time over that of as many evaluations of residuals and J'J alone."""

import jax
import jax.numpy as jnp

import nlsq_widget
from benchmarks.contestants import ours
from benchmarks.effort import Effort
from benchmarks.report import Report, Table, number
from benchmarks.tasks import Task, decay_task
from benchmarks.timing import Measurement, interleaved


def run(effort: Effort) -> Report:
    """Against points."""
    rows = []
    for size in effort.limit_points:
        task = decay_task(size)
        steps = nlsq_widget.fit(task.jax_model, task.x, task.y, p0=task.p0).steps
        arrays = [jnp.asarray(array) for array in (task.p0, task.x, task.y)]
        evaluate = _evaluation(task)
        calls = {"fit": ours(task), "evaluation": lambda: jax.block_until_ready(evaluate(*arrays))}  # noqa: B023 - called in this turn
        times = {name: Measurement(name, size, taken) for name, taken in interleaved(calls, effort.seconds).items()}
        fit, one = times["fit"], times["evaluation"]
        least, usual = (a / ((steps + 1) * b) for a, b in ((fit.best, one.best), (fit.median, one.median)))
        milliseconds = (number(1e3 * fit.best), number(1e3 * one.best))
        rows.append((f"{size:,}", str(steps), *milliseconds, number(least), number(usual)))
        print(f"  {size:,} points: {least:.2f}", flush=True)
    columns = ("points", "steps", "fit, min ms", "one evaluation, min ms", "ratio of minima", "ratio of medians")
    return Report(
        "How close to the limit",
        "The time of a whole fit over (steps + 1) × the time of one evaluation of the residuals, J'J and J'r by plain "
        "jitted JAX, on arrays that are on the device already. 1: nothing but the model costs.",
        (Table("Whole fit over its evaluations", columns, tuple(rows)),),
        ("a·exp(−b·x) + c with noise; the fit is nlsq_widget.curve_fit, NumPy in and out, warm.",),
    )


def _evaluation(task: Task):
    @jax.jit
    def evaluate(p, x, y):
        r = task.jax_model(x, *p) - y
        J = jax.jacfwd(lambda p: task.jax_model(x, *p))(p)
        return r @ r, J.T @ J, J.T @ r

    return evaluate

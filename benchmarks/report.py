"""What was measured as Markdown and pictures, with the machine it was measured on."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import jax
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.timing import Measurement

LIBRARIES = ("jax", "jaxlib", "numpy", "scipy", "lmfit", "optimistix", "nlsq")

# Okabe and Ito's colours, which the colour-blind tell apart; a library has one.
COLOURS = {
    "nlsq_widget": "#0072B2",
    "scipy": "#D55E00",
    "lmfit": "#E69F00",
    "optimistix": "#009E73",
    "nlsq": "#CC79A7",
}

Style = tuple[str, str]  # the library, the dashes of the line


@dataclass(frozen=True)
class Table:
    """Rows under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As GitHub draws it: words to the left, numbers to the right."""
        lines = [self.columns, ("---", *("---:",) * (len(self.columns) - 1)), *self.rows]
        return f"### {self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


@dataclass(frozen=True)
class Report:
    """One part of the benchmarks."""

    title: str
    what: str  # was done
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, Figure] = field(default_factory=dict)  # by the name of the file

    def markdown(self) -> str:
        """The whole page."""
        shown = [f"![{self.title}]({name}.svg)\n" for name in self.pictures]
        notes = "".join(f"- {note}\n" for note in (*self.notes, machine()))
        return "\n".join([f"## {self.title}\n", f"{self.what}\n", *shown, *(t.markdown() for t in self.tables), notes])

    def write(self, directory: Path, name: str) -> None:
        """The page and its pictures; the same numbers give the same bytes."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.md").write_text(self.markdown())
        for picture, figure in self.pictures.items():
            with rc_context({"svg.hashsalt": picture}):
                figure.savefig(directory / f"{picture}.svg", metadata={"Date": None}, facecolor="white")


def machine() -> str:
    """One line: the processor, its cores, Python and the versions."""
    chip = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        chip = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), chip)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = []
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            continue
    where = f"{chip}, {cores} cores, JAX on {jax.default_backend()}, Python {platform.python_version()}"
    return f"{where}, {', '.join(versions)}."


def number(value: float) -> str:
    """Three digits, and no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def sweep_tables(measured: Sequence[Measurement], axis: str, baselines: Sequence[str]) -> tuple[Table, ...]:
    """The medians side by side with their ratio to the first baseline, then every number."""
    sizes = sorted({m.size for m in measured})
    found = {(m.contestant, m.size): m for m in measured}
    names = list(dict.fromkeys(m.contestant for m in measured))

    def ratio(m: Measurement, baseline: str) -> str:
        theirs = found.get((baseline, m.size))
        return "" if theirs is None else f"{number(m.best / theirs.best)} ×"

    def cell(name: str, size: int) -> str:
        m = found.get((name, size))
        return "" if m is None else f"{number(1e3 * m.median)} ({ratio(m, baselines[0])})"

    short = Table(
        f"Median in ms, and in brackets the ratio of the minima to {baselines[0]}",
        ("contestant", *(f"{size:,} {axis}" for size in sizes)),
        tuple((name, *(cell(name, size) for size in sizes)) for name in names),
    )
    columns = ("contestant", axis, "min ms", "median ms", *(f"min / {b}" for b in baselines), "off", "calls")

    def row(m: Measurement) -> tuple[str, ...]:
        times = (number(1e3 * m.best), number(1e3 * m.median))
        off = "" if m.off is None else f"{m.off:.0e}"
        return m.contestant, f"{m.size:,}", *times, *(ratio(m, b) for b in baselines), off, str(len(m.seconds))

    rows = [row(m) for m in sorted(measured, key=lambda m: (m.size, names.index(m.contestant)))]
    return short, Table("Every number", columns, tuple(rows))


def sweep_picture(
    measured: Sequence[Measurement], styles: Mapping[str, Style], x_label: str, y_label: str, log_x: bool = True
) -> Figure:
    """Median time against size, log-log; the legend in the order of the lines at their right ends."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    ends = {m.contestant: m.median for m in sorted(measured, key=lambda m: m.size)}
    for name in sorted(ends, key=lambda name: -ends[name]):
        library, dash = styles[name]
        points = sorted((m.size, 1e3 * m.median) for m in measured if m.contestant == name)
        ours = library == "nlsq_widget"
        axes.plot(*zip(*points, strict=True), dash, color=COLOURS[library], marker="o", ms=4, lw=2.6 if ours else 1.6,
                  zorder=3 if ours else 2, label=name)  # fmt: skip
    axes.set(xscale="log" if log_x else "linear", yscale="log", xlabel=x_label, ylabel=y_label)
    if not log_x:
        axes.set_xticks(sorted({m.size for m in measured}))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def bars(values: Mapping[str, tuple[str, Mapping[str, float]]], x_label: str) -> Figure:
    """Horizontal bars, stacked: what each contestant (its library, its parts) adds up to, the first on top."""
    figure = Figure(figsize=(8, 0.9 + 0.45 * len(values)), layout="constrained")
    axes = figure.subplots()
    shades = (1.0, 0.6, 0.3)
    longest = max(sum(parts.values()) for _, parts in values.values())
    for row, (library, parts) in enumerate(values.values()):
        left = 0.0
        for shade, (part, value) in zip(shades, parts.items(), strict=False):
            axes.barh(row, value, left=left, color=COLOURS[library], alpha=shade, height=0.6)
            if value > 0.04 * longest:
                axes.annotate(part, (left + value / 2, row), ha="center", va="center", fontsize=8,
                              color="white" if shade == 1 else "black")  # fmt: skip
            left += value
        axes.annotate(f" {left:.3g}", (left, row), va="center")
    axes.set_yticks(range(len(values)), list(values))
    axes.invert_yaxis()
    axes.set_xlabel(x_label)
    axes.margins(x=0.08)
    axes.spines[["top", "right"]].set_visible(False)
    return figure

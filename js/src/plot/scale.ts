/** Which part of the data is seen. Pure: ranges in, ranges out. */
import type { Span } from "../range";
import type { Frame, Numbers, Residuals } from "../wire";

/** Positions in CSS pixels of the plotting area: pixel = at + per * value. */
export interface Axis {
  readonly at: number;
  readonly per: number;
}

export interface Area {
  readonly x: Axis;
  readonly y: Axis;
  readonly width: number;
  readonly height: number;
}

export function pixel(axis: Axis, value: number): number {
  return axis.at + axis.per * value;
}

export function valueAtPixel(axis: Axis, at: number): number {
  return (at - axis.at) / axis.per;
}

export function area(x: Span, y: Span, width: number, height: number): Area {
  const perX = width / (x.hi - x.lo);
  const perY = -height / (y.hi - y.lo);
  return { x: { at: -x.lo * perX, per: perX }, y: { at: height - y.lo * perY, per: perY }, width, height };
}

export function padded({ lo, hi }: Span, share: number): Span {
  const width = hi - lo;
  if (!(width > 0)) {
    const room = Math.abs(lo) / 10 || 1;
    return { lo: lo - room, hi: lo + room };
  }
  return { lo: lo - share * width, hi: hi + share * width };
}

export function xRange({ data, grid }: Frame): Span {
  return padded(extent([data.x, grid]), 0.025);
}

/** From the data alone, so that no curve can make the picture jump. */
export function yRange({ data }: Frame): Span {
  if (data.kind === "columns") return padded(extent([data.low, data.high]), 0.06);
  const core = extent([data.y]);
  const { sigma, y } = data;
  if (sigma === null) return padded(core, 0.07);
  // An error bar may widen the picture, one that dwarfs the data may not.
  const room = 0.5 * (core.hi - core.lo);
  const ends = extent([y.map((v, i) => v - (sigma[i] ?? 0)), y.map((v, i) => v + (sigma[i] ?? 0))]);
  return padded({ lo: Math.max(ends.lo, core.lo - room), hi: Math.min(ends.hi, core.hi + room) }, 0.06);
}

/** The largest residual that counts. */
export function largest(residuals: Residuals, excluded: Uint8Array): number {
  let most = 0;
  const all = residuals.kind === "points" ? [residuals.values] : [residuals.low, residuals.high];
  for (const values of all) {
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i] ?? NaN);
      if (size > most && size < Infinity && (excluded[i] ?? 0) === 0) most = size;
    }
  }
  return most;
}

/** Half the height of the residual plot. It follows what is needed only when that has left it or become small in it. */
export function settled(current: number | null, need: number): number {
  if (current !== null && need <= current && need >= 0.4 * current) return current;
  return need > 0 ? 1.25 * need : (current ?? 1);
}

export function zoomed(span: Span, factor: number, around: number): Span {
  return { lo: around + (span.lo - around) * factor, hi: around + (span.hi - around) * factor };
}

export function moved(span: Span, by: number): Span {
  return { lo: span.lo + by, hi: span.hi + by };
}

/** Not so far in that neighbouring numbers become visible, not so far out that the data are a dot. */
export function sensible(span: Span, home: Span): boolean {
  const width = span.hi - span.lo;
  const finest = 1e-11 * Math.max(Math.abs(span.lo), Math.abs(span.hi));
  return width > finest && width < 100 * (home.hi - home.lo);
}

/** The step between ticks: 1, 2 or 5 times a power of ten, and not less than `least`. */
export function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((lead) => lead * power >= least * (1 - 1e-9));
  return Number(((step ?? 10) * power).toPrecision(12));
}

/** For a range around zero: the largest such step that fits on both sides, so that more than zero is labelled. */
export function tickWithin(half: number): number {
  const power = 10 ** Math.floor(Math.log10(half));
  const step = [5, 2, 1].find((lead) => lead * power <= half * (1 + 1e-9));
  return Number(((step ?? 1) * power).toPrecision(12));
}

export function ticks(span: Span, step: number): number[] {
  const first = Math.ceil(span.lo / step - 1e-9);
  const count = Math.min(200, Math.floor(span.hi / step + 1e-9) - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A curve between its grid points. */
export function interpolate(grid: Numbers, curve: Numbers, x: number): number {
  const last = grid.length - 1;
  if (last < 1 || !(x >= (grid[0] ?? NaN) && x <= (grid[last] ?? NaN))) return NaN;
  let [below, above] = [0, last];
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if ((grid[middle] ?? NaN) <= x) below = middle;
    else above = middle;
  }
  const [x0 = NaN, x1 = NaN, y0 = NaN, y1 = NaN] = [grid[below], grid[above], curve[below], curve[above]];
  return x1 === x0 ? y0 : y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

function extent(all: readonly Numbers[]): Span {
  let [lo, hi] = [Infinity, -Infinity];
  for (const values of all) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
    }
  }
  return lo <= hi ? { lo, hi } : { lo: 0, hi: 1 };
}

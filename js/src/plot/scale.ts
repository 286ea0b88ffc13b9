/** Where values lie in a plot. Pure: ranges in, ranges out. A span of a scale is of logarithms where that is one. */
import type { Span } from "../range";
import type { Frame, Numbers, Residuals } from "../wire";

/** Positions in CSS pixels of the plotting area: pixel = at + per * value, or its logarithm. */
export interface Axis {
  readonly at: number;
  readonly per: number;
  readonly isLog: boolean;
}

export interface Logs {
  readonly x: boolean;
  readonly y: boolean;
}

export interface Area {
  readonly x: Axis;
  readonly y: Axis;
  readonly width: number;
  readonly height: number;
}

/** nan where a logarithmic scale has no place for the value. */
export function pixel(axis: Axis, value: number): number {
  return axis.at + axis.per * (axis.isLog ? Math.log10(value) : value);
}

export function valueAtPixel(axis: Axis, at: number): number {
  const place = scaleAtPixel(axis, at);
  return axis.isLog ? 10 ** place : place;
}

/** The place on the scale: the value, or its logarithm. */
export function scaleAtPixel(axis: Axis, at: number): number {
  return (at - axis.at) / axis.per;
}

export const LINEAR: Logs = { x: false, y: false };

export function area(x: Span, y: Span, width: number, height: number, logs: Logs = LINEAR): Area {
  const perX = width / (x.hi - x.lo);
  const perY = -height / (y.hi - y.lo);
  return {
    x: { at: -x.lo * perX, per: perX, isLog: logs.x },
    y: { at: height - y.lo * perY, per: perY, isLog: logs.y },
    ...{ width, height },
  };
}

export function padded({ lo, hi }: Span, share: number): Span {
  const width = hi - lo;
  if (!(width > 0)) {
    const room = Math.abs(lo) / 10 || 1;
    return { lo: lo - room, hi: lo + room };
  }
  return { lo: lo - share * width, hi: hi + share * width };
}

export function xRange({ data, grid }: Frame, isLog = false): Span {
  return padded(extent([data.x, grid], isLog), 0.025);
}

/** From the data alone, so that no curve can make the picture jump. */
export function yRange({ data }: Frame, isLog = false): Span {
  if (data.kind === "columns") return padded(extent([data.low, data.high], isLog), 0.06);
  const core = extent([data.y], isLog);
  const { sigma, y } = data;
  if (sigma === null) return padded(core, 0.07);
  // An error bar may widen the picture, one that dwarfs the data may not.
  const room = 0.5 * (core.hi - core.lo);
  const ends = extent([y.map((v, i) => v - (sigma[i] ?? 0)), y.map((v, i) => v + (sigma[i] ?? 0))], isLog);
  return padded({ lo: Math.max(ends.lo, core.lo - room), hi: Math.min(ends.hi, core.hi + room) }, 0.06);
}

/** The largest residual that counts. */
export function largest(residuals: Residuals, excluded: Uint8Array): number {
  if (residuals.kind === "columns") return residuals.most;
  let most = 0;
  residuals.values.forEach((value, i) => {
    const size = Math.abs(value);
    if (size > most && size < Infinity && (excluded[i] ?? 0) === 0) most = size;
  });
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

export interface LogTicks {
  readonly labelled: readonly number[];
  readonly others: readonly number[];
}

const LEADS = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]] as const;
const MINOR_DECADES = 8; // over more of them what lies between decades is a blur

/** Ticks of a scale of logarithms, the labelled ones at least `least` apart: decades, parts of one, or plain steps. */
export function logTicks(span: Span, least: number): LogTicks {
  const leads = LEADS.find((some) => closest(some) >= least);
  if (leads === undefined) {
    const apart = [2, 3, 5, 10, 20, 50, 100].find((decades) => decades >= least) ?? 200;
    return { labelled: ticks(span, apart), others: ticks(span, 1).filter((at) => at % apart !== 0) };
  }
  const labelled = leadsWithin(span, leads);
  if (labelled.length < 3 && span.hi - span.lo < 1) {
    const values = { lo: 10 ** span.lo, hi: 10 ** span.hi };
    return { labelled: ticks(values, tickStep(least * Math.LN10 * values.hi)).map(Math.log10), others: [] };
  }
  const all = span.hi - span.lo > MINOR_DECADES ? [] : leadsWithin(span, LEADS[0]);
  return { labelled, others: all.filter((at) => !labelled.includes(at)) };
}

function closest(leads: readonly number[]): number {
  return Math.min(...leads.map((lead, i) => Math.log10((leads[i + 1] ?? 10) / lead)));
}

function leadsWithin(span: Span, leads: readonly number[]): number[] {
  const found: number[] = [];
  for (let decade = Math.floor(span.lo); decade <= span.hi; decade++) {
    for (const lead of leads) {
      const at = decade + Math.log10(lead);
      if (at >= span.lo - 1e-9 && at <= span.hi + 1e-9) found.push(at);
    }
  }
  return found;
}

/** How many points a scale of logarithms has no place for. */
export function unseen({ data }: Frame, logs: Logs): number {
  if (data.kind === "columns" || (!logs.x && !logs.y)) return 0;
  let count = 0;
  for (let i = 0; i < data.x.length; i++) {
    if ((logs.x && !((data.x[i] ?? NaN) > 0)) || (logs.y && !((data.y[i] ?? NaN) > 0))) count += 1;
  }
  return count;
}

/** On which scales logarithms can be shown: where something is positive. */
export function loggable({ data }: Frame): Logs {
  const isAny = (values: Numbers): boolean => values.some((value) => value > 0);
  return { x: isAny(data.x), y: isAny(data.kind === "columns" ? data.high : data.y) };
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

/** The least and the greatest; of the logarithms, where those are shown, of what is positive. */
export function extent(all: readonly Numbers[], isLog = false): Span {
  let [lo, hi] = [Infinity, -Infinity];
  for (const values of all) {
    for (const each of values) {
      const value = isLog ? Math.log10(each) : each;
      if (!Number.isFinite(value)) continue;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
    }
  }
  return lo <= hi ? { lo, hi } : { lo: 0, hi: 1 };
}

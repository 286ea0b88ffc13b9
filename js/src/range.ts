/** The range of a track: a zoom, never a bound. It makes room for what must be seen and clips nothing. */
import { magnitude } from "./format";

/** How values lie along a track. A symlog is logarithmic beyond its knee, on both sides of zero. */
export type Scale =
  | { readonly kind: "linear" }
  | { readonly kind: "log" }
  | { readonly kind: "symlog"; readonly knee: number };

export const LINEAR: Scale = { kind: "linear" };

export interface Span {
  readonly lo: number;
  readonly hi: number;
}

/** What lies along a track: its ends as `bend` puts values, which is as they are where the scale is linear. */
export interface Ruler extends Span {
  readonly scale: Scale;
}

export interface Marks {
  readonly p0: number;
  readonly lower: number;
  readonly upper: number;
  readonly popt: number;
  readonly stderr: number;
  readonly scale: number; // a change that moves the curve as much as the data vary; nan: unknown
}

const WIDE = 5; // scales on each side of p0
const WIDE_DECADES = 1.5; // the same along a logarithm
const MARGIN = 0.06;
const NEAR_BOUND = 4; // a bound further than this many widths would leave p0 no room to be dragged
const NEAR_FIT = 1e6; // in units of p0: likewise a fit that ran away
const SLACK = 6; // how much too wide a range may be before it narrows
const MANY = 100; // from this ratio on the small values are lost on a linear track
const TICKS = 12;
const NAME_SHARE = 0.15; // of a track, that the name of a power of ten takes
const RIM_SHARE = 0.05; // of a track, where a name would run into the bracket that waits at its end

/** The logarithmic scale for these marks: a plain one where all that matters is positive. */
export function logarithmic({ p0, lower, upper, popt }: Marks): Scale {
  if (p0 > 0 && (lower >= 0 || lower === -Infinity) && !(popt <= 0)) return { kind: "log" };
  return { kind: "symlog", knee: Math.min(...sizes([p0, lower, upper, popt])) };
}

/** Whether a logarithmic track is worth offering. */
export function isManyDecades({ p0, lower, upper, popt }: Marks): boolean {
  if (p0 > 0 && lower >= 0) return true;
  const found = sizes([p0, lower, upper, popt]);
  return Math.max(...found) > MANY * Math.min(...found);
}

/** Whether the scale can still show the start value: a logarithm knows no zero. */
export function canPlace(scale: Scale, value: number): boolean {
  return Number.isFinite(bend(scale, value));
}

/** A range for these marks as if none had been shown before. */
export function fresh(unbent: Marks, scale: Scale = LINEAR): Ruler {
  const marks = bent(unbent, scale);
  const base = hull([marks.p0 - reach(marks), marks.p0 + reach(marks), ...fitEnds(marks)]);
  const ends = { lo: boundNear(marks.lower, base) ?? base.lo, hi: boundNear(marks.upper, base) ?? base.hi };
  const span = resolvable(ends) ? ends : base;
  const seen = hull([span.lo, span.hi, marks.p0, ...fitEnds(marks).slice(0, 1)]);
  const room = MARGIN * (seen.hi - seen.lo);
  return { lo: seen.lo - room, hi: seen.hi + room, scale };
}

/** The same range unless a mark has left it: then just wide enough, with a margin so that it is not left again at once. */
export function widened(span: Ruler, unbent: Marks): Ruler {
  const base = fresh(unbent, span.scale);
  const marks = bent(unbent, span.scale);
  const seen = [marks.p0, marks.lower, marks.upper, marks.popt].filter((v) => v >= base.lo && v <= base.hi);
  const all = hull([span.lo, span.hi, ...seen]);
  const room = 2 * MARGIN * (all.hi - all.lo);
  return {
    lo: all.lo < span.lo ? all.lo - room : span.lo,
    hi: all.hi > span.hi ? all.hi + room : span.hi,
    scale: span.scale,
  };
}

/** At rest a range that has become far too wide narrows again. */
export function rested(span: Ruler, marks: Marks): Ruler {
  const needed = fresh(marks, span.scale);
  return span.hi - span.lo > SLACK * (needed.hi - needed.lo) ? needed : widened(span, marks);
}

/** A thumb held at an end pushes it outwards, by a share of the width. */
export function extended(span: Ruler, end: "lo" | "hi", share: number): Ruler {
  const more = share * (span.hi - span.lo);
  return end === "lo" ? { ...span, lo: span.lo - more } : { ...span, hi: span.hi + more };
}

/** Where a value lies: 0 at the low end, 1 at the high end, outside beyond them. */
export function shareOf(span: Ruler, value: number): number {
  return (bend(span.scale, value) - span.lo) / (span.hi - span.lo);
}

export function valueAt(span: Ruler, share: number): number {
  return unbend(span.scale, span.lo + share * (span.hi - span.lo));
}

/** The value under a finger: no more digits than one pixel of `width` can mean there. */
export function pointed(span: Ruler, share: number, width: number): number {
  return tidy(valueAt(span, share), Math.abs(valueAt(span, share + 1 / width) - valueAt(span, share)));
}

/** No more digits than a finger can mean: rounded to a power of ten not coarser than `grain`. */
export function tidy(value: number, grain: number): number {
  if (!(grain > 0) || !Number.isFinite(grain)) return value;
  const power = magnitude(grain);
  if (power > 0) return Math.round(value / 10 ** power) * 10 ** power;
  return power < -100 ? Number(value.toPrecision(6)) : Number(value.toFixed(-power)) + 0;
}

/** After so many presses of an arrow key: a tenth of the standard error each, or a hundredth of the track. */
export function stepped(ruler: Ruler, from: number, steps: number, stderr: number): number {
  const fine = Math.min(1, Math.abs(steps)) / 100; // of a step, the digits that are kept
  if (stderr > 0 && Number.isFinite(stderr)) return tidy(from + (steps * stderr) / 10, (fine * stderr) / 10);
  const share = (canPlace(ruler.scale, from) ? shareOf(ruler, from) : 0) + steps / 100;
  return tidy(valueAt(ruler, share), fine * Math.abs(valueAt(ruler, share + 0.01) - valueAt(ruler, share)));
}

/** A power of ten along a logarithmic track, or the zero of a symlog. */
export interface Decade {
  readonly share: number;
  readonly value: number;
  readonly isNamed: boolean; // the outermost, and zero where there is room between them
}

export function decades(span: Ruler): readonly Decade[] {
  const { scale, lo, hi } = span;
  if (scale.kind === "linear") return [];
  const every = Math.ceil((hi - lo) / TICKS);
  const values = scale.kind === "log" ? powers(lo, hi, every) : bothWays(span, scale.knee, every);
  const seen = values.map((value) => ({ value, share: shareOf(span, value) }));
  const inside = seen.filter(({ share }) => share > 0 && share < 1);
  const middle = inside.filter(({ share }) => share > RIM_SHARE && share < 1 - RIM_SHARE);
  const ends = [middle[0]?.share ?? NaN, middle.at(-1)?.share ?? NaN];
  return inside.map(({ value, share }) => {
    const isApart = ends.every((end) => Math.abs(end - share) > NAME_SHARE);
    return { value, share, isNamed: ends.includes(share) || (value === 0 && isApart) };
  });
}

function bothWays(span: Ruler, knee: number, every: number): readonly number[] {
  const most = Math.max(Math.abs(valueAt(span, 0)), Math.abs(valueAt(span, 1)));
  const sizes = powers(Math.ceil(Math.log10(knee) - 1e-9), Math.log10(most), every);
  return [...sizes.map((size) => -size).reverse(), 0, ...sizes];
}

function powers(first: number, last: number, every: number): readonly number[] {
  return upTo(first, last, every).map((power) => 10 ** power);
}

/** The multiples of `every` from about `first` to `last`. */
function upTo(first: number, last: number, every: number): readonly number[] {
  const found: number[] = [];
  for (let power = Math.ceil(first / every) * every; power <= last; power += every) found.push(power);
  return found;
}

function bend(scale: Scale, value: number): number {
  if (scale.kind === "linear") return value;
  if (scale.kind === "log") return value > 0 ? Math.log10(value) : value <= 0 ? -Infinity : NaN;
  return Math.sign(value) * Math.log10(1 + Math.abs(value) / scale.knee);
}

function unbend(scale: Scale, along: number): number {
  if (scale.kind === "linear") return along;
  if (scale.kind === "log") return 10 ** along;
  return Math.sign(along) * scale.knee * (10 ** Math.abs(along) - 1);
}

function bent(marks: Marks, scale: Scale): Marks {
  if (scale.kind === "linear") return marks;
  const at = (value: number): number => bend(scale, value);
  const [p0, lower, upper, popt] = [at(marks.p0), at(marks.lower), at(marks.upper), at(marks.popt)];
  return { p0, lower, upper, popt, stderr: NaN, scale: WIDE_DECADES / WIDE };
}

/** How far around p0 it makes sense to look. */
function reach({ p0, popt, stderr, lower, upper, scale }: Marks): number {
  const found = [WIDE * scale, Math.abs(p0), Math.abs(popt), 4 * stderr, Math.abs(lower), Math.abs(upper)];
  return found.find((size) => size > 0 && Number.isFinite(size)) ?? 1;
}

function fitEnds(marks: Marks): number[] {
  const far = NEAR_FIT * reach(marks);
  if (!Number.isFinite(marks.popt) || Math.abs(marks.popt - marks.p0) > far) return [];
  const wide = Math.min(2 * marks.stderr, Math.max(reach(marks), Math.abs(marks.popt)));
  return wide > 0 ? [marks.popt, marks.popt - wide, marks.popt + wide] : [marks.popt];
}

function boundNear(bound: number, base: Span): number | null {
  const away = Math.max(base.lo - bound, bound - base.hi, 0);
  return Number.isFinite(bound) && away <= NEAR_BOUND * (base.hi - base.lo) ? bound : null;
}

function resolvable({ lo, hi }: Span): boolean {
  return hi - lo > 1e-12 * Math.max(Math.abs(lo), Math.abs(hi));
}

function hull(values: readonly number[]): Span {
  return { lo: Math.min(...values), hi: Math.max(...values) };
}

/** The sizes of those that have one; 1 where none has. */
function sizes(values: readonly number[]): readonly number[] {
  const found = values.map(Math.abs).filter((size) => size > 0 && Number.isFinite(size));
  return found.length > 0 ? found : [1];
}

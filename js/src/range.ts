/** The range of a track: a zoom, never a bound. It makes room for what must be seen and clips nothing. */
import { magnitude } from "./format";

export interface Span {
  readonly lo: number;
  readonly hi: number;
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
const MARGIN = 0.06;
const NEAR_BOUND = 4; // a bound further than this many widths would leave p0 no room to be dragged
const NEAR_FIT = 1e6; // in units of p0: likewise a fit that ran away
const SLACK = 6; // how much too wide a range may be before it narrows

/** A range for these marks as if none had been shown before. */
export function fresh(marks: Marks): Span {
  const base = hull([marks.p0 - reach(marks), marks.p0 + reach(marks), ...fitEnds(marks)]);
  const ends = { lo: boundNear(marks.lower, base) ?? base.lo, hi: boundNear(marks.upper, base) ?? base.hi };
  const span = resolvable(ends) ? ends : base;
  const seen = hull([span.lo, span.hi, marks.p0, ...fitEnds(marks).slice(0, 1)]);
  const room = MARGIN * (seen.hi - seen.lo);
  return { lo: seen.lo - room, hi: seen.hi + room };
}

/** The same range unless a mark has left it: then just wide enough, with a margin so that it is not left again at once. */
export function widened(span: Span, marks: Marks): Span {
  const base = fresh(marks);
  const seen = [marks.p0, marks.lower, marks.upper, marks.popt].filter((v) => v >= base.lo && v <= base.hi);
  const all = hull([span.lo, span.hi, ...seen]);
  const room = 2 * MARGIN * (all.hi - all.lo);
  return {
    lo: all.lo < span.lo ? all.lo - room : span.lo,
    hi: all.hi > span.hi ? all.hi + room : span.hi,
  };
}

/** At rest a range that has become far too wide narrows again. */
export function rested(span: Span, marks: Marks): Span {
  const needed = fresh(marks);
  return span.hi - span.lo > SLACK * (needed.hi - needed.lo) ? needed : widened(span, marks);
}

/** A thumb held at an end pushes it outwards, by a share of the width. */
export function extended(span: Span, end: "lo" | "hi", share: number): Span {
  const more = share * (span.hi - span.lo);
  return end === "lo" ? { lo: span.lo - more, hi: span.hi } : { lo: span.lo, hi: span.hi + more };
}

/** Where a value lies: 0 at the low end, 1 at the high end, outside beyond them. */
export function shareOf(span: Span, value: number): number {
  return (value - span.lo) / (span.hi - span.lo);
}

export function valueAt(span: Span, share: number): number {
  return span.lo + share * (span.hi - span.lo);
}

/** No more digits than a finger can mean: rounded to a power of ten not coarser than `grain`. */
export function tidy(value: number, grain: number): number {
  if (!(grain > 0) || !Number.isFinite(grain)) return value;
  const power = magnitude(grain);
  if (power > 0) return Math.round(value / 10 ** power) * 10 ** power;
  return power < -100 ? Number(value.toPrecision(6)) : Number(value.toFixed(-power)) + 0;
}

/** One press of an arrow key. */
export function keyStep(span: Span, stderr: number): number {
  return stderr > 0 && Number.isFinite(stderr) ? stderr / 10 : (span.hi - span.lo) / 100;
}

/** How far around p0 it makes sense to look. */
function reach({ p0, popt, stderr, lower, upper, scale }: Marks): number {
  const sizes = [WIDE * scale, Math.abs(p0), Math.abs(popt), 4 * stderr, Math.abs(lower), Math.abs(upper)];
  return sizes.find((size) => size > 0 && Number.isFinite(size)) ?? 1;
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

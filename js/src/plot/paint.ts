/** What is drawn on a canvas, in CSS pixels of the plotting area. Nothing here remembers anything. */
import type { Columns, Numbers, Points } from "../wire";
import type { Places } from "./pick";
import { type Area, type Axis, pixel } from "./scale";
import type { Palette } from "./theme";

type Context = CanvasRenderingContext2D;

const FAR = 1e5; // canvas loses its exactness beyond; the eye sees none of it

function clipped(axis: Axis, value: number): number {
  return Math.min(FAR, Math.max(-FAR, pixel(axis, value)));
}

/** A lower end that logarithms have no place for is far below. */
function floored(axis: Axis, value: number): number {
  return axis.isLog && value <= 0 ? FAR : clipped(axis, value);
}

/** Whose marks they are: what does not count, and what is suspected. */
export interface Marks {
  readonly excluded: Uint8Array;
  readonly suggested: Uint8Array | null;
}

/** Few points are discs, many are small squares: both are seen, and 20 000 take milliseconds. */
export function dots(
  ctx: Context,
  place: Area,
  places: Places,
  { excluded, suggested }: Marks,
  palette: Palette,
): void {
  const n = places.count;
  const radius = n <= 80 ? 3.4 : n <= 400 ? 2.6 : n <= 2000 ? 1.8 : 1;
  ctx.fillStyle = palette.data;
  ctx.globalAlpha = n <= 400 ? 1 : n <= 2000 ? 0.75 : 0.5;
  for (let i = 0; i < n; i++) {
    const [left, top] = [places.left(i), places.top(i)];
    if (!(left > -9 && left < place.width + 9 && top > -9 && top < place.height + 9)) continue;
    if ((excluded[i] ?? 0) > 0) ring(ctx, left, top, Math.max(2, radius), palette.faint);
    else if (n > 2000) ctx.fillRect(left - radius, top - radius, 2 * radius, 2 * radius);
    else disc(ctx, left, top, radius);
    if (suggested?.[i] === 1) ring(ctx, left, top, radius + 3.6, palette.suspect, 2);
  }
  ctx.globalAlpha = 1;
}

function disc(ctx: Context, left: number, top: number, radius: number): void {
  ctx.beginPath();
  ctx.arc(left, top, radius, 0, 2 * Math.PI);
  ctx.fill();
}

function ring(ctx: Context, left: number, top: number, radius: number, colour: string, width = 1.2): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  ctx.arc(left, top, radius, 0, 2 * Math.PI);
  ctx.stroke();
}

/** Faint where the point does not count. */
export function errorBars(ctx: Context, place: Area, data: Points, excluded: Uint8Array, palette: Palette): void {
  for (const isOut of [true, false]) {
    ctx.strokeStyle = isOut ? palette.faint : palette.data;
    ctx.globalAlpha = (isOut ? 0.6 : 1) * (data.x.length <= 400 ? 0.55 : 0.25);
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    for (let i = 0; i < data.x.length; i++) {
      if ((excluded[i] ?? 0) > 0 === isOut) errorBar(ctx, place, data, i);
    }
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

function errorBar(ctx: Context, place: Area, { x, y: values, sigma }: Points, i: number): void {
  const [y, s] = [values[i] ?? NaN, sigma?.[i] ?? NaN];
  const left = pixel(place.x, x[i] ?? NaN);
  if (!(left > -9 && left < place.width + 9)) return;
  const [low, high] = [floored(place.y, y - s), clipped(place.y, y + s)];
  ctx.moveTo(left, low);
  ctx.lineTo(left, high);
  const cap = x.length <= 80 ? 3 : 0;
  for (const end of cap > 0 ? [low, high] : []) {
    ctx.moveTo(left - cap, end);
    ctx.lineTo(left + cap, end);
  }
}

export function columns(ctx: Context, place: Area, { x, low, high }: Columns, colour: string, alpha: number): void {
  const [first = 0, last = 1] = [x[0], x[x.length - 1]];
  const spacing = Math.abs(pixel(place.x, last) - pixel(place.x, first)) / Math.max(1, x.length - 1);
  const width = Math.max(1, Math.min(12, spacing));
  ctx.fillStyle = colour;
  ctx.globalAlpha = alpha;
  for (let i = 0; i < x.length; i++) {
    const left = pixel(place.x, x[i] ?? NaN);
    if (!(left > -12 && left < place.width + 12)) continue;
    const [top, bottom] = [clipped(place.y, high[i] ?? NaN), floored(place.y, low[i] ?? NaN)];
    const height = Math.max(1.5, bottom - top);
    if (height > 0) ctx.fillRect(left - width / 2, (top + bottom - height) / 2, width, height);
  }
  ctx.globalAlpha = 1;
}

export interface Stroke {
  readonly colour: string;
  readonly width: number;
  readonly dash: readonly number[];
  readonly alpha?: number;
}

/** The strip between two curves; where one of them has no value, or none that is finite, there is a gap. */
export function band(ctx: Context, place: Area, grid: Numbers, low: Numbers, high: Numbers, fill: Stroke): void {
  ctx.fillStyle = fill.colour;
  ctx.globalAlpha = fill.alpha ?? 1;
  const isThere = (i: number): boolean => Number.isFinite(low[i]) && Number.isFinite(high[i]);
  for (let from = 0; from < grid.length; from++) {
    if (!isThere(from)) continue;
    let to = from;
    while (to + 1 < grid.length && isThere(to + 1)) to += 1;
    ctx.beginPath();
    for (let i = from; i <= to; i++) ctx.lineTo(clipped(place.x, grid[i] ?? NaN), floored(place.y, high[i] ?? NaN));
    for (let i = to; i >= from; i--) ctx.lineTo(clipped(place.x, grid[i] ?? NaN), floored(place.y, low[i] ?? NaN));
    ctx.fill();
    from = to;
  }
  ctx.globalAlpha = 1;
}

/** What lies outside of the range of x that is fitted, with a line at each end. */
export function outside(ctx: Context, place: Area, [lower, upper]: readonly [number, number], palette: Palette): void {
  const at = (end: number): number => Math.min(place.width, Math.max(0, endAt(place.x, end)));
  const [from, to] = [at(lower), at(upper)];
  ctx.fillStyle = palette.beyond;
  ctx.fillRect(0, 0, from, place.height);
  ctx.fillRect(to, 0, place.width - to, place.height);
  ctx.fillStyle = palette.axis;
  for (const end of [from, to]) if (end > 0 && end < place.width) ctx.fillRect(end - 0.5, 0, 1, place.height);
}

/** Where an end of a range lies; an open one is far away. */
export function endAt(axis: Axis, value: number): number {
  return axis.isLog && value <= 0 ? -FAR : clipped(axis, value);
}

/** A gap in the values is a gap in the curve. */
export function curve(ctx: Context, place: Area, grid: Numbers, values: Numbers, stroke: Stroke): void {
  ctx.strokeStyle = stroke.colour;
  ctx.lineWidth = stroke.width;
  ctx.lineJoin = "round";
  ctx.setLineDash([...stroke.dash]);
  ctx.globalAlpha = stroke.alpha ?? 1;
  ctx.beginPath();
  let isDown = false;
  for (let i = 0; i < grid.length; i++) {
    const [left, top] = [clipped(place.x, grid[i] ?? NaN), clipped(place.y, values[i] ?? NaN)];
    if (Number.isNaN(top)) isDown = false;
    else if (isDown) ctx.lineTo(left, top);
    else {
      ctx.moveTo(left, top);
      isDown = true;
    }
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

export function zeroLine(ctx: Context, place: Area, palette: Palette): void {
  const top = Math.round(pixel(place.y, 0)) + 0.5;
  ctx.strokeStyle = palette.fit;
  ctx.globalAlpha = 0.8;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  ctx.moveTo(0, top);
  ctx.lineTo(place.width, top);
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** From zero to each residual. */
export function stems(ctx: Context, place: Area, places: Places, excluded: Uint8Array, palette: Palette): void {
  const zero = pixel(place.y, 0);
  ctx.lineWidth = 1.2;
  ctx.globalAlpha = 0.35;
  for (const isOut of [true, false]) {
    ctx.strokeStyle = isOut ? palette.faint : palette.data;
    ctx.beginPath();
    for (let i = 0; i < places.count; i++) {
      const [at, end] = [places.left(i), Math.min(FAR, Math.max(-FAR, places.top(i)))];
      if (!Number.isFinite(end) || !Number.isFinite(at) || (excluded[i] ?? 0) > 0 !== isOut) continue;
      ctx.moveTo(at, zero);
      ctx.lineTo(at, end);
    }
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

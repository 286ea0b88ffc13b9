/** What is drawn on a canvas, in CSS pixels of the plotting area. Nothing here remembers anything. */
import type { Columns, Numbers, Points, Residuals } from "../wire";
import { type Area, type Axis, pixel } from "./scale";
import type { Palette } from "./theme";

type Context = CanvasRenderingContext2D;

const FAR = 1e5; // canvas loses its exactness beyond; the eye sees none of it

function clipped(axis: Axis, value: number): number {
  return Math.min(FAR, Math.max(-FAR, pixel(axis, value)));
}

export function points(ctx: Context, place: Area, data: Points, excluded: Uint8Array, palette: Palette): void {
  if (data.sigma !== null) errorBars(ctx, place, data, data.sigma, excluded, palette);
  dots(ctx, place, data.x, data.y, excluded, palette);
}

/** Few points are discs, many are small squares: both are seen, and 20 000 take milliseconds. */
export function dots(ctx: Context, place: Area, x: Numbers, y: Numbers, excluded: Uint8Array, palette: Palette): void {
  const n = x.length;
  const radius = n <= 80 ? 3.4 : n <= 400 ? 2.6 : n <= 2000 ? 1.8 : 1;
  ctx.fillStyle = palette.data;
  ctx.globalAlpha = n <= 400 ? 1 : n <= 2000 ? 0.75 : 0.5;
  for (let i = 0; i < n; i++) {
    const [left, top] = [pixel(place.x, x[i] ?? NaN), pixel(place.y, y[i] ?? NaN)];
    if (!(left > -9 && left < place.width + 9 && top > -9 && top < place.height + 9)) continue;
    if ((excluded[i] ?? 0) > 0) ring(ctx, left, top, Math.max(2, radius), palette.faint);
    else if (n > 2000) ctx.fillRect(left - radius, top - radius, 2 * radius, 2 * radius);
    else disc(ctx, left, top, radius);
  }
  ctx.globalAlpha = 1;
}

function disc(ctx: Context, left: number, top: number, radius: number): void {
  ctx.beginPath();
  ctx.arc(left, top, radius, 0, 2 * Math.PI);
  ctx.fill();
}

function ring(ctx: Context, left: number, top: number, radius: number, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  ctx.arc(left, top, radius, 0, 2 * Math.PI);
  ctx.stroke();
}

function errorBars(
  ctx: Context,
  place: Area,
  data: Points,
  sigma: Numbers,
  excluded: Uint8Array,
  palette: Palette,
): void {
  const cap = data.x.length <= 80 ? 3 : 0;
  ctx.strokeStyle = palette.data;
  ctx.globalAlpha = data.x.length <= 400 ? 0.55 : 0.25;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  for (let i = 0; i < data.x.length; i++) {
    const [y, s] = [data.y[i] ?? NaN, sigma[i] ?? NaN];
    const left = pixel(place.x, data.x[i] ?? NaN);
    if (!(left > -9 && left < place.width + 9) || (excluded[i] ?? 0) > 0) continue;
    const [low, high] = [clipped(place.y, y - s), clipped(place.y, y + s)];
    ctx.moveTo(left, low);
    ctx.lineTo(left, high);
    for (const end of cap > 0 ? [low, high] : []) {
      ctx.moveTo(left - cap, end);
      ctx.lineTo(left + cap, end);
    }
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

export function columns(ctx: Context, place: Area, { x, low, high }: Columns, colour: string, alpha: number): void {
  const [first = 0, last = 1] = [x[0], x[x.length - 1]];
  const spacing = Math.abs(place.x.per * (last - first)) / Math.max(1, x.length - 1);
  const width = Math.max(1, Math.min(12, spacing));
  ctx.fillStyle = colour;
  ctx.globalAlpha = alpha;
  for (let i = 0; i < x.length; i++) {
    const left = pixel(place.x, x[i] ?? NaN);
    if (!(left > -12 && left < place.width + 12)) continue;
    const [top, bottom] = [clipped(place.y, high[i] ?? NaN), clipped(place.y, low[i] ?? NaN)];
    const height = Math.max(1.5, bottom - top);
    if (height > 0) ctx.fillRect(left - width / 2, (top + bottom - height) / 2, width, height);
  }
  ctx.globalAlpha = 1;
}

export interface Stroke {
  readonly colour: string;
  readonly width: number;
  readonly dash: readonly number[];
}

/** A gap in the values is a gap in the curve. */
export function curve(ctx: Context, place: Area, grid: Numbers, values: Numbers, stroke: Stroke): void {
  ctx.strokeStyle = stroke.colour;
  ctx.lineWidth = stroke.width;
  ctx.lineJoin = "round";
  ctx.setLineDash([...stroke.dash]);
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

export function residuals(
  ctx: Context,
  place: Area,
  data: Points | Columns,
  left: Residuals,
  excluded: Uint8Array,
  palette: Palette,
): void {
  if (left.kind === "columns") {
    columns(ctx, place, { kind: "columns", x: data.x, low: left.low, high: left.high }, palette.data, 0.5);
    return;
  }
  if (data.kind !== "points") return;
  if (data.x.length <= 200) stems(ctx, place, data.x, left.values, palette);
  dots(ctx, place, data.x, left.values, excluded, palette);
}

function stems(ctx: Context, place: Area, x: Numbers, values: Numbers, palette: Palette): void {
  const zero = pixel(place.y, 0);
  ctx.strokeStyle = palette.data;
  ctx.globalAlpha = 0.35;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  for (let i = 0; i < x.length; i++) {
    const [at, end] = [pixel(place.x, x[i] ?? NaN), clipped(place.y, values[i] ?? NaN)];
    if (Number.isNaN(end)) continue;
    ctx.moveTo(at, zero);
    ctx.lineTo(at, end);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

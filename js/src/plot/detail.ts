/** Data that are too many to be sent, as they are seen through a window: its points, or how dense they lie. */
import type { Columns, Density, Detail, Look, Picture, Residuals, Window } from "../wire";
import * as paint from "./paint";
import { type Area, pixel } from "./scale";
import type { Spans } from "./sight";

type Context = CanvasRenderingContext2D;

const REST_MS = 120;
const MOST = 4096;
const COARSE = 0.5; // opacity
const LEAST = 0.3; // opacity of a cell with a single point
const STANDS_OUT_PX = 14;

/** The picture with what the window shows in place of the columns of all data. */
export function magnified(picture: Picture, detail: Detail | null): Picture {
  if (detail === null || picture.frame.data.kind === "points") return picture;
  const { data, excluded } = detail;
  const residuals = detail.residuals ?? none(data.kind);
  return {
    ...picture,
    frame: { ...picture.frame, data },
    fit: { ...picture.fit, excluded },
    curves: picture.curves === null ? null : { ...picture.curves, residuals },
  };
}

function none(kind: Residuals["kind"]): Residuals {
  const values = new Float64Array(0);
  return kind === "points" ? { kind, values } : { kind, low: values, high: values, most: 0, density: null };
}

/** Where a point is after the window has moved; null where it is no longer in it. */
export function carried(point: number, before: Detail | null, after: Detail | null): number | null {
  const place = after?.index?.indexOf(before?.index?.[point] ?? NaN) ?? -1;
  return place < 0 ? null : place;
}

export function lookAt({ x, y }: Spans, { width, height }: Area, residuals: Area): Look | null {
  const count = (pixels: number): number => Math.min(MOST, Math.max(1, Math.round(pixels)));
  if (!(width > 0 && height > 0)) return null;
  const [rows, residual_rows] = [count(height / 2), count(residuals.height / 2)];
  return { x: [x.lo, x.hi], y: [y.lo, y.hi], columns: count(width), rows, residual_rows };
}

/** Asks for what is looked at once the eye rests, and for the same only once. */
export class Asking {
  readonly #ask: (look: Look | null) => void;
  #asked = "null";
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (look: Look | null) => void, signal: AbortSignal) {
    this.#ask = ask;
    signal.addEventListener("abort", () => clearTimeout(this.#rest), { once: true });
  }

  /** Other data: what was asked before is worth nothing. */
  forget(): void {
    this.#asked = "null";
  }

  soon(where: () => Look | null): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      const look = where();
      const asked = JSON.stringify(look);
      if (asked === this.#asked) return;
      this.#asked = asked;
      this.#ask(look);
    }, REST_MS);
  }
}

/** What is not drawn point by point: in a window as fine as it is known, beside it the columns of all data. */
export function drawMany(
  ctx: Context,
  place: Area,
  base: Picture,
  detail: Detail | null,
  isResiduals: boolean,
  colour: string,
): void {
  const all = columnsOf(base, isResiduals);
  if (all === null) return;
  if (detail === null || place.x.isLog || place.y.isLog) {
    paint.columns(ctx, place, all, colour, COARSE);
    return;
  }
  ctx.save();
  beside(ctx, place, detail.window);
  paint.columns(ctx, place, all, colour, COARSE);
  ctx.restore();
  const some = columnsOf(magnified(base, detail), isResiduals);
  const shades = isResiduals ? shadesOfResiduals(detail) : { window: detail.window, density: detail.density };
  if (some === null || shades === null || shades.density === null) return;
  drawDensity(ctx, place, shades.window, shades.density, colour);
  drawOutstanding(ctx, place, some, colour);
}

function shadesOfResiduals({ window, residuals }: Detail): { window: Window; density: Density | null } | null {
  if (residuals?.kind !== "columns") return null;
  return { window: { x: window.x, y: [-residuals.most, residuals.most] }, density: residuals.density };
}

function columnsOf({ frame, curves }: Picture, isResiduals: boolean): Columns | null {
  if (frame.data.kind === "points") return null;
  const residuals = curves?.residuals.kind === "columns" ? curves.residuals : null;
  if (!isResiduals) return frame.data;
  return residuals === null ? null : { ...residuals, x: frame.data.x };
}

/** What is drawn from now on is seen only left and right of a window. */
function beside(ctx: Context, place: Area, { x }: Window): void {
  const [from, to] = [pixel(place.x, x[0]), pixel(place.x, x[1])];
  ctx.beginPath();
  ctx.rect(0, 0, Math.max(0, from), place.height);
  ctx.rect(to, 0, Math.max(0, place.width - to), place.height);
  ctx.clip();
}

/** Each cell as dark as it is dense. */
function drawDensity(ctx: Context, place: Area, window: Window, density: Density, colour: string): void {
  const image = shadesOf(density, colour);
  if (image === null) return;
  const [left, right] = [pixel(place.x, window.x[0]), pixel(place.x, window.x[1])];
  const [bottom, top] = [pixel(place.y, window.y[0]), pixel(place.y, window.y[1])];
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(image, left, top, right - left, bottom - top);
}

function shadesOf({ shades, rows, columns }: Density, colour: string): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const ctx = canvas.getContext("2d");
  if (ctx === null) return null;
  const image = ctx.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const shade = shades[row * columns + column] ?? 0;
      const alpha = shade === 0 ? 0 : LEAST + (1 - LEAST) * (shade / 255);
      image.data[4 * ((rows - 1 - row) * columns + column) + 3] = 255 * alpha;
    }
  }
  ctx.putImageData(image, 0, 0);
  ctx.globalCompositeOperation = "source-in"; // any colour that the style sheet knows, through what is opaque
  ctx.fillStyle = colour;
  ctx.fillRect(0, 0, columns, rows);
  return canvas;
}

/** Marks on what lies far from its neighbours: one point in a cell of two pixels would be overlooked. */
function drawOutstanding(ctx: Context, place: Area, { x, low, high }: Columns, colour: string): void {
  ctx.fillStyle = colour;
  for (let i = 0; i < x.length; i++) {
    const left = pixel(place.x, x[i] ?? NaN);
    if (!(left > -3 && left < place.width + 3)) continue;
    for (const [ends, sign] of [
      [high, -1],
      [low, 1],
    ] as const) {
      const at = pixel(place.y, ends[i] ?? NaN);
      const near = [ends[i - 1], ends[i + 1]].filter((end) => end !== undefined);
      const isOut = near.every((end) => sign * (at - pixel(place.y, end)) > STANDS_OUT_PX);
      if (isOut) ctx.fillRect(left - 1.5, at - 1.5, 3, 3);
    }
  }
}

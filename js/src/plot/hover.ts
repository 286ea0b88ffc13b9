/** What lies under the pointer, in numbers. */
import { make, setAttribute, setText } from "../dom";
import { short } from "../format";
import type { Curves, Numbers, Picture, Points } from "../wire";
import { nearest, placesOf } from "./pick";
import { type Area, interpolate, pixel, valueAtPixel } from "./scale";

export interface Spot {
  readonly x: number;
  readonly point: number | null; // null: no point is near, only the curves are read
  readonly rows: readonly (readonly [label: string, value: string])[];
}

const REACH_PX = 36;

export function spotAt(picture: Picture, place: Area, left: number, top: number, isResiduals: boolean): Spot {
  const { frame, curves } = picture;
  const { data } = frame;
  const near = nearest(placesOf(picture, place, isResiduals), left, top, REACH_PX);
  if (near !== null) return spotOf(picture, near);
  const x = data.kind === "columns" ? (data.x[nearestColumn(data.x, place, left)] ?? NaN) : valueAtPixel(place.x, left);
  const rows: [string, string][] = [[frame.x_label, short(x)]];
  if (data.kind === "columns") {
    const i = nearestColumn(data.x, place, left);
    rows.push([frame.y_label, `${short(data.low[i] ?? NaN)} … ${short(data.high[i] ?? NaN)}`]);
  }
  if (curves !== null) {
    rows.push(["fit", short(interpolate(frame.grid, curves.curve, x))]);
    rows.push(["at p0", short(interpolate(frame.grid, curves.curve_p0, x))]);
  }
  return { x, point: null, rows };
}

/** What is told of one point. */
export function spotOf(picture: Picture, i: number): Spot {
  const { data } = picture.frame;
  return data.kind === "points" ? pointSpot(picture, data, i) : { x: data.x[i] ?? NaN, point: null, rows: [] };
}

function pointSpot({ frame, fit, curves }: Picture, data: Points, i: number): Spot {
  const [x, y] = [data.x[i] ?? NaN, data.y[i] ?? NaN];
  const left = residualAt(curves, i);
  const sigma = data.sigma?.[i] ?? null;
  const rows: [string, string][] = [
    [frame.x_label, short(x, 9)],
    [frame.y_label, sigma === null ? short(y, 9) : `${short(y, 9)} ± ${short(sigma, 3)}`],
  ];
  if (left !== null) {
    // y minus the residual is the model at the point itself; the curve is known only on its grid
    rows.push(["fit", short(y - left * (sigma ?? 1), 7)]);
    rows.push(["residual", sigma === null ? short(left, 4) : `${short(left, 4)} σ`]);
  }
  if (fit.excluded[i] === 1) rows.push(["", "excluded"]);
  if (fit.excluded[i] === 2) rows.push(["", "outside the range"]);
  if (fit.suggested?.[i] === 1) rows.push(["", "suspected outlier"]);
  return { x, point: i, rows };
}

function residualAt(curves: Curves | null, i: number): number | null {
  return curves?.residuals.kind === "points" ? (curves.residuals.values[i] ?? null) : null;
}

function nearestColumn(x: Numbers, place: Area, left: number): number {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < x.length; i++) {
    const distance = Math.abs(pixel(place.x, x[i] ?? NaN) - left);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** The marks of the pointer on one plot: a line at x and a ring around the point, stronger where a click takes it. */
export class Crosshair {
  readonly #over: HTMLElement;
  readonly #line = make("div", { class: "nlsq-crossline", hidden: "" });
  readonly #ring = make("div", { class: "nlsq-ring", hidden: "" });

  constructor(over: HTMLElement) {
    this.#over = over;
    over.append(this.#line, this.#ring);
  }

  draw(place: Area, left: number, top: number, isAimed: boolean): void {
    this.#line.hidden = !(left >= 0 && left <= place.width);
    this.#ring.hidden = this.#line.hidden || !(top >= 0 && top <= place.height);
    this.#line.style.transform = `translateX(${left}px)`;
    this.#ring.style.transform = `translate(${left}px, ${top}px)`;
    setAttribute(this.#over, "data-aimed", String(isAimed));
  }
}

/** The small table beside the pointer. */
export class Tip {
  readonly el = make("div", { class: "nlsq-tip", "aria-hidden": "true", hidden: "" });

  draw(rows: Spot["rows"] | null, left: number, top: number, within: HTMLElement): void {
    this.el.hidden = rows === null;
    if (rows === null) return;
    while (this.el.childElementCount < 2 * rows.length) this.el.append(make("span"));
    while (this.el.childElementCount > 2 * rows.length) this.el.lastElementChild?.remove();
    rows.flat().forEach((text, i) => {
      const cell = this.el.children[i];
      if (cell !== undefined) setText(cell, text);
    });
    const { offsetWidth: width, offsetHeight: height } = this.el;
    const right = left + 18 + width > within.clientWidth ? left - 18 - width : left + 18;
    const low = Math.min(Math.max(4, top - height - 12), within.clientHeight - height - 4);
    this.el.style.transform = `translate(${Math.round(Math.max(4, right))}px, ${Math.round(low)}px)`;
  }
}

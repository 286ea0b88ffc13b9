/** Both plots with one x axis. It holds what is only the screen's: the zoom, the pointer and the last picture. */
import { setAttribute } from "../dom";
import type { Detail, Look, Picture } from "../wire";
import { Chart } from "./chart";
import { Asking, carried, drawMany, lookAt, magnified } from "./detail";
import { type At, type Box, type Gestures, listen, type Mode } from "./gestures";
import { Gutter } from "./gutter";
import { Crosshair, type Spot, spotAt, spotOf, Tip } from "./hover";
import { type Keys, onKeys } from "./keys";
import * as paint from "./paint";
import { alike, changeable, nearest, type Places, placesOf, walk, within } from "./pick";
import { type Area, type Logs, largest, pixel, settled } from "./scale";
import { Sight } from "./sight";
import { onTheme, type Palette, readPalette } from "./theme";
import { described } from "./words";

interface Seats {
  readonly root: HTMLElement;
  readonly charts: HTMLElement;
  readonly data: HTMLElement;
  readonly residuals: HTMLElement;
}

/** Who has the stage: what it asks, and what it is told. */
export interface Owner {
  mode(): Mode;
  zoomed(isZoomed: boolean): void;
  placed(place: Area, over: HTMLElement): void; // where the data are drawn, each time this may have changed
  points(points: readonly number[], excluded: boolean): void;
  looks(at: Look | null): void; // at more points than were sent
  spoken(words: string): void;
}

interface Side {
  readonly chart: Chart;
  readonly crosshair: Crosshair;
}

type Which = "data" | "residuals";
type Pointer = At & { readonly which: Which };

const DENSE = 400;
const FAINT = 0.35; // a fit of earlier start values
const STEP_PX = 40; // of a key that pans

export class Stage {
  readonly #seats: Seats;
  readonly #signal: AbortSignal;
  readonly #owner: Owner;
  readonly #tip = new Tip();
  readonly #sight: Sight;
  readonly #asking: Asking;
  #palette: Palette | null = null;
  #sides: Readonly<Record<Which, Side>> | null = null;
  #base: Picture | null = null; // as it was given
  #detail: Detail | null = null;
  #picture: Picture | null = null; // with the detail in it: this is what is drawn
  #half: number | null = null; // half the height of the residual plot
  #pointer: Pointer | null = null;
  #cursor: { readonly point: number; readonly which: Which } | null = null; // of the keyboard
  #held: readonly [number, number] | null = null; // a range of x under the finger

  constructor(seats: Seats, owner: Owner, signal: AbortSignal) {
    this.#seats = seats;
    this.#signal = signal;
    this.#owner = owner;
    this.#asking = new Asking((look) => owner.looks(look), signal);
    this.#sight = new Sight((isZoomed) => {
      owner.zoomed(isZoomed);
      this.#redraw();
      this.#look();
    });
    seats.charts.append(this.#tip.el);
    onTheme(() => this.#recolour(), signal);
    owner.zoomed(false);
  }

  draw(base: Picture, detail: Detail | null): void {
    if (this.#base === base && this.#detail === detail) return;
    const before = this.#picture;
    if (this.#base?.frame !== base.frame) this.#begin(base);
    if (this.#cursor !== null && this.#detail?.index !== detail?.index) {
      const point = carried(this.#cursor.point, this.#detail, detail);
      this.#cursor = point === null ? null : { ...this.#cursor, point };
    }
    const picture = magnified(base, detail);
    const isOther = this.#base?.frame !== base.frame || before?.frame.data !== picture.frame.data;
    [this.#base, this.#detail, this.#picture] = [base, detail, picture];
    const { fit } = picture;
    if (this.#sides === null) this.resize();
    const half = this.#half;
    if (base.curves !== null) this.#half = settled(half, largest(base.curves.residuals, base.fit.excluded));
    const isNew = isOther || !alike(before?.fit.excluded, fit.excluded) || !alike(before.fit.suggested, fit.suggested);
    if (isNew) this.#sides?.data.chart.redraw();
    else this.#sides?.data.chart.move();
    if (isNew || half !== this.#half) this.#sides?.residuals.chart.redraw();
    else this.#sides?.residuals.chart.move();
    if (isNew) this.#describe(picture);
    this.#hover();
  }

  #begin(picture: Picture): void {
    this.#half = null;
    this.#cursor = null;
    this.#asking.forget();
    this.#sight.take(picture.frame);
    this.#look();
  }

  /** Where all points were sent there is nothing to ask, and of logarithms the coarse columns are drawn. */
  #look(): void {
    this.#asking.soon(() => {
      const { x, y } = this.#sight.logs;
      if (this.#base?.frame.data.kind !== "columns" || x || y || this.#sides === null) return null;
      return lookAt(this.#sight.spans, this.#sides.data.chart.area, this.#sides.residuals.chart.area);
    });
  }

  /** The plots are made when there is something to show and they have a size: only then are fonts and colours known. */
  resize(): void {
    const { data, residuals } = this.#seats;
    if (this.#picture === null || data.clientWidth === 0 || data.clientHeight === 0) return;
    if (this.#sides === null) {
      const gutter = new Gutter();
      this.#sides = { data: this.#make("data", gutter), residuals: this.#make("residuals", gutter) };
      this.#describe(this.#picture);
    }
    this.#sides.data.chart.resize(data.clientWidth, data.clientHeight);
    this.#sides.residuals.chart.resize(residuals.clientWidth, residuals.clientHeight);
    this.#look();
  }

  focus(): void {
    this.#sides?.data.chart.over.focus({ preventScroll: true });
  }

  reset(): void {
    this.#sight.reset();
  }

  zoomBy(factor: number): void {
    this.#sight.zoomBy(factor);
  }

  get logs(): Logs {
    return this.#sight.logs;
  }

  show(logs: Logs): void {
    this.#sight.want(logs);
  }

  /** The range of x under a finger is drawn at once; null: that of the picture. */
  hold(range: readonly [number, number] | null): void {
    this.#held = range;
    this.#sides?.data.chart.move();
    this.#sides?.residuals.chart.move();
  }

  #redraw(): void {
    this.#sides?.data.chart.redraw();
    this.#sides?.residuals.chart.redraw();
    this.#hover();
  }

  #recolour(): void {
    this.#palette = null;
    this.#redraw();
  }

  #colours(): Palette {
    this.#palette ??= readPalette(this.#seats.root);
    return this.#palette;
  }

  #make(which: Which, gutter: Gutter): Side {
    const isResiduals = which === "residuals";
    const label = (name: "x_label" | "y_label" | "residual_label") => () => this.#picture?.frame[name] ?? "";
    const half = () => this.#half ?? 1;
    const chart = new Chart(
      this.#seats[which],
      {
        ...{ palette: () => this.#colours(), isResiduals, xLabel: isResiduals ? label("x_label") : () => "" },
        yLabel: label(isResiduals ? "residual_label" : "y_label"),
        spans: () => ({ ...this.#sight.spans, ...(isResiduals ? { y: { lo: -half(), hi: half() } } : {}) }),
        logs: () => ({ ...this.#sight.logs, ...(isResiduals ? { y: false } : {}) }),
        drawUnder: (ctx, place) => this.#drawUnder(ctx, place, isResiduals),
        drawStill: (ctx, place) => (isResiduals ? this.#drawZero(ctx, place) : this.#drawData(ctx, place, chart.over)),
        drawMoving: (ctx, place) => (isResiduals ? this.#drawResiduals(ctx, place) : this.#drawCurves(ctx, place)),
      },
      gutter,
      this.#signal,
    );
    listen(chart.over, this.#gestures(chart, which), this.#signal);
    onKeys(chart.over, this.#keys(chart, which), this.#signal);
    chart.over.addEventListener("blur", () => this.#point(null), { signal: this.#signal });
    return { chart, crosshair: new Crosshair(chart.over) };
  }

  /** What a screen reader says of each plot. */
  #describe(picture: Picture): void {
    const names = described(picture);
    for (const which of ["data", "residuals"] as const) {
      const over = this.#sides?.[which].chart.over;
      if (over === undefined) continue;
      setAttribute(over, "tabindex", "0");
      setAttribute(over, "role", "application");
      setAttribute(over, "aria-roledescription", "plot");
      setAttribute(over, "aria-label", names[which]);
    }
  }

  #drawUnder(ctx: CanvasRenderingContext2D, place: Area, isResiduals: boolean): void {
    if (this.#picture === null) return;
    const { fit, curves, frame } = this.#picture;
    const palette = this.#colours();
    paint.outside(ctx, place, this.#held ?? fit.range, palette);
    if (isResiduals || curves === null || curves.band === null || fit.level === null) return;
    const { low, high } = curves.band;
    const alpha = 0.18 * (fit.stale ? FAINT : 1);
    paint.band(ctx, place, frame.grid, low, high, { colour: palette.fit, width: 0, dash: [], alpha });
  }

  #drawData(ctx: CanvasRenderingContext2D, place: Area, over: HTMLElement): void {
    this.#owner.placed(place, over);
    if (this.#picture === null) return;
    const palette = this.#colours();
    const { frame, fit } = this.#picture;
    if (this.#base !== null) drawMany(ctx, place, this.#base, this.#detail, false, palette.data);
    if (frame.data.kind === "columns") return;
    if (frame.data.sigma !== null) paint.errorBars(ctx, place, frame.data, fit.excluded, palette);
    paint.dots(ctx, place, placesOf(this.#picture, place, false), fit, palette);
  }

  #drawCurves(ctx: CanvasRenderingContext2D, place: Area): void {
    const { curves, frame, fit } = this.#picture ?? {};
    if (curves == null || frame === undefined) return;
    const palette = this.#colours();
    const start = { colour: palette.start, width: 1.8, dash: [6, 5], alpha: fit?.start_stale ? FAINT : 1 };
    paint.curve(ctx, place, frame.grid, curves.curve_p0, start);
    const alpha = fit?.stale ? FAINT : 1;
    if (frame.data.x.length > DENSE && !fit?.stale) {
      // a rim of the ground keeps the fit legible
      paint.curve(ctx, place, frame.grid, curves.curve, { colour: palette.ground, width: 5.4, dash: [], alpha: 0.75 });
    }
    paint.curve(ctx, place, frame.grid, curves.curve, { colour: palette.fit, width: 2.4, dash: [], alpha });
  }

  #drawZero(ctx: CanvasRenderingContext2D, place: Area): void {
    paint.zeroLine(ctx, place, this.#colours());
  }

  #drawResiduals(ctx: CanvasRenderingContext2D, place: Area): void {
    if (this.#picture === null || this.#picture.curves === null) return;
    const { curves, fit } = this.#picture;
    const palette = this.#colours();
    if (this.#base !== null) drawMany(ctx, place, this.#base, this.#detail, true, palette.data);
    if (curves.residuals.kind === "columns") return;
    const places = placesOf(this.#picture, place, true);
    if (places.count <= 200) paint.stems(ctx, place, places, fit.excluded, palette);
    paint.dots(ctx, place, places, fit, palette);
  }

  #gestures(chart: Chart, which: Which): Gestures {
    const upright = (box: Box): Box => ({ ...box, top: 0, height: chart.area.height, alongY: false });
    const seen = (box: Box, mode: Mode): Box => (which === "residuals" && mode === "zoom" ? upright(box) : box);
    const nothing = { left: 0, top: 0, width: 0, height: 0 };
    return {
      mode: () => this.#owner.mode(),
      begin: () => {
        this.#pointer = null;
        this.#point(null);
      },
      select: (box, mode) => {
        setAttribute(chart.over, "data-box", box === null ? null : mode);
        chart.select(box === null ? nothing : seen(box, mode));
      },
      zoom: (box) => this.#sight.zoomTo(chart.area, seen(box, "zoom")),
      mark: (box, excluded) => this.#mark(within(this.#places(which), box), excluded),
      click: (at) => this.#click(at, which),
      pan: (dx, dy) => this.#sight.pan(chart.area, dx, which === "residuals" ? 0 : dy),
      wheel: (factor, left, top) => this.#sight.wheel(chart.area, factor, left, which === "residuals" ? null : top),
      hover: (at) => {
        this.#pointer = at === null ? null : { ...at, which };
        if (at !== null) this.#cursor = null; // one mark at a time: that of what was moved last
        this.#hover();
      },
      reset: (at) => {
        if (this.#aim({ ...at, which }) === null) this.reset(); // on a point it was two clicks
      },
    };
  }

  #keys(chart: Chart, which: Which): Keys {
    const panning = (right: number, down: number): void =>
      this.#sight.pan(chart.area, -STEP_PX * right, which === "residuals" ? 0 : -STEP_PX * down);
    return {
      walk: (steps) => this.#walk(steps, chart, which),
      toggle: () => {
        if (this.#cursor !== null && this.#picture?.fit.excluded[this.#cursor.point] !== 2) {
          this.#toggle(this.#cursor.point);
        }
      },
      leave: () => this.#point(null),
      zoomBy: (factor) => this.zoomBy(factor),
      pan: panning,
      reset: () => this.reset(),
    };
  }

  #places(which: Which): Places {
    const area = this.#sides?.[which].chart.area;
    if (this.#picture === null || area === undefined) return { count: 0, left: () => NaN, top: () => NaN };
    return placesOf(this.#picture, area, which === "residuals");
  }

  /** The point that a click would take out or back; none outside of the range, where no click changes anything. */
  #aim(at: Pointer): number | null {
    const point = nearest(this.#places(at.which), at.left, at.top, at.reach);
    return point === null || this.#picture?.fit.excluded[point] === 2 ? null : point;
  }

  #click(at: At, which: Which): void {
    const point = this.#aim({ ...at, which });
    if (point !== null) this.#toggle(point);
  }

  #toggle(point: number): void {
    const isOut = this.#picture?.fit.excluded[point] === 1;
    this.#mark([point], !isOut);
    this.#owner.spoken(isOut ? "Point brought back" : "Point excluded");
  }

  #mark(points: readonly number[], excluded: boolean): void {
    const some = this.#picture === null ? [] : changeable(points, this.#picture.fit.excluded, excluded);
    const index = this.#detail?.index;
    if (some.length > 0) this.#owner.points(index == null ? some : some.map((i) => index[i] ?? NaN), excluded);
  }

  #walk(steps: number, chart: Chart, which: Which): void {
    const order = walk(this.#places(which));
    const here = this.#cursor === null ? null : order.indexOf(this.#cursor.point);
    const next = here === null ? (steps > 0 && Number.isFinite(steps) ? 0 : steps) : here + steps;
    const place = Math.min(order.length - 1, Math.max(0, next));
    const point = order[place];
    if (point === undefined) return;
    const places = this.#places(which);
    this.#sight.reveal(chart.area, places.left(point), which === "residuals" ? 0 : places.top(point));
    this.#point({ point, which });
    this.#owner.spoken(`Point ${place + 1} of ${order.length}. ${this.#told(point)}`);
  }

  #told(point: number): string {
    const rows = this.#picture === null ? [] : spotOf(this.#picture, point).rows;
    return rows.map((row) => row.filter((text) => text !== "").join(" ")).join(", ");
  }

  #point(cursor: { point: number; which: Which } | null): void {
    this.#cursor = cursor;
    this.#hover();
  }

  #hover(): void {
    if (this.#picture === null || this.#sides === null) return;
    const which = this.#pointer?.which ?? this.#cursor?.which ?? "data";
    const { chart } = this.#sides[which];
    const spot = this.#spot(this.#picture, chart.area, which);
    for (const each of ["data", "residuals"] as const) this.#ring(each, spot);
    const [left, top] = this.#where(spot, chart.area, which);
    const { charts } = this.#seats;
    const [outer, inner] = [charts.getBoundingClientRect(), chart.over.getBoundingClientRect()];
    this.#tip.draw(spot?.rows ?? null, inner.left - outer.left + left, inner.top - outer.top + top, charts);
  }

  #spot(picture: Picture, place: Area, which: Which): Spot | null {
    const pointer = this.#pointer;
    if (pointer !== null) return spotAt(picture, place, pointer.left, pointer.top, which === "residuals");
    return this.#cursor === null ? null : spotOf(picture, this.#cursor.point);
  }

  #ring(which: Which, spot: Spot | null): void {
    const side = this.#sides?.[which];
    if (side === undefined) return;
    const { area } = side.chart;
    const [left, top] = this.#where(spot, area, which);
    const isAimed = this.#pointer !== null && this.#pointer.which === which && this.#aim(this.#pointer) !== null;
    side.crosshair.draw(area, left, spot?.point == null ? NaN : top, isAimed);
  }

  /** Where a spot is on one of the plots: at its point, or under the pointer. */
  #where(spot: Spot | null, place: Area, which: Which): [left: number, top: number] {
    if (spot?.point != null) {
      const places = this.#places(which);
      return [places.left(spot.point), places.top(spot.point)];
    }
    return [spot === null ? NaN : pixel(place.x, spot.x), this.#pointer?.top ?? 0];
  }
}

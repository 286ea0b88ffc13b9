/** Both plots with one x axis. It holds the zoom and the last picture it was given, nothing else. */
import type { Span } from "../range";
import type { Picture } from "../wire";
import { Chart } from "./chart";
import { type Box, type Gestures, listen } from "./gestures";
import { Gutter } from "./gutter";
import { Crosshair, spotAt, Tip } from "./hover";
import * as paint from "./paint";
import { type Area, largest, moved, sensible, settled, valueAtPixel, xRange, yRange, zoomed } from "./scale";
import { onTheme, type Palette, readPalette } from "./theme";

interface Seats {
  readonly root: HTMLElement;
  readonly charts: HTMLElement;
  readonly data: HTMLElement;
  readonly residuals: HTMLElement;
}

interface Drawn {
  readonly palette: Palette;
  readonly data: Chart;
  readonly residuals: Chart;
  readonly crosshairs: readonly [Crosshair, Crosshair];
}

const DENSE = 400;
const UNIT: Span = { lo: 0, hi: 1 };

export class Stage {
  readonly #seats: Seats;
  readonly #signal: AbortSignal;
  readonly #onZoom: (isZoomed: boolean) => void;
  readonly #tip = new Tip();
  #palette: Palette | null = null;
  #drawn: Omit<Drawn, "palette"> | null = null;
  #picture: Picture | null = null;
  #home = { x: UNIT, y: UNIT };
  #zoom: { x: Span; y: Span } | null = null;
  #half: number | null = null; // half the height of the residual plot
  #pointer: { left: number; top: number; isResiduals: boolean } | null = null;

  constructor(seats: Seats, onZoom: (isZoomed: boolean) => void, signal: AbortSignal) {
    this.#seats = seats;
    this.#signal = signal;
    this.#onZoom = onZoom;
    seats.charts.append(this.#tip.el);
    onTheme(() => this.#recolour(), signal);
    onZoom(false);
  }

  draw(picture: Picture): void {
    const before = this.#picture;
    if (before === picture) return;
    this.#picture = picture;
    if (before?.frame !== picture.frame) this.#newFrame(picture, before);
    const { curves, fit } = picture;
    if (this.#drawn === null) this.resize();
    const half = this.#half;
    if (curves !== null) {
      this.#half = settled(half, largest(curves.residuals, fit.excluded));
    }
    const isNew = before?.frame !== picture.frame || !alike(before.fit.excluded, fit.excluded);
    if (isNew) this.#drawn?.data.redraw();
    else this.#drawn?.data.move();
    if (isNew || half !== this.#half) this.#drawn?.residuals.redraw();
    else this.#drawn?.residuals.move();
    this.#hover();
  }

  /** The plots are made when there is something to show and they have a size: only then are fonts and colours known. */
  resize(): void {
    const { data, residuals } = this.#seats;
    if (this.#picture === null || data.clientWidth === 0 || data.clientHeight === 0) return;
    if (this.#drawn === null) this.#drawn = this.#make();
    this.#drawn.data.resize(data.clientWidth, data.clientHeight);
    this.#drawn.residuals.resize(residuals.clientWidth, residuals.clientHeight);
  }

  reset(): void {
    this.#setZoom(null);
  }

  zoomBy(factor: number): void {
    const { x, y } = this.#spans();
    this.#tryZoom({ x: zoomed(x, factor, (x.lo + x.hi) / 2), y: zoomed(y, factor, (y.lo + y.hi) / 2) });
  }

  #newFrame(picture: Picture, before: Picture | null): void {
    this.#home = { x: xRange(picture.frame), y: yRange(picture.frame) };
    this.#half = null;
    // Other data make an old zoom meaningless; the same data with, say, another label do not.
    if (before === null || before.frame.n_points !== picture.frame.n_points) this.#setZoom(null);
  }

  #spans(): { x: Span; y: Span } {
    return this.#zoom ?? this.#home;
  }

  #tryZoom(zoom: { x: Span; y: Span }): void {
    if (sensible(zoom.x, this.#home.x) && sensible(zoom.y, this.#home.y)) this.#setZoom(zoom);
  }

  #setZoom(zoom: { x: Span; y: Span } | null): void {
    this.#zoom = zoom;
    this.#onZoom(zoom !== null);
    this.#redraw();
  }

  #redraw(): void {
    this.#drawn?.data.redraw();
    this.#drawn?.residuals.redraw();
    this.#hover();
  }

  #recolour(): void {
    this.#palette = null;
    this.#redraw();
  }

  #make(): Omit<Drawn, "palette"> {
    const gutter = new Gutter();
    const palette = (): Palette => {
      this.#palette ??= readPalette(this.#seats.root);
      return this.#palette;
    };
    const data = new Chart(
      this.#seats.data,
      {
        ...{ palette, isResiduals: false, xLabel: () => "", yLabel: () => this.#picture?.frame.y_label ?? "" },
        spans: () => this.#spans(),
        drawStill: (ctx, place) => this.#drawData(ctx, place, palette()),
        drawMoving: (ctx, place) => this.#drawCurves(ctx, place, palette()),
      },
      gutter,
      this.#signal,
    );
    const residuals = new Chart(
      this.#seats.residuals,
      {
        ...{ palette, isResiduals: true, xLabel: () => this.#picture?.frame.x_label ?? "" },
        yLabel: () => this.#picture?.frame.residual_label ?? "",
        spans: () => ({ x: this.#spans().x, y: { lo: -(this.#half ?? 1), hi: this.#half ?? 1 } }),
        drawStill: (ctx, place) => paint.zeroLine(ctx, place, palette()),
        drawMoving: (ctx, place) => this.#drawResiduals(ctx, place, palette()),
      },
      gutter,
      this.#signal,
    );
    listen(data.over, this.#gestures(data, false), this.#signal);
    listen(residuals.over, this.#gestures(residuals, true), this.#signal);
    return { data, residuals, crosshairs: [new Crosshair(data.over), new Crosshair(residuals.over)] };
  }

  #drawData(ctx: CanvasRenderingContext2D, place: Area, palette: Palette): void {
    const { frame, fit } = this.#picture ?? {};
    const data = frame?.data;
    if (data?.kind === "points" && fit !== undefined) paint.points(ctx, place, data, fit.excluded, palette);
    else if (data?.kind === "columns") paint.columns(ctx, place, data, palette.data, 0.5);
  }

  #drawCurves(ctx: CanvasRenderingContext2D, place: Area, palette: Palette): void {
    const { curves, frame } = this.#picture ?? {};
    if (curves == null || frame === undefined) return;
    paint.curve(ctx, place, frame.grid, curves.curve_p0, { colour: palette.start, width: 1.8, dash: [6, 5] });
    if (frame.data.x.length > DENSE) {
      ctx.globalAlpha = 0.75; // a rim of the ground keeps the fit legible
      paint.curve(ctx, place, frame.grid, curves.curve, { colour: palette.ground, width: 5.4, dash: [] });
      ctx.globalAlpha = 1;
    }
    paint.curve(ctx, place, frame.grid, curves.curve, { colour: palette.fit, width: 2.4, dash: [] });
  }

  #drawResiduals(ctx: CanvasRenderingContext2D, place: Area, palette: Palette): void {
    if (this.#picture === null || this.#picture.curves === null) return;
    const { curves, fit, frame } = this.#picture;
    paint.residuals(ctx, place, frame.data, curves.residuals, fit.excluded, palette);
  }

  #gestures(chart: Chart, isResiduals: boolean): Gestures {
    const upright = (box: Box): Box => ({ ...box, top: 0, height: chart.area.height, alongY: false });
    return {
      select: (box) => {
        chart.select(box === null ? { left: 0, top: 0, width: 0, height: 0 } : isResiduals ? upright(box) : box);
      },
      zoom: (box) => this.#zoomTo(chart.area, isResiduals ? upright(box) : box),
      pan: (dx, dy) => this.#pan(chart.area, dx, isResiduals ? 0 : dy),
      wheel: (factor, left, top) => this.#wheel(chart.area, factor, left, isResiduals ? null : top),
      hover: (at) => {
        this.#pointer = at === null ? null : { ...at, isResiduals };
        this.#hover();
      },
      reset: () => this.reset(),
    };
  }

  #zoomTo(place: Area, box: Box): void {
    const { x, y } = this.#spans();
    this.#tryZoom({
      x: box.alongX ? { lo: valueAtPixel(place.x, box.left), hi: valueAtPixel(place.x, box.left + box.width) } : x,
      y: box.alongY ? { lo: valueAtPixel(place.y, box.top + box.height), hi: valueAtPixel(place.y, box.top) } : y,
    });
  }

  #pan(place: Area, dx: number, dy: number): void {
    const { x, y } = this.#spans();
    this.#setZoom({ x: moved(x, -dx / place.x.per), y: moved(y, -dy / place.y.per) });
  }

  #wheel(place: Area, factor: number, left: number, top: number | null): void {
    const { x, y } = this.#spans();
    this.#tryZoom({
      x: zoomed(x, factor, valueAtPixel(place.x, left)),
      y: top === null ? y : zoomed(y, factor, valueAtPixel(place.y, top)),
    });
  }

  #hover(): void {
    const [picture, drawn, pointer] = [this.#picture, this.#drawn, this.#pointer];
    if (picture === null || drawn === null) return;
    const chart = pointer?.isResiduals ? drawn.residuals : drawn.data;
    const spot = pointer === null ? null : spotAt(picture, chart.area, pointer.left, pointer.top, pointer.isResiduals);
    drawn.crosshairs[0].draw(drawn.data.area, spot?.x ?? null, spot?.y ?? null);
    drawn.crosshairs[1].draw(drawn.residuals.area, spot?.x ?? null, spot?.residual ?? null);
    const { charts } = this.#seats;
    const [outer, inner] = [charts.getBoundingClientRect(), chart.over.getBoundingClientRect()];
    const left = inner.left - outer.left + (pointer?.left ?? 0);
    this.#tip.draw(spot?.rows ?? null, left, inner.top - outer.top + (pointer?.top ?? 0), charts);
  }
}

function alike(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

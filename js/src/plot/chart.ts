/** One plotting area: axes and points drawn by uPlot when they change, and canvases under and over them for what moves. */
import uPlot from "uplot";
import { make } from "../dom";
import { decade, magnitude, tick } from "../format";
import type { Span } from "../range";
import type { Gutter } from "./gutter";
import { type Area, area, type Logs, logTicks, tickStep, ticks, tickWithin } from "./scale";
import type { Palette } from "./theme";

export interface Content {
  palette(): Palette;
  spans(): { readonly x: Span; readonly y: Span };
  logs(): Logs;
  readonly isResiduals: boolean; // the lower plot: around zero, and the x axis carries numbers and its label
  xLabel(): string;
  yLabel(): string;
  drawUnder(ctx: CanvasRenderingContext2D, place: Area): void;
  drawStill(ctx: CanvasRenderingContext2D, place: Area): void;
  drawMoving(ctx: CanvasRenderingContext2D, place: Area): void;
}

const AXIS_PX = 11;
const LABEL_PX = 12;

export class Chart {
  readonly #content: Content;
  readonly #plot: uPlot;
  readonly #under = make("canvas", { class: "nlsq-beneath", "aria-hidden": "true" });
  readonly #canvas = make("canvas", { class: "nlsq-moving", "aria-hidden": "true" });

  constructor(el: HTMLElement, content: Content, gutter: Gutter, signal: AbortSignal) {
    this.#content = content;
    this.#plot = new uPlot(this.#options(gutter, el), [[], []], el);
    this.#plot.under.append(this.#under);
    this.over.append(this.#canvas);
    gutter.join(() => this.#plot.redraw(false, true), signal);
    signal.addEventListener("abort", () => this.#plot.destroy(), { once: true });
  }

  /** The element that covers the plotting area: gestures and whatever hovers belong there. */
  get over(): HTMLElement {
    return this.#plot.over;
  }

  get area(): Area {
    const { width, height } = this.#plot.bbox;
    const { x, y } = this.#content.spans();
    return area(x, y, width / uPlot.pxRatio, height / uPlot.pxRatio, this.#content.logs());
  }

  resize(width: number, height: number): void {
    if (this.#plot.width !== width || this.#plot.height !== height) this.#plot.setSize({ width, height });
  }

  /** Everything, after new data, a zoom or another theme. */
  redraw(): void {
    const { x, y } = this.#scaled();
    this.#plot.batch(() => {
      this.#plot.setScale("x", { min: x[0], max: x[1] });
      this.#plot.setScale("y", { min: y[0], max: y[1] });
    });
  }

  /** Only what moves with each answer. */
  move(): void {
    this.#paint(this.#under, (ctx, place) => this.#content.drawUnder(ctx, place));
    this.#paint(this.#canvas, (ctx, place) => this.#content.drawMoving(ctx, place));
  }

  #paint(canvas: HTMLCanvasElement, draw: Content["drawMoving"]): void {
    const ratio = uPlot.pxRatio;
    const { width, height } = this.#plot.bbox;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${width / ratio}px`;
      canvas.style.height = `${height / ratio}px`;
    }
    const ctx = canvas.getContext("2d");
    if (ctx === null || width === 0) return;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(ctx, this.area);
  }

  select(box: { left: number; top: number; width: number; height: number }): void {
    this.#plot.setSelect(box, false);
  }

  #still(): void {
    const { ctx, bbox } = this.#plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.translate(bbox.left, bbox.top);
    ctx.scale(uPlot.pxRatio, uPlot.pxRatio);
    this.#content.drawStill(ctx, this.area);
    ctx.restore();
  }

  // uPlot finds no ticks for very small or very large numbers, so it is given the range in units of its own size.
  #scaled(): { x: [number, number]; y: [number, number] } {
    const { x, y } = this.#content.spans();
    const [ux, uy] = [unit(x, this.#content.logs().x), unit(y, this.#content.logs().y)];
    return { x: [x.lo / ux, x.hi / ux], y: [y.lo / uy, y.hi / uy] };
  }

  #options(gutter: Gutter, el: HTMLElement): uPlot.Options {
    const draw = (): void => {
      this.#still();
      this.move();
    };
    return {
      width: Math.max(50, el.clientWidth),
      height: Math.max(50, el.clientHeight),
      padding: [this.#content.isResiduals ? 6 : 10, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, auto: false, range: () => this.#scaled().x },
        y: { auto: false, range: () => this.#scaled().y },
      },
      series: [{}, { points: { show: false }, paths: () => null }],
      axes: [this.#xAxis(), this.#yAxis(gutter)],
      hooks: { draw: [draw] },
    };
  }

  #xAxis(): uPlot.Axis {
    const { isResiduals, xLabel } = this.#content;
    const common = this.#axis("x", 70);
    if (!isResiduals)
      return { ...common, size: 13, values: (_, splits) => splits.map(() => null), ticks: { show: false } };
    const values = (u: uPlot, splits: number[], i: number, space: number, step: number): (string | null)[] =>
      uncut(u, splits, common.values(u, splits, i, space, step), common.font);
    return { ...common, values, size: 24, label: () => xLabel(), labelSize: 18, labelGap: 0 };
  }

  #yAxis(gutter: Gutter): uPlot.Axis {
    const { isResiduals } = this.#content;
    const common = this.#axis("y", isResiduals ? 12 : 34);
    const size = gutter.place();
    return {
      ...common,
      ...(isResiduals ? { incrs: (_u, _i, _min, max) => [tickWithin(0.92 * max)] } : {}),
      size: (u, labels) => size(widest(u.ctx, labels ?? [], `${AXIS_PX}px ${this.#content.palette().font}`) + 12),
      label: () => this.#content.yLabel(),
      labelSize: 20,
      labelGap: 2,
    };
  }

  #axis(which: "x" | "y", space: number) {
    const { palette } = this.#content;
    const { font } = palette();
    const marks = this.#marks(which);
    return {
      space,
      font: `${AXIS_PX}px ${font}`,
      labelFont: `${LABEL_PX}px ${font}`,
      gap: 5,
      stroke: () => palette().text,
      grid: { stroke: () => palette().grid, width: 1, filter: (_u: uPlot, splits: number[]) => marks.labelled(splits) },
      ticks: { stroke: () => palette().axis, width: 1, size: 4 },
      border: { show: true, stroke: () => palette().axis, width: 1 },
      ...{ incrs: marks.incrs, splits: marks.splits, values: marks.values },
    };
  }

  /** Where the ticks of an axis are, and what they say. */
  #marks(which: "x" | "y") {
    const span = (): Span => this.#content.spans()[which];
    const isLog = (): boolean => this.#content.logs()[which];
    let least = 1; // from one label to the next
    const places = () => logTicks(span(), least);
    const labelled = (splits: number[]): (number | null)[] => {
      if (!isLog()) return splits;
      const some = new Set(places().labelled);
      return splits.map((split) => (some.has(split) ? split : null));
    };
    return {
      labelled,
      incrs: (_u: uPlot, _i: number, min: number, max: number, dim: number, space: number): number[] => {
        least = ((max - min) * space) / dim;
        return [tickStep(least)];
      },
      splits: (_u: uPlot, _i: number, lo: number, hi: number, step: number): number[] => {
        if (!isLog()) return ticks({ lo, hi }, step);
        return [...places().labelled, ...places().others].sort((a, b) => a - b);
      },
      values: (_u: uPlot, splits: number[], _i: number, _space: number, step: number): (string | null)[] =>
        isLog()
          ? labelled(splits).map((split) => (split === null ? "" : decade(10 ** split)))
          : labels(span(), splits, step),
    };
  }
}

function labels(span: Span, splits: readonly number[], step: number): string[] {
  const size = unit(span, false);
  const values = splits.map((split) => Number((split * size).toPrecision(12)));
  const most = Math.max(...values.map(Math.abs));
  return values.map((value) => tick(value, Number((step * size).toPrecision(12)), most));
}

/** A label that would run over the right edge is left out: half a number is a wrong one. */
function uncut(
  u: uPlot,
  splits: readonly number[],
  texts: readonly (string | null)[],
  font: string,
): (string | null)[] {
  const room = u.width - u.bbox.left / uPlot.pxRatio;
  return texts.map((text, i) => {
    const end = u.valToPos(splits[i] ?? NaN, "x") + widest(u.ctx, [text ?? ""], font) / 2;
    return end > room ? "" : text;
  });
}

function unit(span: Span, isLog: boolean): number {
  return isLog ? 1 : 10 ** magnitude(span.hi - span.lo);
}

function widest(ctx: CanvasRenderingContext2D, texts: readonly string[], font: string): number {
  ctx.save();
  ctx.font = font;
  const width = Math.max(0, ...texts.map((text) => ctx.measureText(text).width));
  ctx.restore();
  return width;
}

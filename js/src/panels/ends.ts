/** The two ends of the range of x that is fitted: handles under the axis. An end that leaves no point out is none. */
import { make, setAttribute } from "../dom";
import { plain } from "../format";
import type { Send } from "../host";
import { endAt } from "../plot/paint";
import { type Area, extent, valueAtPixel } from "../plot/scale";
import { tidy } from "../range";
import type { Picture } from "../wire";
import { type Finger, onDrag } from "./drag";

type End = 0 | 1; // lower, upper
type Range = readonly [lower: number, upper: number];

const APART_PX = 4;
const NAMES = ["Lower end of the range of x", "Upper end of the range of x"] as const;
const HINT = "Drag inwards to fit only a range of x; double-click to remove this end";

export interface Ends {
  place(area: Area, over: HTMLElement): void;
  draw(picture: Picture, busy: boolean): void;
}

export class RangeEnds implements Ends {
  readonly #rail = make("div", { class: "nlsq-ends" });
  readonly #handles: readonly [HTMLElement, HTMLElement];
  readonly #charts: HTMLElement;
  readonly #send: Send;
  readonly #hold: (range: Range | null) => void;
  #area: Area | null = null;
  #picture: Picture | null = null;
  #held: Range | null = null; // under the finger
  #asked: Range | null = null; // sent, and not answered yet: the next key goes on from there

  constructor(charts: HTMLElement, send: Send, hold: (range: Range | null) => void, signal: AbortSignal) {
    this.#charts = charts;
    this.#send = send;
    this.#hold = hold;
    this.#handles = [this.#handle(0, signal), this.#handle(1, signal)];
    this.#rail.append(...this.#handles);
    charts.append(this.#rail);
  }

  place(area: Area, over: HTMLElement): void {
    this.#area = area;
    const [outer, inner] = [this.#charts.getBoundingClientRect(), over.getBoundingClientRect()];
    this.#rail.style.left = `${inner.left - outer.left}px`;
    this.#rail.style.top = `${inner.bottom - outer.top}px`;
    this.#rail.style.width = `${area.width}px`;
    this.#show();
  }

  draw(picture: Picture, busy: boolean): void {
    this.#picture = picture;
    if (!busy) this.#asked = null;
    this.#show();
  }

  get #range(): Range {
    return this.#held ?? this.#asked ?? this.#picture?.fit.range ?? [-Infinity, Infinity];
  }

  get #data(): { lo: number; hi: number } {
    return this.#picture === null ? { lo: 0, hi: 1 } : extent([this.#picture.frame.grid]);
  }

  #handle(end: End, signal: AbortSignal): HTMLElement {
    const handle = make("div", { class: "nlsq-range-end", role: "slider", tabindex: "0", title: HINT });
    handle.setAttribute("aria-label", NAMES[end]);
    handle.dataset.side = end === 0 ? "lower" : "upper";
    onDrag(handle, this.#rail, this.#finger(end), signal);
    handle.addEventListener("dblclick", () => this.#become(end, null), { signal });
    handle.addEventListener("keydown", (event) => this.#key(event, end), { signal });
    return handle;
  }

  #finger(end: End): Finger {
    return {
      grab: () => {},
      drag: ({ left, width }) => {
        if (this.#area === null) return;
        const other = this.#pixel(end === 0 ? 1 : 0);
        const at = end === 0 ? Math.min(left, other - APART_PX) : Math.max(left, other + APART_PX);
        this.#held = this.#with(end, this.#valueAt(this.#area, Math.min(width, Math.max(0, at))));
        this.#hold(this.#held);
        this.#show();
        this.#tell(this.#held, "held");
      },
      drop: () => {
        if (this.#held === null) return;
        this.#tell(this.#held);
        this.#held = null;
        this.#hold(null);
      },
    };
  }

  #key(event: KeyboardEvent, end: End): void {
    if (event.ctrlKey || event.metaKey || this.#area === null) return;
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const outwards = end === 0 ? "Home" : "End";
    if (steps !== undefined) {
      const by = (steps * (event.shiftKey ? 10 : 1) * this.#area.width) / 100;
      const value = this.#range[end];
      const from = Number.isFinite(value) ? value : end === 0 ? this.#data.lo : this.#data.hi;
      this.#become(end, this.#valueAt(this.#area, endAt(this.#area.x, from) + by));
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === outwards) this.#become(end, null);
    else return;
    event.preventDefault();
  }

  #valueAt(area: Area, at: number): number {
    const value = valueAtPixel(area.x, at);
    return tidy(value, Math.abs(valueAtPixel(area.x, at + 1) - value));
  }

  #become(end: End, value: number | null): void {
    this.#tell(this.#with(end, value));
  }

  #with(end: End, value: number | null): Range {
    const [lower, upper] = this.#range;
    const { lo, hi } = this.#data;
    if (end === 0) return [value === null || value <= lo ? -Infinity : value, upper];
    return [lower, value === null || value >= hi ? Infinity : value];
  }

  #tell(range: Range, held?: "held"): void {
    const [lower, upper] = range;
    this.#asked = range;
    const open = (value: number): number | null => (Number.isFinite(value) ? value : null);
    this.#send({ kind: "range", lower: open(lower), upper: open(upper) }, held);
  }

  /** Where an end is on the rail; beyond what is seen it waits at the edge. */
  #pixel(end: End): number {
    if (this.#area === null) return 0;
    return Math.min(this.#area.width, Math.max(0, endAt(this.#area.x, this.#range[end])));
  }

  #show(): void {
    const { lo, hi } = this.#data;
    this.#handles.forEach((handle, i) => {
      const end = i === 0 ? 0 : 1;
      const value = this.#range[end];
      handle.style.left = `${this.#pixel(end)}px`;
      setAttribute(handle, "data-open", String(!Number.isFinite(value)));
      setAttribute(handle, "aria-valuenow", String(Number.isFinite(value) ? value : end === 0 ? lo : hi));
      setAttribute(handle, "aria-valuemin", String(lo));
      setAttribute(handle, "aria-valuemax", String(hi));
      setAttribute(handle, "aria-valuetext", plain(value) || "none");
    });
  }
}

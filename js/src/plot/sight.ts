/** Which part of the data is seen: all of it, or a zoom. It knows no canvas and no pointer. */
import type { Span } from "../range";
import type { Frame } from "../wire";
import type { Box } from "./gestures";
import { type Area, LINEAR, type Logs, loggable, moved, scaleAtPixel, sensible, xRange, yRange, zoomed } from "./scale";

export interface Spans {
  readonly x: Span; // of the scales: of logarithms where those are shown
  readonly y: Span;
}

const UNIT: Span = { lo: 0, hi: 1 };

export class Sight {
  readonly #changed: (isZoomed: boolean) => void;
  #frame: Frame | null = null;
  #wanted: Logs = LINEAR;
  #logs: Logs = LINEAR;
  #home: Spans = { x: UNIT, y: UNIT };
  #zoom: Spans | null = null;

  constructor(changed: (isZoomed: boolean) => void) {
    this.#changed = changed;
  }

  get spans(): Spans {
    return this.#zoom ?? this.#home;
  }

  /** Where logarithms are shown: where they are wanted and there is something to show. */
  get logs(): Logs {
    return this.#logs;
  }

  /** Other data make an old zoom meaningless; the same data with, say, another label do not. */
  take(frame: Frame): void {
    const isOther = this.#frame === null || this.#frame.n_points !== frame.n_points;
    this.#frame = frame;
    this.#home = this.#whole(frame);
    if (isOther) this.#set(null);
  }

  want(logs: Logs): void {
    this.#wanted = logs;
    if (this.#frame === null) return;
    this.#home = this.#whole(this.#frame);
    this.#set(null);
  }

  reset(): void {
    this.#set(null);
  }

  zoomBy(factor: number): void {
    const { x, y } = this.spans;
    this.#try({ x: zoomed(x, factor, (x.lo + x.hi) / 2), y: zoomed(y, factor, (y.lo + y.hi) / 2) });
  }

  zoomTo(place: Area, box: Box): void {
    const { x, y } = this.spans;
    const [right, low] = [box.left + box.width, box.top + box.height];
    this.#try({
      x: box.alongX ? { lo: scaleAtPixel(place.x, box.left), hi: scaleAtPixel(place.x, right) } : x,
      y: box.alongY ? { lo: scaleAtPixel(place.y, low), hi: scaleAtPixel(place.y, box.top) } : y,
    });
  }

  pan(place: Area, dx: number, dy: number): void {
    const { x, y } = this.spans;
    this.#set({ x: moved(x, -dx / place.x.per), y: moved(y, -dy / place.y.per) });
  }

  wheel(place: Area, factor: number, left: number, top: number | null): void {
    const { x, y } = this.spans;
    this.#try({
      x: zoomed(x, factor, scaleAtPixel(place.x, left)),
      y: top === null ? y : zoomed(y, factor, scaleAtPixel(place.y, top)),
    });
  }

  /** Bring what lies at these pixels into view, if it is not. */
  reveal(place: Area, left: number, top: number): void {
    const isSeen = left >= 0 && left <= place.width && top >= 0 && top <= place.height;
    if (!isSeen) this.pan(place, place.width / 2 - left, Number.isFinite(top) ? place.height / 2 - top : 0);
  }

  #whole(frame: Frame): Spans {
    const can = loggable(frame);
    this.#logs = { x: this.#wanted.x && can.x, y: this.#wanted.y && can.y };
    return { x: xRange(frame, this.#logs.x), y: yRange(frame, this.#logs.y) };
  }

  #try(zoom: Spans): void {
    if (sensible(zoom.x, this.#home.x) && sensible(zoom.y, this.#home.y)) this.#set(zoom);
  }

  #set(zoom: Spans | null): void {
    this.#zoom = zoom;
    this.#changed(zoom !== null);
  }
}

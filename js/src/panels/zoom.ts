/** The zoom of one track: it glides to where it is aimed, stands still under a finger, and is pushed at its ends. */
import { animation, wantsStillness } from "../dom";
import { extended, type Ruler } from "../range";

const REST_MS = 800;

export interface Watcher {
  zoomed(): void;
  pushed(share: 0 | 1): void; // the thumb that is held at this end went along
}

export class Zoom {
  readonly #watcher: Watcher;
  readonly #animate: () => void;
  #now: Ruler;
  #target: Ruler;
  #push = 0; // pixels by which the thumb is held beyond an end of the rail
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(first: Ruler, watcher: Watcher, signal: AbortSignal) {
    this.#now = this.#target = first;
    this.#watcher = watcher;
    this.#animate = animation((milliseconds) => this.#step(milliseconds), signal);
    signal.addEventListener("abort", () => clearTimeout(this.#rest), { once: true });
  }

  /** What is shown. */
  get now(): Ruler {
    return this.#now;
  }

  /** What will be shown when it has come to rest. */
  get target(): Ruler {
    return this.#target;
  }

  aim(target: Ruler): void {
    this.#target = target;
    if (wantsStillness() || target.scale.kind !== this.#now.scale.kind) this.#now = target;
    if (this.#now !== target) this.#animate();
  }

  hold(): void {
    this.#target = this.#now;
  }

  push(pixels: number): void {
    this.#push = pixels;
    if (pixels !== 0) this.#animate();
  }

  /** Once nothing has happened for a while. */
  whenAtRest(then: () => void): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(then, REST_MS);
  }

  #step(milliseconds: number): boolean {
    if (this.#push !== 0) {
      const share = (Math.min(Math.abs(this.#push) + 8, 60) / 60) * (milliseconds / 600);
      this.#now = this.#target = extended(this.#now, this.#push < 0 ? "lo" : "hi", share);
      this.#watcher.pushed(this.#push < 0 ? 0 : 1);
      return true;
    }
    const part = 1 - Math.exp(-milliseconds / 60);
    const [from, to] = [this.#now, this.#target];
    const isClose = Math.abs(to.lo - from.lo) + Math.abs(to.hi - from.hi) < (to.hi - to.lo) / 500;
    const towards = (a: number, b: number): number => a + part * (b - a);
    this.#now = isClose ? to : { ...to, lo: towards(from.lo, to.lo), hi: towards(from.hi, to.hi) };
    this.#watcher.zoomed();
    return !isClose;
  }
}

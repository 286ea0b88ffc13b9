/** The width left of all plots together: what the widest labels need, so that the x axes stand over each other. */

const STEP_PX = 6; // in steps, so that a digit more does not shift the picture each time

export class Gutter {
  readonly #needs: number[] = [];
  readonly #redraws = new Set<() => void>();
  #width = 0;

  join(redraw: () => void, signal: AbortSignal): void {
    this.#redraws.add(redraw);
    signal.addEventListener("abort", () => this.#redraws.delete(redraw), { once: true });
  }

  /** A plot's place at the gutter: it says what it needs and is told what it gets. */
  place(): (need: number) => number {
    const mine = this.#needs.length;
    this.#needs.push(0);
    return (need) => {
      this.#needs[mine] = need;
      const width = STEP_PX * Math.ceil(Math.max(...this.#needs) / STEP_PX);
      if (width !== this.#width) {
        this.#width = width;
        queueMicrotask(() => {
          for (const redraw of this.#redraws) redraw();
        });
      }
      return width;
    };
  }
}

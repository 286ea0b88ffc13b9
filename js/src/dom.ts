/** Elements of the page. Text goes in as text, never as markup. */

type Attributes = Readonly<Record<string, string>>;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A small drawing of strokes on a 16 by 16 grid, in the colour of the text around it. */
export function icon(...paths: readonly string[]): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", d);
    drawing.append(path);
  }
  return drawing;
}

/** Writing the same text again would make the browser lay out, and a screen reader speak, for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const styled = new WeakMap<Element, Map<string, string>>();

export function setStyle(element: HTMLElement, name: "left" | "width", value: string): void {
  const known = styled.get(element) ?? new Map<string, string>();
  if (known.get(name) === value) return;
  element.style[name] = value;
  styled.set(element, known.set(name, value));
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** At most one call a frame, and none after the signal. */
export function everyFrame(draw: () => void, signal: AbortSignal): () => void {
  let asked = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(asked), { once: true });
  return () => {
    if (asked !== 0 || signal.aborted) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
}

/** When to draw: never more often than once a frame and once before it, and not after the signal. */
export interface Pace {
  readonly soon: () => void; // at the next frame
  readonly now: () => void; // at once, where that was not done since the last frame
}

export function paced(draw: () => void, signal: AbortSignal): Pace {
  let isDue = false;
  let isOpen = true;
  const ask = everyFrame(() => {
    isOpen = true;
    if (isDue) run();
  }, signal);
  function run(): void {
    isDue = false;
    draw();
  }
  function soon(): void {
    isDue = true;
    ask();
  }
  function now(): void {
    if (signal.aborted) return;
    if (!isOpen) {
      soon();
      return;
    }
    isOpen = false;
    ask(); // for the frame in which it opens
    run();
  }
  return { soon, now };
}

/** Calls `step` with the milliseconds passed, frame by frame, until it says false. Starting it twice is once. */
export function animation(step: (milliseconds: number) => boolean, signal: AbortSignal): () => void {
  let asked = 0;
  let before = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(asked), { once: true });
  function frame(now: number): void {
    const goesOn = step(Math.min(50, now - before));
    before = now;
    asked = goesOn && !signal.aborted ? requestAnimationFrame(frame) : 0;
  }
  return () => {
    if (asked !== 0 || signal.aborted) return;
    before = performance.now();
    asked = requestAnimationFrame(frame);
  };
}

export function wantsStillness(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

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

/** At once, but what comes in the same frame after the first waits for the next; none after the signal. */
export function atOnce(draw: () => void, signal: AbortSignal): () => void {
  let isOpen = true;
  const reopened = everyFrame(() => {
    isOpen = true;
  }, signal);
  const later = everyFrame(draw, signal);
  return () => {
    if (signal.aborted) return;
    if (!isOpen) later();
    else {
      isOpen = false;
      reopened();
      draw();
    }
  };
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

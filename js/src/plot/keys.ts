/** What the keyboard does on a plot that has the focus: it walks along the points, zooms and pans. */

export interface Keys {
  walk(steps: number): void; // infinite: to the first or the last
  toggle(): void;
  leave(): void;
  zoomBy(factor: number): void;
  pan(right: number, down: number): void; // in steps
  reset(): void;
}

export function onKeys(over: HTMLElement, keys: Keys, signal: AbortSignal): void {
  over.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const isKnown = event.shiftKey ? panned(event.key, keys) || pressed(event.key, keys) : pressed(event.key, keys);
      if (isKnown) event.preventDefault();
    },
    { signal },
  );
}

function panned(key: string, keys: Keys): boolean {
  const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key] ?? [0, 0];
  if (right === 0 && down === 0) return false;
  keys.pan(right ?? 0, down ?? 0);
  return true;
}

function pressed(key: string, keys: Keys): boolean {
  const steps = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[key];
  if (steps !== undefined) keys.walk(steps);
  else if (key === " " || key === "Enter") keys.toggle();
  else if (key === "+" || key === "=") keys.zoomBy(0.7);
  else if (key === "-" || key === "_") keys.zoomBy(1 / 0.7);
  else if (key === "0") keys.reset();
  else if (key === "Escape") keys.leave();
  else return false;
  return true;
}

/** Two fingers on a plot zoom it about their middle. */

interface Finger {
  readonly left: number;
  readonly top: number;
}

export interface Pinch {
  begin(): void; // what one finger had begun is given up
  zoom(factor: number, left: number, top: number): void;
}

export function onPinch(over: HTMLElement, pinch: Pinch, signal: AbortSignal): void {
  const fingers = new Map<number, Finger>();

  function place(event: PointerEvent): void {
    const { left, top } = over.getBoundingClientRect();
    fingers.set(event.pointerId, { left: event.clientX - left, top: event.clientY - top });
  }

  function down(event: PointerEvent): void {
    if (event.pointerType !== "touch") return;
    place(event);
    if (fingers.size > 1) pinch.begin();
  }

  function move(event: PointerEvent): void {
    if (!fingers.has(event.pointerId)) return;
    const before = between([...fingers.values()]);
    place(event);
    const after = between([...fingers.values()]);
    if (before !== null && after !== null) pinch.zoom(before.apart / after.apart, after.left, after.top);
  }

  const up = (event: PointerEvent): boolean => fingers.delete(event.pointerId);

  over.addEventListener("pointerdown", down, { signal });
  over.addEventListener("pointermove", move, { signal });
  over.addEventListener("pointerup", up, { signal });
  over.addEventListener("pointercancel", up, { signal });
}

function between([one, two, more]: readonly Finger[]): (Finger & { apart: number }) | null {
  if (one === undefined || two === undefined || more !== undefined) return null;
  const apart = Math.max(10, Math.hypot(one.left - two.left, one.top - two.top));
  return { left: (one.left + two.left) / 2, top: (one.top + two.top) / 2, apart };
}

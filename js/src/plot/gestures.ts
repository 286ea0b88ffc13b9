/** What a finger does on a plot: a box zooms, Shift drags the picture, Ctrl and the wheel zoom at the pointer. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly alongX: boolean; // false: a thin upright box, which means a range of y alone
  readonly alongY: boolean;
}

export interface Gestures {
  select(box: Box | null): void;
  zoom(box: Box): void;
  pan(dx: number, dy: number): void;
  wheel(factor: number, left: number, top: number): void;
  hover(at: { readonly left: number; readonly top: number } | null): void;
  reset(): void;
}

const THIN_PX = 14;
const STILL_PX = 4;

interface Start {
  readonly id: number;
  readonly left: number;
  readonly top: number;
  readonly pans: boolean;
}

export function listen(over: HTMLElement, gestures: Gestures, signal: AbortSignal): void {
  let start: Start | null = null;
  let last = { left: 0, top: 0 };

  function at(event: MouseEvent): { left: number; top: number } {
    const box = over.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  }

  function down(event: PointerEvent): void {
    if (event.button !== 0 || start !== null) return;
    last = at(event);
    start = { id: event.pointerId, ...last, pans: event.shiftKey };
    over.setPointerCapture(event.pointerId);
    gestures.hover(null);
    event.preventDefault();
  }

  function move(event: PointerEvent): void {
    const now = at(event);
    if (start === null) gestures.hover(now);
    if (start === null || event.pointerId !== start.id) return;
    if (start.pans) gestures.pan(now.left - last.left, now.top - last.top);
    else gestures.select(boxOf(start, now, over));
    last = now;
  }

  function up(event: PointerEvent): void {
    if (start === null || event.pointerId !== start.id) return;
    const box = start.pans || event.type !== "pointerup" ? null : boxOf(start, at(event), over);
    start = null;
    gestures.select(null);
    if (box !== null) gestures.zoom(box);
  }

  over.addEventListener("pointerdown", down, { signal });
  over.addEventListener("pointermove", move, { signal });
  over.addEventListener("pointerup", up, { signal });
  over.addEventListener("pointercancel", up, { signal });
  over.addEventListener("pointerleave", () => gestures.hover(null), { signal });
  over.addEventListener("wheel", (event) => onWheel(event, at(event), gestures), { signal, passive: false });
  over.addEventListener("dblclick", () => gestures.reset(), { signal });
}

function onWheel(event: WheelEvent, at: { left: number; top: number }, gestures: Gestures): void {
  if (!event.ctrlKey && !event.metaKey) return; // the notebook scrolls
  event.preventDefault();
  const turned = Math.max(-60, Math.min(60, event.deltaY));
  gestures.wheel(Math.exp(turned / 300), at.left, at.top);
}

function boxOf(from: { left: number; top: number }, to: { left: number; top: number }, over: HTMLElement): Box | null {
  const { clientWidth: width, clientHeight: height } = over;
  const [x0, x1] = sorted(from.left, to.left, width);
  const [y0, y1] = sorted(from.top, to.top, height);
  if (x1 - x0 < STILL_PX && y1 - y0 < STILL_PX) return null;
  const alongX = x1 - x0 >= THIN_PX || x1 - x0 >= y1 - y0;
  const alongY = y1 - y0 >= THIN_PX || y1 - y0 > x1 - x0;
  return {
    left: alongX ? x0 : 0,
    width: alongX ? x1 - x0 : width,
    top: alongY ? y0 : 0,
    height: alongY ? y1 - y0 : height,
    alongX,
    alongY,
  };
}

function sorted(a: number, b: number, most: number): [number, number] {
  const clamp = (v: number): number => Math.min(most, Math.max(0, v));
  return a < b ? [clamp(a), clamp(b)] : [clamp(b), clamp(a)];
}

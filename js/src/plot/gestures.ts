/** What a finger does on a plot: a click takes a point, a box zooms or takes points, Shift drags the picture. */
import { onPinch } from "./pinch";

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly alongX: boolean; // false: a thin upright box, which means a range of y alone
  readonly alongY: boolean;
}

export type Mode = "zoom" | "exclude" | "restore"; // what a box does

export interface At {
  readonly left: number;
  readonly top: number;
  readonly reach: number; // how far from a point the pointer may be to take it
}

export interface Gestures {
  mode(): Mode;
  begin(): void;
  select(box: Box | null, mode: Mode): void;
  zoom(box: Box): void;
  mark(box: Box, excluded: boolean): void;
  click(at: At): void;
  pan(dx: number, dy: number): void;
  wheel(factor: number, left: number, top: number): void;
  hover(at: At | null): void;
  reset(at: At): void;
}

const THIN_PX = 14;
const STILL_PX = 4;
const REACH_PX = { mouse: 11, touch: 24 };

interface Start extends At {
  readonly id: number;
  readonly deed: Mode | "pan";
}

export function listen(over: HTMLElement, gestures: Gestures, signal: AbortSignal): void {
  let start: Start | null = null;
  let last: At = { left: 0, top: 0, reach: 0 };
  const focus = quietly(over, signal);

  function down(event: PointerEvent): void {
    if (event.button !== 0 || start !== null) return;
    last = at(event, over);
    start = { id: event.pointerId, ...last, deed: deedOf(event, gestures.mode()) };
    over.setPointerCapture(event.pointerId);
    focus();
    gestures.begin();
    event.preventDefault();
  }

  function move(event: PointerEvent): void {
    const now = at(event, over);
    if (start === null && event.pointerType !== "touch") gestures.hover(now);
    if (start === null || event.pointerId !== start.id) return;
    if (start.deed === "pan") gestures.pan(now.left - last.left, now.top - last.top);
    else gestures.select(boxOf(start, now, over, start.deed), start.deed);
    last = now;
  }

  function up(event: PointerEvent): void {
    if (start === null || event.pointerId !== start.id) return;
    const begun = start;
    giveUp();
    if (event.type === "pointerup") finish(begun, at(event, over), over, gestures);
  }

  function giveUp(): void {
    start = null;
    gestures.select(null, "zoom");
  }

  over.addEventListener("pointerdown", down, { signal });
  over.addEventListener("pointermove", move, { signal });
  over.addEventListener("pointerup", up, { signal });
  over.addEventListener("pointercancel", up, { signal });
  over.addEventListener("pointerleave", () => gestures.hover(null), { signal });
  over.addEventListener("wheel", (event) => onWheel(event, at(event, over), gestures), { signal, passive: false });
  onPinch(over, { begin: giveUp, zoom: (factor, left, top) => gestures.wheel(factor, left, top) }, signal);
  over.addEventListener("dblclick", (event) => gestures.reset(at(event, over)), { signal });
}

/** Gives the focus without its ring, until a key is pressed: whoever points needs none to see where. */
function quietly(over: HTMLElement, signal: AbortSignal): () => void {
  const keyed = (): void => void delete over.dataset.by;
  for (const kind of ["keydown", "blur"] as const) over.addEventListener(kind, keyed, { signal });
  return () => {
    over.dataset.by = "pointer";
    over.focus({ preventScroll: true });
  };
}

function finish({ deed, ...from }: Start, to: At, over: HTMLElement, gestures: Gestures): void {
  if (deed === "pan") return;
  const box = boxOf(from, to, over, deed);
  if (box === null) gestures.click(to);
  else if (deed === "zoom") gestures.zoom(box);
  else gestures.mark(box, deed === "exclude");
}

function at(event: MouseEvent, over: HTMLElement): At {
  const { left, top } = over.getBoundingClientRect();
  const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
  return { left: event.clientX - left, top: event.clientY - top, reach: isTouch ? REACH_PX.touch : REACH_PX.mouse };
}

function deedOf(event: PointerEvent, mode: Mode): Mode | "pan" {
  if (event.altKey) return event.shiftKey ? "restore" : "exclude";
  return event.shiftKey ? "pan" : mode;
}

function onWheel(event: WheelEvent, { left, top }: At, gestures: Gestures): void {
  if (!event.ctrlKey && !event.metaKey) return; // the notebook scrolls
  event.preventDefault();
  const turned = Math.max(-60, Math.min(60, event.deltaY));
  gestures.wheel(Math.exp(turned / 300), left, top);
}

/** A thin box that zooms is a range of one axis; one that takes points is what it looks like. */
export function boxOf(from: At, to: At, over: { clientWidth: number; clientHeight: number }, mode: Mode): Box | null {
  const { clientWidth: width, clientHeight: height } = over;
  const [x0, x1] = sorted(from.left, to.left, width);
  const [y0, y1] = sorted(from.top, to.top, height);
  if (x1 - x0 < STILL_PX && y1 - y0 < STILL_PX) return null;
  const alongX = mode !== "zoom" || x1 - x0 >= THIN_PX || x1 - x0 >= y1 - y0;
  const alongY = mode !== "zoom" || y1 - y0 >= THIN_PX || y1 - y0 > x1 - x0;
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

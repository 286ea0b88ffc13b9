/** The picture of one parameter: where p0, its bounds and the fitted value lie. It draws and listens, and decides nothing. */
import { make, setAttribute } from "../dom";
import { plain, short } from "../format";
import { type Marks, type Span, shareOf } from "../range";
import type { Handle } from "./choice";
import { type Finger, onDrag } from "./drag";

export const PARK_PX = 13; // how far outside the rail a bracket waits that bounds nothing, or lies beyond the range

export interface Listener {
  finger(handle: Handle): Finger;
  nudge(handle: Handle, steps: number): void;
  limit(handle: Handle, end: "lower" | "upper"): void;
  remove(handle: Handle): void;
  refit(): void;
}

export interface Track {
  readonly el: HTMLElement;
  draw(span: Span, marks: Marks, held: Handle | null): void;
}

export function makeTrack(name: string, listener: Listener, signal: AbortSignal): Track {
  const part = (kind: string) => make("div", { class: `nlsq-${kind}` });
  const [allowed, error, fit] = [part("allowed"), part("error"), part("fit")];
  const handles = {
    lower: slider("bracket", `${name} lower bound`),
    upper: slider("bracket", `${name} upper bound`),
    p0: slider("thumb", `${name} start value`),
  };
  handles.lower.dataset.side = "lower";
  handles.upper.dataset.side = "upper";
  const rail = make("div", { class: "nlsq-rail" }, part("base"), allowed, error, fit);
  rail.append(handles.lower, handles.p0, handles.upper); // the order of Tab
  const el = make("div", { class: "nlsq-track" }, rail);
  for (const handle of ["lower", "p0", "upper"] as const) {
    onDrag(handles[handle], rail, listener.finger(handle), signal);
    handles[handle].addEventListener("keydown", (event) => onKey(event, handle, listener), { signal });
    handles[handle].addEventListener("dblclick", (event) => event.stopPropagation(), { signal });
  }
  for (const side of ["lower", "upper"] as const) {
    handles[side].addEventListener("dblclick", () => listener.remove(side), { signal });
  }
  el.addEventListener("dblclick", () => listener.refit(), { signal });

  return {
    el,
    draw(span, marks, held) {
      drawAllowed(allowed, span, marks);
      drawFit(fit, error, span, marks);
      drawThumb(handles.p0, span, marks);
      drawBracket(handles.lower, "lower", span, marks);
      drawBracket(handles.upper, "upper", span, marks);
      setAttribute(el, "data-held", held);
    },
  };
}

function slider(kind: string, label: string): HTMLElement {
  return make("div", { class: `nlsq-${kind}`, role: "slider", tabindex: "0", "aria-label": label });
}

function onKey(event: KeyboardEvent, handle: Handle, listener: Listener): void {
  if (event.ctrlKey || event.metaKey) return;
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (steps !== undefined) listener.nudge(handle, steps * (event.shiftKey ? 10 : 1) * (event.altKey ? 0.1 : 1));
  else if (event.key === "Home" || event.key === "End")
    listener.limit(handle, event.key === "Home" ? "lower" : "upper");
  else if (event.key === "Delete" || event.key === "Backspace") listener.remove(handle);
  else return;
  event.preventDefault();
}

function drawThumb(thumb: HTMLElement, span: Span, marks: Marks): void {
  place(thumb, shareOf(span, marks.p0));
  describe(thumb, marks.p0, plain(marks.p0), {
    lo: Number.isFinite(marks.lower) ? marks.lower : Math.min(span.lo, marks.p0),
    hi: Number.isFinite(marks.upper) ? marks.upper : Math.max(span.hi, marks.p0),
  });
}

function drawBracket(bracket: HTMLElement, side: "lower" | "upper", span: Span, marks: Marks): void {
  const bound = marks[side];
  const share = shareOf(span, bound);
  const isBound = Number.isFinite(bound);
  const where = !isBound ? "none" : share >= -1e-9 && share <= 1 + 1e-9 ? "here" : share < 0 ? "below" : "above";
  setAttribute(bracket, "data-where", where);
  const end = where === "below" || (where === "none" && side === "lower") ? 0 : 1;
  place(bracket, where === "here" ? share : end, where === "here" ? 0 : (2 * end - 1) * PARK_PX);
  const now = isBound ? bound : end === 0 ? span.lo : span.hi;
  describe(bracket, now, isBound ? plain(bound) : "none", { lo: Math.min(span.lo, now), hi: Math.max(span.hi, now) });
}

function drawAllowed(allowed: HTMLElement, span: Span, marks: Marks): void {
  const [from, to] = [clamp(shareOf(span, marks.lower)), clamp(shareOf(span, marks.upper))];
  stretch(allowed, from, to);
}

function drawFit(tick: HTMLElement, bar: HTMLElement, span: Span, { popt, stderr }: Marks): void {
  tick.hidden = !Number.isFinite(popt);
  bar.hidden = tick.hidden || !(stderr > 0 && Number.isFinite(stderr));
  if (tick.hidden) return;
  const share = shareOf(span, popt);
  setAttribute(tick, "data-where", share < 0 ? "below" : share > 1 ? "above" : "here");
  place(tick, clamp(share));
  tick.title = `fitted value ${short(popt)}`;
  stretch(bar, clamp(shareOf(span, popt - stderr)), clamp(shareOf(span, popt + stderr)));
}

function describe(handle: HTMLElement, now: number, text: string, range: Span): void {
  setAttribute(handle, "aria-valuenow", String(now));
  setAttribute(handle, "aria-valuemin", String(range.lo));
  setAttribute(handle, "aria-valuemax", String(range.hi));
  setAttribute(handle, "aria-valuetext", text);
}

function place(element: HTMLElement, share: number, pixels = 0): void {
  element.style.left = `calc(${(100 * share).toFixed(3)}% + ${pixels}px)`;
}

function stretch(element: HTMLElement, from: number, to: number): void {
  element.style.left = `${(100 * from).toFixed(3)}%`;
  element.style.width = `${(100 * Math.max(0, to - from)).toFixed(3)}%`;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

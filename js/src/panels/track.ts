/** The picture of one parameter: where p0, its bounds and the fitted value lie. It draws and listens, and decides nothing. */
import { make, setAttribute, setStyle } from "../dom";
import { decade, fitted, plain } from "../format";
import { decades, type Marks, type Ruler, shareOf, valueAt } from "../range";
import type { Handle } from "./choice";
import { type Finger, onDrag } from "./drag";

export const PARK_PX = 13; // how far outside the rail a bracket waits that bounds nothing, or lies beyond the range

const NAME_SHARE = 0.06; // of a track, half the name of a power of ten

export interface Listener {
  finger(handle: Handle): Finger;
  nudge(handle: Handle, steps: number): void;
  limit(handle: Handle, end: "lower" | "upper"): void;
  remove(handle: Handle): void;
  refit(): void;
  take(): void;
  settle(): void;
}

export interface Track {
  readonly el: HTMLElement;
  draw(span: Ruler, marks: Marks, held: Handle | null): void;
}

export function makeTrack(name: string, listener: Listener, signal: AbortSignal): Track {
  const part = (kind: string) => make("div", { class: `nlsq-${kind}` });
  const [powers, allowed, two, one, fit] = [part("powers"), part("allowed"), part("two"), part("error"), part("fit")];
  const handles = {
    lower: slider("bracket", `${name} lower bound`),
    upper: slider("bracket", `${name} upper bound`),
    p0: slider("thumb", `${name} start value`),
  };
  handles.lower.dataset.side = "lower";
  handles.upper.dataset.side = "upper";
  const rail = make("div", { class: "nlsq-rail" }, part("base"), powers, allowed, two, one, fit);
  rail.append(handles.lower, handles.p0, handles.upper); // the order of Tab
  const el = make("div", { class: "nlsq-track" }, rail);
  for (const handle of ["lower", "p0", "upper"] as const) listen(handles[handle], handle, rail, listener, signal);
  fit.addEventListener("dblclick", (event) => doubled(event, () => listener.take()), { signal });
  el.addEventListener("dblclick", () => listener.refit(), { signal });

  return {
    el,
    draw(span, marks, held) {
      drawPowers(powers, span, marks);
      drawAllowed(allowed, span, marks);
      drawFit(fit, span, marks);
      drawError(one, 1, span, marks);
      drawError(two, 2, span, marks);
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

function listen(el: HTMLElement, handle: Handle, rail: HTMLElement, listener: Listener, signal: AbortSignal): void {
  onDrag(el, rail, listener.finger(handle), signal);
  el.addEventListener("keydown", (event) => onKey(event, handle, listener), { signal });
  el.addEventListener("blur", () => listener.settle(), { signal });
  const remove = (): void => (handle === "p0" ? undefined : listener.remove(handle));
  el.addEventListener("dblclick", (event) => doubled(event, remove), { signal });
}

/** The track under it shall not hear of it. */
function doubled(event: Event, act: () => void): void {
  event.stopPropagation();
  act();
}

function onKey(event: KeyboardEvent, handle: Handle, listener: Listener): void {
  if (event.ctrlKey || event.metaKey) {
    listener.settle(); // to undo what has not been said to the end would be too early
    return;
  }
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (steps !== undefined) listener.nudge(handle, steps * (event.shiftKey ? 10 : 1) * (event.altKey ? 0.1 : 1));
  else if (event.key === "Home" || event.key === "End")
    listener.limit(handle, event.key === "Home" ? "lower" : "upper");
  else if (event.key === "Delete" || event.key === "Backspace") listener.remove(handle);
  else return;
  event.preventDefault();
}

function drawThumb(thumb: HTMLElement, span: Ruler, marks: Marks): void {
  place(thumb, shareOf(span, marks.p0));
  describe(thumb, marks.p0, plain(marks.p0), {
    lo: Number.isFinite(marks.lower) ? marks.lower : Math.min(valueAt(span, 0), marks.p0),
    hi: Number.isFinite(marks.upper) ? marks.upper : Math.max(valueAt(span, 1), marks.p0),
  });
}

function drawBracket(bracket: HTMLElement, side: "lower" | "upper", span: Ruler, marks: Marks): void {
  const bound = marks[side];
  const share = shareOf(span, bound);
  const isBound = Number.isFinite(bound);
  const where = !isBound ? "none" : share >= -1e-9 && share <= 1 + 1e-9 ? "here" : share < 0 ? "below" : "above";
  setAttribute(bracket, "data-where", where);
  const end = where === "below" || (where === "none" && side === "lower") ? 0 : 1;
  place(bracket, where === "here" ? share : end, where === "here" ? 0 : (2 * end - 1) * PARK_PX);
  const [lo, hi] = [valueAt(span, 0), valueAt(span, 1)];
  const now = isBound ? bound : end === 0 ? lo : hi;
  describe(bracket, now, isBound ? plain(bound) : "none", { lo: Math.min(lo, now), hi: Math.max(hi, now) });
}

function drawAllowed(allowed: HTMLElement, span: Ruler, marks: Marks): void {
  const [from, to] = [clamp(shareOf(span, marks.lower)), clamp(shareOf(span, marks.upper))];
  stretch(allowed, from, to);
}

function drawFit(tick: HTMLElement, span: Ruler, { popt, stderr }: Marks): void {
  tick.hidden = !Number.isFinite(popt);
  if (tick.hidden) return;
  const share = shareOf(span, popt);
  setAttribute(tick, "data-where", share < 0 ? "below" : share > 1 ? "above" : "here");
  place(tick, clamp(share));
  const { value, error, power } = fitted(popt, stderr);
  const words = error === "" ? value : `${value} ± ${error}`;
  setAttribute(
    tick,
    "title",
    `fitted value ${power === "" ? words : `(${words})${power}`}; double-click to start there`,
  );
}

/** So many standard errors to both sides. */
function drawError(bar: HTMLElement, count: 1 | 2, span: Ruler, { popt, stderr }: Marks): void {
  bar.hidden = !(Number.isFinite(popt) && stderr > 0 && Number.isFinite(stderr));
  if (bar.hidden) return;
  stretch(bar, clamp(shareOf(span, popt - count * stderr)), clamp(shareOf(span, popt + count * stderr)));
}

/** The powers of ten along a logarithm. Where a bound stands there is no room for a name, and its field says it. */
function drawPowers(el: HTMLElement, span: Ruler, { lower, upper }: Marks): void {
  const powers = decades(span);
  const isFree = (at: number): boolean =>
    [lower, upper].every((bound) => !(Math.abs(shareOf(span, bound) - at) < NAME_SHARE));
  while (el.children.length > powers.length) el.lastElementChild?.remove();
  while (el.children.length < powers.length) el.append(make("div", { class: "nlsq-power" }));
  powers.forEach(({ share, value, isNamed }, i) => {
    const mark = el.children[i];
    if (!(mark instanceof HTMLElement)) return;
    place(mark, share);
    setAttribute(mark, "data-name", isNamed && isFree(share) ? decade(value) : null);
  });
}

function describe(handle: HTMLElement, now: number, text: string, range: { lo: number; hi: number }): void {
  setAttribute(handle, "aria-valuenow", String(now));
  setAttribute(handle, "aria-valuemin", String(range.lo));
  setAttribute(handle, "aria-valuemax", String(range.hi));
  setAttribute(handle, "aria-valuetext", text);
}

function place(element: HTMLElement, share: number, pixels = 0): void {
  setStyle(element, "left", `calc(${(100 * share).toFixed(3)}% + ${pixels}px)`);
}

function stretch(element: HTMLElement, from: number, to: number): void {
  setStyle(element, "left", `${(100 * from).toFixed(3)}%`);
  setStyle(element, "width", `${(100 * Math.max(0, to - from)).toFixed(3)}%`);
}

function clamp(share: number): number {
  return Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
}

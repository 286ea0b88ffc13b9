/** The data with both curves, and the residuals under them on the same x. Zoom and hover are only the screen's. */
import { everyFrame, icon, make, setAttribute, setText } from "../dom";
import { magnified } from "../plot/detail";
import { loggable } from "../plot/scale";
import { type Owner, Stage } from "../plot/stage";
import type { Picture, View } from "../wire";
import { RangeEnds } from "./ends";
import { makeLegend } from "./legend";
import { makeNotes } from "./notes";
import type { Panel, Seat } from "./panel";
import { makeModes, makeScales, tool } from "./tools";

export const plots: Panel = (seat) => {
  const { el, send, look, signal } = seat;
  const { data, residuals, fault, charts, spoken } = makeCharts();
  let picture: Picture | null = null;
  let isFine = false; // single points are seen
  const note = (): void => {
    if (picture !== null) notes.draw(picture, isFine, stage.logs, modes.mode());
  };
  const [legend, notes] = [makeLegend(), makeNotes(send, () => stage.focus(), signal)];
  const modes = makeModes((mode) => {
    setAttribute(charts, "data-mode", mode);
    note();
  }, signal);
  const zooming = makeZoom(signal, { by: (factor) => stage.zoomBy(factor), reset: () => stage.reset() });
  const ends = new RangeEnds(charts, send, (range) => stage.hold(range), signal);
  const owner: Owner = {
    mode: () => modes.mode(),
    zoomed: (isZoomed) => zooming.draw(isZoomed),
    placed: (place, over) => ends.place(place, over),
    points: (points, excluded) => send({ kind: "points", points, excluded }),
    looks: (at) => look(at),
    spoken: (words) => setText(spoken, words),
  };
  const stage = new Stage({ root: el, charts, data, residuals }, owner, signal);
  const scales = makeScales((logs) => {
    stage.show(logs);
    note();
  }, signal);
  const suspect = makeSuspect(seat);
  const tools = make("div", { class: "nlsq-toolbox" }, modes.el, suspect, scales.el, zooming.el);
  el.append(make("div", { class: "nlsq-plots-head" }, legend.el, tools, notes.el), charts, spoken);
  observe(seat, stage, [data, residuals]);

  return (view: View) => {
    picture = view.picture;
    dim(el, fault, view);
    if (picture === null) return;
    isFine = magnified(picture, view.detail).frame.data.kind === "points";
    modes.allow(isFine);
    suspect.hidden = picture.frame.data.kind !== "points";
    scales.allow(loggable(picture.frame));
    stage.draw(picture, view.detail);
    legend.draw(picture);
    ends.draw(picture, view.busy);
    note();
  };
};

function makeCharts() {
  const data = make("div", { class: "nlsq-chart nlsq-chart-data" });
  const residuals = make("div", { class: "nlsq-chart nlsq-chart-residuals" });
  const fault = make("p", { class: "nlsq-fault", role: "alert", hidden: "" });
  const spoken = make("div", { class: "nlsq-spoken", "aria-live": "polite" });
  return { data, residuals, fault, charts: make("div", { class: "nlsq-charts" }, data, residuals, fault), spoken };
}

/** An old picture, one with a fault, and one of a kernel that is gone are faint. */
function dim(el: HTMLElement, fault: HTMLElement, { picture, link }: View): void {
  const sentence = picture?.fit.fault ?? null;
  fault.hidden = sentence === null;
  setText(fault, sentence ?? "");
  setAttribute(el, "data-dimmed", String(sentence !== null || link === "gone"));
  setAttribute(el, "data-stale", String(picture?.fit.stale ?? false));
  setAttribute(el, "data-start-stale", String(picture?.fit.start_stale ?? false));
}

function makeSuspect({ send, signal }: Seat): HTMLButtonElement {
  const ring = "M11 2.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6";
  const drawing = icon(ring, "M11 5h.01M2.6 12.6h.01M6 10.4h.01M9.6 12.4h.01M13.4 11h.01");
  const button = tool("Suggest outliers", drawing, "Suggest outliers (none is taken out without you)");
  button.addEventListener("click", () => send({ kind: "suggest" }), { signal });
  return button;
}

interface Zoom {
  readonly el: HTMLElement;
  draw(isZoomed: boolean): void;
}

function makeZoom(signal: AbortSignal, how: { by(factor: number): void; reset(): void }): Zoom {
  const reset = tool("Reset zoom", icon("M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3"));
  const [zoomIn, zoomOut] = [tool("Zoom in", icon("M3 8h10M8 3v10")), tool("Zoom out", icon("M3 8h10"))];
  reset.addEventListener("click", () => how.reset(), { signal });
  zoomIn.addEventListener("click", () => how.by(0.7), { signal });
  zoomOut.addEventListener("click", () => how.by(1 / 0.7), { signal });
  return {
    el: make("div", { class: "nlsq-tools", role: "group", "aria-label": "Zoom" }, zoomIn, zoomOut, reset),
    draw: (isZoomed) => setAttribute(reset, "data-idle", String(!isZoomed)),
  };
}

function observe({ signal }: Seat, stage: Stage, seats: readonly HTMLElement[]): void {
  const observer = new ResizeObserver(everyFrame(() => stage.resize(), signal));
  for (const seat of seats) observer.observe(seat);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}

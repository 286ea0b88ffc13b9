/** The data with both curves, and the residuals under them on the same x. Zoom and hover are only the screen's. */
import { everyFrame, icon, make, setAttribute, setText } from "../dom";
import { Stage } from "../plot/stage";
import type { View } from "../wire";
import type { Panel } from "./panel";

export const plots: Panel = ({ el, signal }) => {
  const reset = tool("Reset zoom", icon("M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3"));
  const tools = make("div", { class: "nlsq-tools", role: "group", "aria-label": "Zoom" });
  const [zoomIn, zoomOut] = [tool("Zoom in", icon("M3 8h10M8 3v10")), tool("Zoom out", icon("M3 8h10"))];
  tools.append(zoomIn, zoomOut, reset);
  const data = make("div", { class: "nlsq-chart nlsq-chart-data" });
  const residuals = make("div", { class: "nlsq-chart nlsq-chart-residuals" });
  const fault = make("p", { class: "nlsq-fault", role: "alert", hidden: "" });
  const charts = make("div", { class: "nlsq-charts" }, data, residuals, fault);
  el.append(make("div", { class: "nlsq-plots-head" }, legend(), tools), charts);

  const stage = new Stage(
    { root: el, charts, data, residuals },
    (isZoomed) => setAttribute(reset, "data-idle", String(!isZoomed)),
    signal,
  );
  reset.addEventListener("click", () => stage.reset(), { signal });
  zoomIn.addEventListener("click", () => stage.zoomBy(0.7), { signal });
  zoomOut.addEventListener("click", () => stage.zoomBy(1 / 0.7), { signal });
  const resize = everyFrame(() => stage.resize(), signal);
  const observer = new ResizeObserver(resize);
  observer.observe(data);
  observer.observe(residuals);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });

  return (view: View) => {
    const { picture } = view;
    const sentence = picture?.fit.fault ?? null;
    fault.hidden = sentence === null;
    setText(fault, sentence ?? "");
    setAttribute(el, "data-dimmed", String(sentence !== null || view.link === "gone"));
    if (picture !== null) stage.draw(picture);
  };
};

function tool(label: string, drawing: SVGSVGElement): HTMLButtonElement {
  return make("button", { type: "button", class: "nlsq-tool", "aria-label": label, title: label }, drawing);
}

function legend(): HTMLElement {
  const entry = (kind: string, text: string): HTMLElement =>
    make("span", { class: "nlsq-key" }, make("span", { class: `nlsq-swatch nlsq-swatch-${kind}` }), text);
  return make(
    "div",
    { class: "nlsq-legend" },
    entry("data", "data"),
    entry("start", "curve at p0"),
    entry("fit", "fit"),
  );
}

/** How the errors of the parameters hang together: a heat table with its numbers, and a word where it is too much. */
import { make, setAttribute, setText } from "../dom";
import type { Picture, View } from "../wire";
import { copyButton } from "./copy";
import type { Panel } from "./panel";
import { caveat, correlationText, ENTANGLED, entangled, exact, table } from "./report";

export const correlation: Panel = ({ el, signal }) => {
  const word = make("p", { class: "nlsq-caveat" });
  // It scrolls where it is too wide, so it can be reached by key.
  const seat = make("div", { class: "nlsq-scroll", tabindex: "0", role: "region", "aria-label": "Correlation matrix" });
  const words = make("p", { class: "nlsq-words" });
  let shown: Picture | null = null;
  const copy = copyButton("Copy all", () => (shown === null ? "" : text(shown)), signal);
  el.append(word, seat, words, make("div", { class: "nlsq-buttons" }, copy));

  return (view: View) => {
    const { picture } = view;
    if (picture === null || picture === shown) return;
    shown = picture;
    const { fit, frame } = picture;
    const is = fit.correlation !== null && fit.fault === null;
    seat.hidden = words.hidden = copy.hidden = !is;
    setText(word, caveat(fit));
    if (fit.correlation === null || !is) return;
    seat.replaceChildren(heatTable(picture));
    setText(words, entangled(frame.names, fit.correlation).join(" "));
  };
};

function heatTable({ frame: { names }, fit }: Picture): HTMLElement {
  const head = names.map((name) => make("th", { scope: "col", title: name }, make("span", {}, name)));
  const rows = names.map((name, i) => {
    const cells = names.map((other, j) => cell(name, other, fit.correlation?.[i * names.length + j] ?? NaN));
    return make("tr", {}, make("th", { scope: "row", title: name }, make("span", {}, name)), ...cells);
  });
  const corner = make("td", {});
  return make(
    "table",
    { class: "nlsq-heat" },
    make("thead", {}, make("tr", {}, corner, ...head)),
    make("tbody", {}, ...rows),
  );
}

function cell(one: string, other: string, value: number): HTMLElement {
  const known = Number.isFinite(value);
  const el = make(
    "td",
    { title: known ? `${one}, ${other}: ${value}` : `${one}, ${other}: none` },
    correlationText(value),
  );
  if (one === other) setAttribute(el, "data-own", "");
  else if (known) {
    el.style.setProperty("--nlsq-heat", `${Math.round(Math.abs(value) * 50)}%`);
    setAttribute(el, "data-sign", value < 0 ? "-" : "+");
    if (Math.abs(value) > ENTANGLED) setAttribute(el, "data-entangled", "");
  }
  return el;
}

function text({ frame: { names }, fit }: Picture): string {
  const rows = names.map((name, i) => [
    name,
    ...names.map((_, j) => exact(fit.correlation?.[i * names.length + j] ?? NaN)),
  ]);
  return table([["", ...names], ...rows]);
}

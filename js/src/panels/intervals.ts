/** How far each parameter can go until the fit is worse than chance allows, once somebody asks. */
import { make, setText } from "../dom";
import { concise } from "../format";
import type { Parameter, Picture, View } from "../wire";
import { copyButton } from "./copy";
import { percent } from "./level";
import type { Panel } from "./panel";
import { caveat, exact, table } from "./report";

export const intervals: Panel = ({ el, send, signal }) => {
  const word = make("p", { class: "nlsq-caveat" });
  const seat = make("div", { class: "nlsq-scroll", tabindex: "0", role: "region", "aria-label": "Intervals" });
  const find = make("button", { type: "button", class: "nlsq-button" }, "Find intervals");
  find.addEventListener("click", () => send({ kind: "profile" }), { signal });
  let shown: Picture | null = null;
  const copy = copyButton("Copy all", () => (shown === null ? "" : text(shown)), signal);
  el.append(word, seat, make("div", { class: "nlsq-buttons" }, find, copy));

  return ({ picture }: View) => {
    if (picture === null || picture === shown) return;
    shown = picture;
    const { fit } = picture;
    const lacks = fit.statistics === null || fit.fault !== null || fit.stale;
    const hadFocus = find.matches(":focus");
    find.hidden = lacks || fit.intervals !== null;
    seat.hidden = copy.hidden = fit.intervals === null;
    if (hadFocus && find.hidden) seat.focus({ preventScroll: true });
    setText(word, said(picture, lacks));
    if (fit.intervals !== null) seat.replaceChildren(drawn(picture));
  };
};

function said({ fit }: Picture, lacks: boolean): string {
  const level = percent(fit.interval_level);
  if (fit.intervals !== null) return `${level} by the profile of χ²: an interval need not be symmetric.`;
  if (lacks) return caveat(fit);
  return `Each parameter is held at other values and the rest fitted again, until the fit is too bad for ${level}.`;
}

function drawn(picture: Picture): HTMLElement {
  const head = ["", "fit", "lower", "upper"].map((name) => make("th", { scope: "col" }, name));
  const rows = picture.parameters.map((parameter, i) => {
    const { value, error, power } = concise(parameter.popt, parameter.stderr);
    const cells = [`${value}${error}${power}`, ...ends(picture, i).map((end) => near(end, parameter))];
    return make("tr", {}, make("th", { scope: "row" }, parameter.name), ...cells.map((cell) => make("td", {}, cell)));
  });
  return make("table", { class: "nlsq-rows" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function ends({ fit }: Picture, i: number): readonly [number, number] {
  return [fit.intervals?.[2 * i] ?? NaN, fit.intervals?.[2 * i + 1] ?? NaN];
}

/** An end with the digits that its distance from the fitted value deserves. */
function near(end: number, { popt, stderr }: Parameter): string {
  if (Number.isNaN(end)) return "–";
  if (!Number.isFinite(end)) return end > 0 ? "∞" : "−∞";
  const { value, power } = concise(end, stderr > 0 ? stderr : Math.abs(end - popt));
  return `${value}${power}`;
}

function text(picture: Picture): string {
  const rows = picture.parameters.map(({ name, popt }, i) => [name, ...[popt, ...ends(picture, i)].map(exact)]);
  return table([["name", "value", "lower", "upper"], ...rows]);
}

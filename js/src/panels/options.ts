/** How it is fitted and what is drawn of it: where it runs, the loss, the band. */
import { make, setAttribute, setText } from "../dom";
import { plain, read } from "../format";
import type { Fit, Picture, View } from "../wire";
import { makeField } from "./field";
import { LEVELS, levelOf, percent } from "./level";
import type { Panel, Seat } from "./panel";

type Draw = (picture: Picture, busy: boolean) => void;

export const options: Panel = (seat) => {
  const note = make("p", { class: "nlsq-note", "aria-live": "polite" });
  const complain = (sentence: string | null): void => setText(note, sentence ?? "");
  const parts = [device(seat), loss(seat, complain), band(seat, complain)];
  const grid = make("div", { class: "nlsq-options" }, ...parts.map(([el]) => el));
  seat.el.append(grid, note);

  return (view: View) => {
    const { picture, busy } = view;
    seat.el.inert = view.link === "gone";
    if (picture !== null) for (const [, draw] of parts) draw(picture, busy);
  };
};

/** One device is shown too: the reader must know which it is. */
function device({ send, signal }: Seat): readonly [HTMLElement, Draw] {
  const select = make("select", { class: "nlsq-select", "aria-label": "Device" });
  select.addEventListener("change", () => send({ kind: "device", device: select.value }), { signal });
  const draw: Draw = ({ frame, fit }, busy) => {
    fill(
      select,
      frame.devices.map(({ name, label }) => [name, label]),
    );
    if (!busy || select.value === "") select.value = fit.device;
  };
  return [labelled("device", "Where the fit runs", select), draw];
}

function loss({ send, signal }: Seat, complain: (sentence: string | null) => void): readonly [HTMLElement, Draw] {
  const select = make("select", { class: "nlsq-select", "aria-label": "Loss" });
  let scale = 1;
  const choose = (): void => send({ kind: "loss", loss: select.value, scale });
  select.addEventListener("change", choose, { signal });
  const commit = (text: string): string | null => {
    const value = read(text, null);
    if (typeof value === "string") return value;
    if (value === null || value <= 0) return "The scale of a loss is a positive number.";
    scale = value;
    choose();
    return null;
  };
  const field = makeField({ label: "Scale of the loss", placeholder: "", hint: "" }, commit, complain, signal);
  const draw: Draw = ({ frame, fit }, busy) => {
    fill(
      select,
      frame.losses.map((name) => [name, name === "linear" ? "linear (least squares)" : name]),
    );
    if (!busy || select.value === "") select.value = fit.loss;
    if (!busy) scale = fit.loss_scale;
    field.draw(plain(scale));
    field.el.disabled = select.value === "linear"; // squares have no scale
  };
  const why =
    "Residual, in units of sigma (of y where there is none), from which on a point counts less than its square";
  const el = make(
    "div",
    { class: "nlsq-pair" },
    labelled("loss", "How much large residuals count", select),
    labelled("scale", why, field.el),
  );
  return [el, draw];
}

function band({ send, signal }: Seat, complain: (sentence: string | null) => void): readonly [HTMLElement, Draw] {
  const select = make("select", { class: "nlsq-select", "aria-label": "Confidence band" });
  fill(select, [
    ...LEVELS.map((level) => [String(level), percent(level)] as const),
    ["none", "none"],
    ["typed", "other …"],
  ]);
  const commit = (text: string): string | null => {
    const level = levelOf(text);
    if (typeof level === "string") return level;
    send({ kind: "level", level });
    return null;
  };
  const field = makeField(
    { label: "Confidence of the band in percent", placeholder: "", hint: "" },
    commit,
    complain,
    signal,
  );
  const typed = labelled("percent", "Any confidence between 0 and 100 %", field.el);
  select.addEventListener(
    "change",
    () => {
      typed.hidden = select.value !== "typed";
      if (!typed.hidden) field.el.focus();
      else send({ kind: "level", level: select.value === "none" ? null : Number(select.value) });
    },
    { signal },
  );
  let drawn: Fit["level"] | undefined;
  const draw: Draw = ({ fit: { level } }, busy) => {
    if (level !== null) field.draw(percent(level).replace(/\s?%$/, ""));
    if (busy || level === drawn) return; // "other" stays open until a level is typed
    drawn = level;
    select.value = level === null ? "none" : LEVELS.includes(level) ? String(level) : "typed";
    typed.hidden = select.value !== "typed";
  };
  setAttribute(typed, "hidden", "");
  const el = make(
    "div",
    { class: "nlsq-pair" },
    labelled("band", "Where the curve lies with this confidence", select),
    typed,
  );
  return [el, draw];
}

function labelled(text: string, why: string, control: HTMLElement): HTMLElement {
  return make("label", { class: "nlsq-option", title: why }, make("span", {}, text), control);
}

/** The choices of a select, written only when they change: an open one would close. */
function fill(select: HTMLSelectElement, choices: readonly (readonly [value: string, label: string])[]): void {
  if (choices.length === select.options.length && choices.every(([value], i) => select.options[i]?.value === value))
    return;
  select.replaceChildren(...choices.map(([value, label]) => make("option", { value }, label)));
}

/** What is drawn, in words beside its mark. */
import { make, setText } from "../dom";
import type { Picture } from "../wire";

export interface Entry {
  readonly el: HTMLElement;
  say(words: string | null): void; // null: not shown
}

export interface Legend {
  readonly el: HTMLElement;
  draw(picture: Picture): void;
}

export function makeLegend(): Legend {
  const band = entry("band");
  const still = [entry("data", "data"), entry("start", "curve at p0"), entry("fit", "fit")];
  return {
    el: make("div", { class: "nlsq-legend" }, ...still.map(({ el }) => el), band.el),
    draw({ curves, fit: { level } }) {
      band.say(curves?.band == null || level === null ? null : `${Number((100 * level).toPrecision(4))} % band`);
    },
  };
}

/** A mark, its words, and what can be done about it. */
export function entry(kind: string | null, text = "", ...more: readonly HTMLElement[]): Entry {
  const words = make("span", {}, text);
  const swatch = kind === null ? [] : [make("span", { class: `nlsq-swatch nlsq-swatch-${kind}` })];
  const el = make("span", { class: "nlsq-key" }, ...swatch, words, ...more);
  el.hidden = text === "";
  return {
    el,
    say(said) {
      el.hidden = said === null;
      setText(words, said ?? "");
    },
  };
}

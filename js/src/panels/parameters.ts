/** The parameters, a row each, in the order of the model. */
import { make, setText } from "../dom";
import type { Send } from "../host";
import type { View } from "../wire";
import { canTake, makeWords, setDisabled } from "./buttons";
import type { Panel } from "./panel";
import { Row } from "./row";

export const parameters: Panel = ({ el, send, signal }) => {
  const title = make("div", { class: "nlsq-model" });
  const actions = makeActions(send, signal);
  const heads = ["lower bound", "start value", "upper bound"].map((text) => make("span", {}, text));
  const columns = make("div", { class: "nlsq-columns", "aria-hidden": "true" }, ...heads);
  const list = make("div", { class: "nlsq-rows" });
  el.append(make("div", { class: "nlsq-parameters-head" }, title, actions.el), list, columns);
  let names: readonly string[] = [];
  let rows: readonly Row[] = [];
  let ends = new AbortController();
  signal.addEventListener("abort", () => ends.abort(), { once: true });

  return (view: View) => {
    el.inert = view.link === "gone";
    if (view.picture === null) return;
    const { frame, fit, parameters: now } = view.picture;
    const hasFit = view.link === "live" && fit.fault === null && !fit.stale;
    setText(title, frame.model);
    actions.draw(fit.task === "guess", hasFit && now.some(canTake));
    if (names.join("\n") !== frame.names.join("\n")) {
      ends.abort();
      ends = new AbortController();
      names = frame.names;
      rows = now.map((parameter) => new Row(parameter, send, ends.signal));
      list.replaceChildren(...rows.map((row) => row.el));
    }
    now.forEach((parameter, i) => {
      rows[i]?.draw(parameter, { isBusy: view.busy, refused: view.refused, hasFit });
    });
  };
};

interface Actions {
  readonly el: HTMLElement;
  draw(isGuessing: boolean, canTake: boolean): void;
}

/** What is done to all start values at once. */
function makeActions(send: Send, signal: AbortSignal): Actions {
  const search = (): void => send({ kind: "guess" });
  const guess = makeWords("words", "Guess start values", "Guess", search, signal);
  const takeAll = (): void => send({ kind: "take", name: null });
  const take = makeWords("words", "Take fit: start all at their fitted values", "Take fit", takeAll, signal);
  return {
    el: make("span", { class: "nlsq-head-icons" }, guess, take),
    draw(isGuessing, canTake) {
      setText(guess, isGuessing ? "Guessing …" : "Guess");
      setDisabled(guess, isGuessing);
      setDisabled(take, !canTake);
    },
  };
}

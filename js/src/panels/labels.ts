/** The words and numbers of a row: its fitted value, and what is to be said about it. */
import { make, setAttribute, setText } from "../dom";
import { concise, fitted, plain } from "../format";
import type { Parameter } from "../wire";

export interface Label {
  readonly el: HTMLElement;
  draw(parameter: Parameter, hasFit: boolean): void;
}

export function makeFitted(name: string, signal: AbortSignal): Label {
  // By default an output is a live region, which would speak with each step of a drag.
  const quiet = { role: "group", "aria-live": "off" };
  const el = make("output", { class: "nlsq-fitted", "aria-label": `${name} fitted value`, ...quiet });
  const [value, error] = [make("span", { class: "nlsq-value" }), make("span", { class: "nlsq-stderr" })];
  el.append(value, error);
  // What is copied has all digits, what is shown has those that mean something.
  el.addEventListener(
    "copy",
    (event) => {
      event.clipboardData?.setData("text/plain", `${el.dataset.value}\t${el.dataset.stderr}`);
      event.preventDefault();
    },
    { signal },
  );
  return {
    el,
    draw({ popt, stderr, role }) {
      const text = concise(popt, role === "fixed" ? NaN : stderr);
      setText(value, text.value);
      setText(error, `${text.error}${text.power}`);
      el.dataset.value = plain(popt);
      el.dataset.stderr = plain(stderr);
      setAttribute(el, "title", spelled(name, popt, role === "fixed" ? NaN : stderr));
    },
  };
}

/** What has to be said about a parameter beside its numbers. */
export function makeWord(): Label {
  const el = make("span", { class: "nlsq-word" });
  return {
    el,
    draw({ role, at_bound, popt, stderr }) {
      setAttribute(el, "data-tone", at_bound === null ? "quiet" : "notice");
      if (role === "fixed" || role === "tied") setText(el, role);
      else if (at_bound !== null) setText(el, `at ${at_bound} bound`);
      else if (Number.isFinite(popt) && !Number.isFinite(stderr)) setText(el, "error unknown");
      else setText(el, role === "following" ? role : "");
    },
  };
}

/** With the error spelled out, for who does not read 1.2345(67). */
function spelled(name: string, popt: number, stderr: number): string {
  if (!Number.isFinite(popt)) return "no fitted value";
  const { value, error, power } = fitted(popt, stderr);
  if (error === "") return `${name} = ${value}${power}`;
  return power === "" ? `${name} = ${value} ± ${error}` : `${name} = (${value} ± ${error})${power}`;
}

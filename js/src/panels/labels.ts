/** The words and numbers of a row: its fitted value, its lock, what is to be said about it. */
import { icon, make, setAttribute, setText } from "../dom";
import { fitted, plain } from "../format";
import type { Parameter } from "../wire";

export interface Label {
  readonly el: HTMLElement;
  draw(parameter: Parameter): void;
}

export function makeFitted(name: string, signal: AbortSignal): Label {
  // By default an output is a live region, which would speak with each step of a drag.
  const quiet = { role: "group", "aria-live": "off" };
  const el = make("output", { class: "nlsq-fitted", "aria-label": `${name} fitted value`, ...quiet });
  const [value, error] = [make("span", { class: "nlsq-value" }), make("span", { class: "nlsq-stderr" })];
  const open = make("span", { class: "nlsq-stderr" });
  el.append(open, value, error);
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
      const text = fitted(popt, role === "fixed" ? NaN : stderr);
      const isShared = text.power !== "" && text.error !== ""; // one power of ten for both
      setText(open, isShared ? "(" : "");
      setText(value, text.value);
      setText(error, text.error === "" ? text.power : ` ± ${text.error}${isShared ? ")" : ""}${text.power}`);
      el.dataset.value = plain(popt);
      el.dataset.stderr = plain(stderr);
      setAttribute(el, "title", Number.isFinite(popt) ? `${name} = ${popt} ± ${stderr}` : "no fitted value");
    },
  };
}

export function makeLock(name: string, toggle: (fixed: boolean) => void, signal: AbortSignal): Label {
  const body = "M4 7.5h8v5.5h-8z";
  const shut = icon(body, "M5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2");
  const open = icon(body, "M5.5 7.5v-2.5a2.5 2.5 0 0 1 4.9 -0.7");
  const el = make("button", { type: "button", class: "nlsq-lock", "aria-label": `Lock ${name}` }, open);
  el.addEventListener("click", () => toggle(el.getAttribute("aria-pressed") !== "true"), { signal });
  return {
    el,
    draw({ role }) {
      const free = role !== "fixed";
      setAttribute(el, "aria-pressed", String(!free));
      setAttribute(el, "title", free ? `Hold ${name} at its start value` : `Let the fit move ${name}`);
      const drawing = free ? open : shut;
      if (el.firstChild !== drawing) el.replaceChildren(drawing);
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
      if (role === "fixed") setText(el, "fixed");
      else if (at_bound !== null) setText(el, `at ${at_bound} bound`);
      else if (Number.isFinite(popt) && !Number.isFinite(stderr)) setText(el, "error unknown");
      else setText(el, "");
    },
  };
}

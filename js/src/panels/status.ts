/** How the fit went, in words and numbers. It is spoken only when it has come to rest. */
import { make, setAttribute, setText } from "../dom";
import { fitted, plain } from "../format";
import type { Fit, Picture, View } from "../wire";
import type { Panel } from "./panel";
import { IDLE, SLOW_MS, waiting } from "./patience";

const REST_MS = 500;

export const status: Panel = ({ el, send, signal }) => {
  const dot = make("span", { class: "nlsq-dot", "aria-hidden": "true" });
  const sentence = make("span", { class: "nlsq-sentence" });
  const numbers = make("span", { class: "nlsq-numbers" });
  const line = make("div", { class: "nlsq-line", role: "status", "aria-live": "off" }, dot, sentence, numbers);
  const spoken = make("div", { class: "nlsq-spoken", "aria-live": "polite" });
  // Beside the line, which is read out: a button is none of the news.
  const cancel = make("button", { type: "button", class: "nlsq-button", hidden: "" }, "Cancel");
  cancel.addEventListener("click", () => send({ kind: "cancel" }), { signal });
  el.append(line, cancel, spoken);
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  const isSlow = slowness(() => last !== null && draw(last), signal);
  let last: View | null = null;

  function draw(view: View): void {
    const { tone, words } = say(view, isSlow(view));
    setAttribute(line, "data-tone", tone);
    setText(sentence, words);
    cancel.hidden = view.link !== "live" || view.picture?.fit.running == null;
    setText(numbers, view.picture === null ? "" : counts(view.picture.fit));
    clearTimeout(timer);
    timer = setTimeout(() => setText(spoken, [words, ...values(view.picture)].join(". ")), REST_MS);
  }

  return (view: View) => {
    last = view;
    draw(view);
  };
};

/** Whether an answer is long in coming; `grown` is called when it becomes so. */
function slowness(grown: () => void, signal: AbortSignal): (view: View) => boolean {
  let state = IDLE;
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return (view) => {
    const before = state;
    state = waiting(before, view, performance.now());
    if (state.since !== before.since) {
      clearTimeout(timer);
      if (state.since !== null) timer = setTimeout(grown, SLOW_MS + 20);
    }
    return state.slow;
  };
}

function say(view: View, isSlow: boolean): { tone: "good" | "notice" | "quiet"; words: string } {
  if (view.link === "gone") return { tone: "notice", words: "The kernel is gone. Run the cell again." };
  if (view.link === "waiting") return { tone: "quiet", words: "waiting for the kernel …" };
  if (isSlow) return { tone: "quiet", words: "fitting …" };
  if (view.refused !== null) return { tone: "notice", words: view.refused };
  if (view.picture === null) return { tone: "quiet", words: "" };
  const { fault, ok, running, status: words } = view.picture.fit;
  if (fault !== null) return { tone: "notice", words: words || "no fit" };
  if (running !== null) return { tone: "quiet", words };
  return { tone: ok ? "good" : "notice", words };
}

function counts(fit: Fit): string {
  const programs = `${fit.compiled} ${fit.compiled === 1 ? "program" : "programs"} compiled`;
  return [`${milliseconds(fit.milliseconds)} ms`, fit.device, programs].join(" · ");
}

function milliseconds(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function values(picture: Picture | null): string[] {
  if (picture === null || picture.fit.fault !== null) return [];
  return picture.parameters.map((parameter) => {
    if (parameter.role === "fixed") return `${parameter.name} fixed at ${plain(parameter.p0)}`;
    const { value, error, power } = fitted(parameter.popt, parameter.stderr);
    return `${parameter.name} ${value}${error === "" ? "" : ` ± ${error}`}${power}`;
  });
}

/** Undo, redo, back to the beginning, and when to fit. */
import { icon, make, setAttribute } from "../dom";
import type { Live, View } from "../wire";
import { historyStep } from "./keys";
import type { Panel } from "./panel";

const WHEN: Readonly<Record<Live, string>> = {
  drag: "fit while dragging",
  release: "fit on release",
  button: "fit by button",
};

export const actions: Panel = ({ el, root, send, signal }) => {
  const undo = tool("Undo", "Ctrl+Z", icon("M6 3.5 3 6.5l3 3", "M3 6.5h6.5a3.25 3.25 0 0 1 0 6.5H7"));
  const redo = tool("Redo", "Ctrl+Shift+Z", icon("M10 3.5l3 3-3 3", "M13 6.5H6.5a3.25 3.25 0 0 0 0 6.5H9"));
  const reset = tool("Back to the beginning", "", icon("M3.5 3.5v9", "M12.5 4 6.5 8l6 4z"));
  const group = make("div", { class: "nlsq-tools", role: "group", "aria-label": "History" }, undo, redo, reset);
  const fit = make("button", { type: "button", class: "nlsq-fit-now", title: "Fit now" }, "Fit");
  const when = make("select", { class: "nlsq-when", "aria-label": "When to fit" });
  when.append(...Object.entries(WHEN).map(([value, label]) => make("option", { value }, label)));
  el.append(group, fit, when);
  let now: View | null = null;

  // Only said to be disabled: a button that is, drops the focus, and the next key would go to the notebook.
  const can = (button: HTMLElement): boolean => button.getAttribute("aria-disabled") !== "true";
  const step = (button: HTMLElement, kind: "undo" | "redo" | "reset"): void => {
    if (can(button)) send({ kind });
  };
  undo.addEventListener("click", () => step(undo, "undo"), { signal });
  redo.addEventListener("click", () => step(redo, "redo"), { signal });
  reset.addEventListener("click", () => step(reset, "reset"), { signal });
  fit.addEventListener("click", () => send({ kind: "fit" }), { signal });
  when.addEventListener("change", () => send({ kind: "live", live: live(when.value) }), { signal });
  onHistoryKey(root, (kind) => now?.link !== "gone" && step(kind === "undo" ? undo : redo, kind), signal);

  return (view: View) => {
    now = view;
    el.inert = view.link === "gone";
    if (view.picture === null) return;
    const { can_undo, can_redo, stale, running, live: mode } = view.picture.fit;
    // While a change is on its way it can be taken back already.
    setAttribute(undo, "aria-disabled", String(!can_undo && !view.busy));
    setAttribute(redo, "aria-disabled", String(!can_redo));
    setAttribute(reset, "aria-disabled", String(!can_undo));
    if (!view.busy) when.value = mode;
    setAttribute(fit, "data-mode", mode);
    setAttribute(fit, "data-stale", String(stale && running === null));
  };
};

/** In a text field with an edit of its own, the browser's undo is meant. */
function onHistoryKey(root: HTMLElement, act: (kind: "undo" | "redo") => void, signal: AbortSignal): void {
  const edited = new WeakSet<EventTarget>();
  const forget = ({ target }: Event): void => void (target !== null && edited.delete(target));
  root.addEventListener("input", ({ target }) => void (isText(target) && edited.add(target)), { signal });
  root.addEventListener("change", forget, { signal });
  root.addEventListener("focusout", forget, { signal });
  root.addEventListener(
    "keydown",
    (event) => {
      const { target } = event;
      if (isText(target) && (event.key === "Enter" || event.key === "Escape")) edited.delete(target);
      const kind = historyStep(event);
      if (kind === null || (isText(target) && (edited.has(target) || target.ariaInvalid === "true"))) return;
      event.preventDefault();
      act(kind);
    },
    { signal },
  );
}

function isText(target: EventTarget | null): target is HTMLInputElement {
  return target instanceof HTMLInputElement && target.type === "text";
}

function live(value: string): Live {
  return value === "release" || value === "button" ? value : "drag";
}

function tool(label: string, key: string, drawing: SVGSVGElement): HTMLButtonElement {
  const title = key === "" ? label : `${label} (${key})`;
  return make("button", { type: "button", class: "nlsq-tool", "aria-label": label, title }, drawing);
}

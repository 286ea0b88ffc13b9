/** The buttons of a row. Each says by its title what a press will do, and stays quiet until the row is looked at. */
import { icon, make, setAttribute } from "../dom";
import type { Parameter, Role } from "../wire";
import type { Label } from "./labels";

export type Button = Label;

type Choose = (role: Role) => void;

export function makeLock(name: string, choose: Choose, signal: AbortSignal): Button {
  const body = "M4 7.5h8v5.5h-8z";
  const shut = icon(body, "M5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2");
  const open = icon(body, "M5.5 7.5v-2.5a2.5 2.5 0 0 1 4.9 -0.7");
  const el = makeButton("lock", `Lock ${name}`, open);
  onPress(el, () => choose(isPressed(el) ? "free" : "fixed"), signal);
  return {
    el,
    draw({ role }) {
      const isFixed = role === "fixed";
      el.hidden = role === "tied";
      setAttribute(el, "aria-pressed", String(isFixed));
      setAttribute(el, "title", isFixed ? `Fixed. Let the fit move ${name}` : `Hold ${name} at its start value`);
      const drawing = isFixed ? shut : open;
      if (el.firstChild !== drawing) el.replaceChildren(drawing);
    },
  };
}

export function makeFollow(name: string, choose: Choose, signal: AbortSignal): Button {
  const links = icon(
    "M7 9a2.6 2.6 0 0 0 3.8 .2l2 -2a2.6 2.6 0 0 0 -3.7 -3.7l-1 1",
    "M9 7a2.6 2.6 0 0 0 -3.8 -.2l-2 2a2.6 2.6 0 0 0 3.7 3.7l1 -1",
  );
  const el = makeButton("follow", `Let ${name} follow`, links);
  onPress(el, () => choose(isPressed(el) ? "free" : "following"), signal);
  return {
    el,
    draw({ role }) {
      const follows = role === "following";
      el.hidden = role === "tied";
      setAttribute(el, "aria-pressed", String(follows));
      const title = follows
        ? `Following. Let the start value of ${name} stay where it is put`
        : `Re-optimise ${name} while another is dragged: its start value follows`;
      setAttribute(el, "title", title);
    },
  };
}

export function makeTake(name: string, take: () => void, signal: AbortSignal): Button {
  const arrow = icon("M8 2.5v3", "M8 13.5a2.7 2.7 0 1 0 0 -5.4a2.7 2.7 0 0 0 0 5.4z", "M5.8 4.2l2.2 2.2l2.2 -2.2");
  const el = makeButton("take", `Start ${name} at its fitted value`, arrow);
  onPress(el, take, signal);
  return {
    el,
    draw(parameter, hasFit) {
      el.hidden = parameter.role === "tied";
      setDisabled(el, !hasFit || !canTake(parameter));
      setAttribute(el, "title", hasFit ? `Start ${name} at its fitted value` : "There is no fit to take");
    },
  };
}

export function makeUntie(name: string, untie: () => void, signal: AbortSignal): Button {
  const el = makeButton("untie", `Untie ${name}`, "untie");
  setAttribute(el, "title", `Untie ${name}: let the fit move it by itself`);
  onPress(el, untie, signal);
  return {
    el,
    draw({ role }) {
      el.hidden = role !== "tied";
    },
  };
}

/** Offered only where a logarithmic track shows more; it is no business of the kernel. */
export function makeLog(name: string, toggle: () => void, signal: AbortSignal): Button {
  const el = makeButton("log", `Logarithmic track of ${name}`, "log");
  setAttribute(el, "title", "Logarithmic track");
  setAttribute(el, "aria-pressed", "false");
  onPress(
    el,
    () => {
      setAttribute(el, "aria-pressed", String(!isPressed(el)));
      toggle();
    },
    signal,
  );
  return {
    el,
    draw({ role }, isOffered) {
      el.hidden = !isOffered || role === "tied";
    },
  };
}

/** A button with its words beside its drawing, as it stands in the head of the panel. */
export function makeWords(kind: string, label: string, words: string, press: () => void, signal: AbortSignal) {
  const el = makeButton(kind, label, words);
  setAttribute(el, "title", label);
  onPress(el, press, signal);
  return el;
}

/** Whether the fitted value is another than the start value, by more than the rounding of a fit that begins there. */
export function canTake({ role, popt, p0, stderr }: Parameter): boolean {
  const size = Math.max(Math.abs(popt), Number.isFinite(stderr) ? stderr : 0);
  return role !== "tied" && Math.abs(popt - p0) > 1e-9 * size;
}

/** It keeps the focus, as a button that is really disabled would not. */
export function setDisabled(el: HTMLElement, isDisabled: boolean): void {
  setAttribute(el, "aria-disabled", String(isDisabled));
}

function makeButton(kind: string, label: string, face: Node | string): HTMLButtonElement {
  return make("button", { type: "button", class: `nlsq-icon nlsq-${kind}`, "aria-label": label }, face);
}

function onPress(el: HTMLElement, press: () => void, signal: AbortSignal): void {
  el.addEventListener("click", () => el.getAttribute("aria-disabled") !== "true" && press(), { signal });
}

function isPressed(el: HTMLElement): boolean {
  return el.getAttribute("aria-pressed") === "true";
}

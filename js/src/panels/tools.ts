/** The tools of the plots: what a box does, which scales are logarithmic, how far one looks. */
import { icon, make, setAttribute } from "../dom";
import type { Mode } from "../plot/gestures";
import type { Logs } from "../plot/scale";

const CORNERS = "M3 5.2V3h2.2M10.8 3H13v2.2M13 10.8V13h-2.2M5.2 13H3v-2.2";

const MODES: readonly { mode: Mode; label: string; title: string; paths: readonly string[] }[] = [
  {
    mode: "zoom",
    label: "Zoom",
    title: "Drag a box to zoom (Shift-drag pans, Ctrl-scroll zooms, a click takes a point out or back)",
    paths: ["M6.8 2.6a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4", "M10 10l3.6 3.6"],
  },
  {
    mode: "exclude",
    label: "Exclude",
    title: "Drag a box to exclude the points in it (or Alt-drag)",
    paths: [CORNERS, "M6.2 6.2l3.6 3.6M9.8 6.2L6.2 9.8"],
  },
  {
    mode: "restore",
    label: "Restore",
    title: "Drag a box to bring back the points in it (or Alt-Shift-drag)",
    paths: [CORNERS, "M5.6 8.2l1.8 1.8 3-3.8"],
  },
];

export interface Modes {
  readonly el: HTMLElement;
  mode(): Mode;
  allow(isPossible: boolean): void; // whether points can be taken out one by one
}

/** One of three, as a radio group: Tab comes to the chosen one, the arrows choose. */
export function makeModes(changed: (mode: Mode) => void, signal: AbortSignal): Modes {
  let chosen: Mode = "zoom";
  const buttons = MODES.map(({ label, title, paths }) => {
    const button = tool(label, icon(...paths), title);
    button.setAttribute("role", "radio");
    return button;
  });
  const el = make("div", { class: "nlsq-tools", role: "radiogroup", "aria-label": "What a box does" }, ...buttons);

  function choose(mode: Mode): void {
    chosen = mode;
    buttons.forEach((button, i) => {
      const isOn = MODES[i]?.mode === mode;
      setAttribute(button, "aria-checked", String(isOn));
      button.tabIndex = isOn ? 0 : -1;
    });
    changed(mode);
  }

  function onKey(event: KeyboardEvent, i: number): void {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (i + step + MODES.length) % MODES.length;
    choose(MODES[next]?.mode ?? "zoom");
    buttons[next]?.focus();
  }

  buttons.forEach((button, i) => {
    button.addEventListener("click", () => choose(MODES[i]?.mode ?? "zoom"), { signal });
    button.addEventListener("keydown", (event) => onKey(event, i), { signal });
  });
  choose("zoom");
  return {
    el,
    mode: () => chosen,
    allow: (isPossible) => {
      if (!isPossible && chosen !== "zoom") choose("zoom");
      el.hidden = !isPossible;
    },
  };
}

export interface Scales {
  readonly el: HTMLElement;
  allow(can: Logs): void;
}

/** A scale without a positive value cannot be logarithmic, and its button says so. */
export function makeScales(changed: (logs: Logs) => void, signal: AbortSignal): Scales {
  let logs: Logs = { x: false, y: false };
  let can: Logs = { x: true, y: true };
  const button = (which: "x" | "y"): HTMLButtonElement => {
    const el = make("button", { type: "button", class: "nlsq-tool nlsq-tool-text" }, `log ${which}`);
    el.addEventListener("click", () => toggle(which), { signal });
    return el;
  };
  const buttons = { x: button("x"), y: button("y") };

  function toggle(which: "x" | "y"): void {
    if (!can[which]) return;
    logs = { ...logs, [which]: !logs[which] };
    changed(logs);
    draw();
  }

  function draw(): void {
    for (const which of ["x", "y"] as const) {
      const el = buttons[which];
      setAttribute(el, "aria-pressed", String(logs[which] && can[which]));
      setAttribute(el, "aria-disabled", String(!can[which]));
      el.title = can[which] ? `Logarithmic ${which} axis` : `No ${which} is positive, so it has no logarithm`;
    }
  }

  draw();
  return {
    el: make("div", { class: "nlsq-tools", role: "group", "aria-label": "Axes" }, buttons.x, buttons.y),
    allow: (possible) => {
      can = possible;
      draw();
    },
  };
}

export function tool(label: string, drawing: SVGSVGElement, title = label): HTMLButtonElement {
  return make("button", { type: "button", class: "nlsq-tool", "aria-label": label, title }, drawing);
}

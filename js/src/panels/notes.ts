/** A line over the plots: which points do not count, which are suspected; and where there is nothing to note, a hint. */
import { make } from "../dom";
import type { Send } from "../host";
import type { Mode } from "../plot/gestures";
import { type Logs, unseen } from "../plot/scale";
import type { Picture } from "../wire";
import { entry } from "./legend";

export interface Notes {
  readonly el: HTMLElement;
  draw(picture: Picture, isFine: boolean, logs: Logs, mode: Mode): void; // isFine: single points are seen
}

const HINTS: Readonly<Record<Mode, string>> = {
  zoom: "Click a point to exclude it. Drag to zoom.",
  exclude: "Drag a box around points to exclude them.",
  restore: "Drag a box around points to bring them back.",
};

const COARSE = "Drag to zoom in on single points.";

/** What is done about a note makes it vanish, with its buttons: `rest` gives the focus another seat. */
export function makeNotes(send: Send, rest: () => void, signal: AbortSignal): Notes {
  let picture: Picture | null = null;
  const link = (text: string, act: () => void): HTMLButtonElement => {
    const el = make("button", { type: "button", class: "nlsq-link" }, text);
    const done = (): void => {
      act();
      rest();
    };
    el.addEventListener("click", done, { signal });
    return el;
  };
  const restore = link("Restore all", () =>
    send({ kind: "points", points: marked(picture?.fit.excluded, 1), excluded: false }),
  );
  const whole = link("Fit all x", () => send({ kind: "range", lower: null, upper: null }));
  const exclude = link("Exclude them", () =>
    send({ kind: "points", points: marked(picture?.fit.suggested, 1), excluded: true }),
  );
  const dismiss = link("Dismiss", () => send({ kind: "dismiss" }));
  const [hint, missing] = [entry(null), entry(null)];
  const [out, beyond] = [entry("out", "", restore), entry(null, "", whole)];
  const suspected = entry("suspect", "", exclude, dismiss);
  suspected.el.setAttribute("role", "status");
  const notes = [suspected, out, beyond, missing];
  const el = make("div", { class: "nlsq-notes" }, ...notes.map((note) => note.el), hint.el);

  return {
    el,
    draw(now, isFine, logs, mode) {
      picture = now;
      const { excluded, suggested, n_excluded, range } = now.fit;
      const isMany = now.frame.data.kind === "columns"; // then they are only counted
      out.say(counted(isMany ? n_excluded : marked(excluded, 1).length, "excluded"));
      restore.hidden = isMany;
      const isOpen = !range.some(Number.isFinite);
      beyond.say(isOpen ? null : (counted(marked(excluded, 2).length, "out of range") ?? "A range of x is fitted"));
      missing.say(counted(unseen(now.frame, logs), "not shown"));
      exclude.hidden = marked(suggested, 1).length === 0;
      suspected.say(suggested === null ? null : suspicion(marked(suggested, 1).length));
      hint.say(notes.some((note) => !note.el.hidden) ? null : isFine ? HINTS[mode] : COARSE);
    },
  };
}

function marked(marks: Uint8Array | null | undefined, mark: number): number[] {
  const found: number[] = [];
  marks?.forEach((value, i) => {
    if (value === mark) found.push(i);
  });
  return found;
}

function counted(count: number, what: string): string | null {
  return count === 0 ? null : `${count} ${count === 1 ? "point" : "points"} ${what}`;
}

function suspicion(count: number): string {
  if (count === 0) return "No outliers are suspected";
  return count === 1 ? "1 suspected outlier" : `${count} suspected outliers`;
}

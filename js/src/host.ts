/** The seam between panels and whatever holds the session. A host is five things: the view, on a new view, send, look, take. */
import type {
  Command,
  Detail,
  DetailMessage,
  FileKind,
  Look,
  Message,
  Parameter,
  Picture,
  Taken,
  View,
  Window,
} from "./wire";

/** `held`: the finger is still down, and more of this gesture will come. */
export type Send = (command: Command, held?: "held") => void;

export interface Host {
  view(): View;
  onView(seen: () => void, signal: AbortSignal): void;
  readonly send: Send;
  readonly take: (kind: FileKind) => Promise<Taken>; // a file made of the fit; fails with a sentence
  readonly look: (at: Look | null) => void; // what is seen of data that are too many to be sent; null: no matter what
}

/** What the screen shows after a message; "mismatch" when the message moves a frame that this page does not hold. */
export function advance(before: Picture | null, message: Message): Picture | "mismatch" {
  const frame = message.frame ?? before?.frame;
  if (frame === undefined || frame.id !== message.fit.frame) return "mismatch";
  if (message.parameters.length !== frame.names.length) return "mismatch";
  const parameters: Parameter[] = [];
  frame.names.forEach((name, i) => {
    const values = message.parameters[i];
    if (values !== undefined) parameters.push({ name, ...values });
  });
  if (message.curves !== null && message.curves.curve.length !== frame.grid.length) return "mismatch";
  const kept = before !== null && before.frame.id === frame.id ? before.curves : null;
  return { frame, fit: message.fit, parameters, curves: message.curves ?? kept };
}

/** What is known of a window after a message: all of it, or with what moved in it. */
export function merged(before: Detail | null, { kind: _, page: __, data, ...moved }: DetailMessage): Detail | null {
  if (data !== null) return { ...moved, data };
  if (before === null || !isSame(before.window, moved.window)) return before;
  const count = moved.residuals?.kind === "columns" ? moved.residuals.low.length : moved.residuals?.values.length;
  const isOther =
    moved.excluded.length !== before.excluded.length || (count ?? before.data.x.length) !== before.data.x.length;
  if (isOther) return before;
  return { ...before, excluded: moved.excluded, residuals: moved.residuals ?? before.residuals };
}

function isSame(a: Window, b: Window): boolean {
  return [...a.x, ...a.y].every((value, i) => value === [...b.x, ...b.y][i]);
}

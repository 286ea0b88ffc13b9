/** The seam between panels and whatever holds the session. A host is three things: the view, on a new view, send. */
import type { Command, Message, Parameter, Picture, View } from "./wire";

/** `held`: the finger is still down, and more of this gesture will come. */
export type Send = (command: Command, held?: "held") => void;

export interface Host {
  view(): View;
  onView(seen: () => void, signal: AbortSignal): void;
  readonly send: Send;
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

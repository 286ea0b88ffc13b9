/** What every panel is: it takes a seat on the page and returns how to draw a view. It keeps no truth of its own. */
import type { Host, Send } from "../host";
import type { View } from "../wire";

export interface Seat {
  readonly el: HTMLElement;
  readonly root: HTMLElement; // the whole widget, for keys that are meant wherever the focus is
  readonly send: Send;
  readonly look: Host["look"];
  readonly take: Host["take"];
  readonly signal: AbortSignal;
}

export type Panel = (seat: Seat) => (view: View) => void;

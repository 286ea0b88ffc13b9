/** What every panel is: it takes a seat on the page and returns how to draw a view. It keeps no truth of its own. */
import type { Send } from "../host";
import type { View } from "../wire";

export interface Seat {
  readonly el: HTMLElement;
  readonly send: Send;
  readonly signal: AbortSignal;
}

export type Panel = (seat: Seat) => (view: View) => void;

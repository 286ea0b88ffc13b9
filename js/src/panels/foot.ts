/** The last line: how the fit went, the tabs, and the drawer that they open. */
import { make } from "../dom";
import { Drawer } from "./drawer";
import type { Panel } from "./panel";
import { status } from "./status";

export const foot: Panel = (seat) => {
  const line = make("div", { class: "nlsq-status" });
  const drawStatus = status({ ...seat, el: line });
  const drawer = new Drawer(seat, line);
  return (view) => {
    drawStatus(view);
    drawer.draw(view);
  };
};

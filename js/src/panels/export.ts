/** What can be taken away from here: the Python that does the same, and the values. */
import { make, setText } from "../dom";
import type { Picture, View } from "../wire";
import { copyButton } from "./copy";
import type { Panel } from "./panel";
import { valuesTable } from "./report";

export const takeaway: Panel = ({ el, signal }) => {
  const code = make("code", {});
  const seat = make("pre", { class: "nlsq-code", tabindex: "0", role: "region", "aria-label": "Python" }, code);
  let shown: Picture | null = null;
  const copyCode = copyButton("Copy code", () => shown?.fit.code ?? "", signal);
  const copyValues = copyButton("Copy values", () => (shown === null ? "" : valuesTable(shown)), signal);
  el.append(seat, make("div", { class: "nlsq-buttons" }, copyCode, copyValues));

  return (view: View) => {
    if (view.picture === null) return;
    shown = view.picture;
    setText(code, shown.fit.code);
  };
};

/** How good the fit is, in numbers. Copying gives all their digits. */
import { make, setText } from "../dom";
import type { View } from "../wire";
import { copyButton } from "./copy";
import type { Panel } from "./panel";
import { caveat, type Row, statisticsRows, table } from "./report";

export const statistics: Panel = ({ el, signal }) => {
  const list = make("dl", { class: "nlsq-statistics" });
  const word = make("p", { class: "nlsq-caveat" });
  const copy = copyButton("Copy all", () => text(rows), signal);
  el.append(word, list, make("div", { class: "nlsq-buttons" }, copy));
  let rows: readonly Row[] = [];
  let lines: readonly Line[] = [];

  // What is selected is copied line by line, with all digits.
  list.addEventListener(
    "copy",
    (event) => {
      const selected = rows.filter((_, i) => isSelected(lines[i]?.el));
      event.clipboardData?.setData("text/plain", text(selected));
      event.preventDefault();
    },
    { signal },
  );

  return (view: View) => {
    if (view.picture === null) return;
    const { fit } = view.picture;
    rows = statisticsRows(fit);
    if (lines.length !== rows.length) {
      lines = rows.map(makeLine);
      list.replaceChildren(...lines.map((line) => line.el));
    }
    rows.forEach((row, i) => {
      const value = lines[i]?.value;
      if (value !== undefined) setText(value, row.shown);
    });
    copy.hidden = rows.length === 0;
    setText(word, caveat(fit));
  };
};

interface Line {
  readonly el: HTMLElement;
  readonly value: HTMLElement;
}

function makeLine(row: Row): Line {
  const value = make("dd", {});
  return { el: make("div", { title: row.why }, make("dt", {}, row.name), value), value };
}

function isSelected(line: Node | undefined): boolean {
  return line !== undefined && (document.getSelection()?.containsNode(line, true) ?? false);
}

function text(rows: readonly Row[]): string {
  return table(rows.map(({ name, exact }) => [name, exact]));
}

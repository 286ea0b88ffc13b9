/** What can be taken away from here: the Python that does the same, the values, and files that the kernel makes. */
import { make, setText } from "../dom";
import type { FileKind, Picture, Taken, View } from "../wire";
import { copyButton } from "./copy";
import type { Panel, Seat } from "./panel";
import { valuesTable } from "./report";

const KINDS: readonly (readonly [kind: FileKind, label: string])[] = [
  ["script", "Program in Python"],
  ["scipy", "Program with SciPy"],
  ["points", "Points, CSV"],
  ["csv", "Table, CSV"],
  ["json", "Table, JSON"],
  ["markdown", "Table, Markdown"],
  ["latex", "Table, LaTeX"],
  ["session", "Session, JSON"],
  ["svg", "Figure, SVG"],
  ["pdf", "Figure, PDF"],
  ["png", "Figure, PNG"],
];
const NO_TEXT: ReadonlySet<string> = new Set(["pdf", "png"]);
const KEPT_MS = 60_000; // a browser may take its time to save

export const takeaway: Panel = (seat) => {
  const { el, signal } = seat;
  const code = make("code", {});
  const frame = make("pre", { class: "nlsq-code", tabindex: "0", role: "region", "aria-label": "Python" }, code);
  let shown: Picture | null = null;
  const copyCode = copyButton("Copy code", () => shown?.fit.code ?? "", signal);
  const copyValues = copyButton("Copy values", () => (shown === null ? "" : valuesTable(shown)), signal);
  el.append(frame, make("div", { class: "nlsq-buttons" }, copyCode, copyValues), files(seat));

  return (view: View) => {
    if (view.picture === null) return;
    shown = view.picture;
    setText(code, shown.fit.code);
  };
};

function files({ take, signal }: Seat): HTMLElement {
  const options = KINDS.map(([value, label]) => make("option", { value }, label));
  const select = make("select", { class: "nlsq-select", "aria-label": "Kind of file" }, ...options);
  const chosen = (): FileKind => KINDS.find(([kind]) => kind === select.value)?.[0] ?? "script";
  const download = make("button", { type: "button", class: "nlsq-button" }, "Download");
  const note = make("p", { class: "nlsq-note", "aria-live": "polite" });

  async function taken(): Promise<Taken | null> {
    setText(note, "");
    try {
      return await take(chosen());
    } catch (error) {
      if (!signal.aborted) setText(note, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  const copy = copyButton(
    "Copy file",
    async () => {
      const file = await taken();
      return file === null ? null : new TextDecoder().decode(file.content);
    },
    signal,
  );
  async function save(): Promise<void> {
    const file = await taken();
    if (file !== null && !signal.aborted) saved(file);
  }
  download.addEventListener("click", () => void save(), { signal });
  select.addEventListener("change", () => (copy.hidden = NO_TEXT.has(select.value)), { signal });
  return make("div", {}, make("div", { class: "nlsq-buttons" }, select, download, copy), note);
}

function saved({ name, mime, content }: Taken): void {
  const href = URL.createObjectURL(new Blob([content], { type: mime }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}

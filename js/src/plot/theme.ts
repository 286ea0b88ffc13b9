/** The colours of the page as a canvas needs them. They live in the style sheet; here they are only read. */
import { make } from "../dom";

const NAMES = ["data", "faint", "fit", "start", "suspect", "beyond", "grid", "axis", "text", "ground"] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>> & { readonly font: string };

/** A probe element resolves what a canvas does not understand: var(), light-dark(), color-mix(). */
export function readPalette(el: HTMLElement): Palette {
  const probe = make("span", { hidden: "" });
  el.append(probe);
  const style = getComputedStyle(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--nlsq-${name})`;
    return style.color;
  };
  const colours = new Map(NAMES.map((name) => [name, colour(name)]));
  const font = style.fontFamily;
  const get = (name: (typeof NAMES)[number]): string => colours.get(name) ?? "";
  const palette = {
    data: get("data"),
    faint: get("faint"),
    fit: get("fit"),
    start: get("start"),
    suspect: get("suspect"),
    beyond: get("beyond"),
    ground: get("ground"),
  };
  probe.remove();
  return { ...palette, grid: get("grid"), axis: get("axis"), text: get("text"), font };
}

const SETTLE_MS = 400; // JupyterLab names the theme before its style sheet has loaded

export function onTheme(changed: () => void, signal: AbortSignal): void {
  let later: ReturnType<typeof setTimeout> | undefined;
  function notice(): void {
    changed();
    clearTimeout(later);
    later = setTimeout(changed, SETTLE_MS);
  }
  const observer = new MutationObserver(notice);
  const attributeFilter = [
    "class",
    "style",
    "data-jp-theme-light",
    "data-jp-theme-name",
    "data-theme",
    "data-vscode-theme-kind",
  ];
  observer.observe(document.documentElement, { attributes: true, attributeFilter });
  observer.observe(document.body, { attributes: true, attributeFilter });
  for (const query of ["(prefers-color-scheme: dark)", "print"])
    matchMedia(query).addEventListener("change", notice, { signal });
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      clearTimeout(later);
    },
    { once: true },
  );
}

/** Buttons that copy. A plain http address has no clipboard of its own: there an old way is taken. */
import { make, setText } from "../dom";

const SAID_MS = 1800;

type Text = string | null; // null: there is none, and it was said why

/** A button that copies what `text` gives when it is pressed, and says whether it did. */
export function copyButton(label: string, text: () => Text | Promise<Text>, signal: AbortSignal): HTMLElement {
  const button = make("button", { type: "button", class: "nlsq-button" }, label);
  const said = make("span", { class: "nlsq-said", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });

  async function press(): Promise<void> {
    const given = await text();
    if (given === null || signal.aborted) return;
    const done = await copied(given, button);
    if (signal.aborted) return;
    setText(said, done ? "Copied" : "The browser does not let this page copy");
    clearTimeout(timer);
    timer = setTimeout(() => setText(said, ""), SAID_MS);
  }

  button.addEventListener("click", () => void press(), { signal });
  return make("span", { class: "nlsq-copy" }, button, said);
}

async function copied(text: string, beside: HTMLElement): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Without leave, in a frame say, the old way may still be open.
    }
  }
  return copiedByHand(text, beside);
}

function copiedByHand(text: string, beside: HTMLElement): boolean {
  const area = make("textarea", { readonly: "", class: "nlsq-carrier", "aria-hidden": "true" });
  area.value = text;
  beside.after(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  beside.focus();
  return done;
}

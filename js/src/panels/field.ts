/** A number that can be typed exactly. Enter commits, Esc reverts, and a wrong text is answered by a sentence. */
import { make, setAttribute } from "../dom";

export interface Field {
  readonly el: HTMLInputElement;
  draw(text: string): void;
}

/** `commit` returns the sentence that says what is wrong, or null. */
export function makeField(
  label: string,
  placeholder: string,
  commit: (text: string) => string | null,
  complain: (sentence: string | null) => void,
  signal: AbortSignal,
): Field {
  const el = make("input", {
    ...{ type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false" },
    ...{ "aria-label": label, placeholder, class: "nlsq-field" },
  });
  let current = "";

  function say(sentence: string | null): void {
    setAttribute(el, "aria-invalid", sentence === null ? null : "true");
    complain(sentence);
  }

  function enter(): void {
    const text = el.value;
    const wrong = text === current ? null : commit(text);
    if (wrong === null) current = text;
    say(wrong);
  }

  function revert(): void {
    el.value = current;
    say(null);
  }

  function onKey(event: KeyboardEvent): void {
    if (event.key === "Enter") enter();
    else if (event.key === "Escape") revert();
    else return;
    event.preventDefault();
  }

  el.addEventListener("keydown", onKey, { signal });
  el.addEventListener("change", enter, { signal });
  el.addEventListener("focus", () => el.select(), { signal });

  return {
    el,
    draw(text) {
      if (text === current) return;
      const isDirty = el.value !== current;
      current = text;
      if (isDirty) return; // never write over what is being typed
      el.value = text;
      el.title = text;
    },
  };
}

/** A number that can be typed exactly. Enter commits, Esc reverts, and a wrong text is answered by a sentence. */
import { make, setAttribute } from "../dom";

export interface Field {
  readonly el: HTMLInputElement;
  draw(text: string): void;
  refuse(text: string, sentence: string): void; // what was committed came back with a sentence
}

export interface About {
  readonly label: string;
  readonly placeholder: string;
  readonly hint: string; // what else than a number may be typed; "": nothing
}

/** `commit` returns the sentence that says what is wrong, or null. */
export function makeField(
  about: About,
  commit: (text: string) => string | null,
  complain: (sentence: string | null) => void,
  signal: AbortSignal,
): Field {
  const el = makeInput(about);
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
      const isTyping = el.value !== current && el.matches(":focus");
      current = text;
      el.title = [text, about.hint].join("\n").trim();
      if (isTyping) return; // never write over it
      el.value = text;
      say(null);
    },
    refuse(text, sentence) {
      el.value = text;
      say(sentence);
    },
  };
}

function makeInput({ label, placeholder, hint }: About): HTMLInputElement {
  return make("input", {
    ...{ type: "text", inputmode: hint === "" ? "decimal" : "text", autocomplete: "off", spellcheck: "false" },
    ...{ "aria-label": label, placeholder, class: "nlsq-field" },
  });
}

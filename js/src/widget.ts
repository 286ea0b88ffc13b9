/** The entry that anywidget loads. It only joins a host to the panels. */
import type { AnyWidget } from "@anywidget/types";
import { AnywidgetHost, type Model } from "./hosts/anywidget";
import { mount } from "./mount";

interface Place {
  readonly model: Model;
  readonly el: HTMLElement;
  readonly signal?: AbortSignal; // not given by anywidget before 0.10
}

function render({ model, el, signal }: Place): () => void {
  const end = new AbortController();
  signal?.addEventListener("abort", () => end.abort(), { once: true, signal: end.signal });
  mount(new AnywidgetHost(model, end.signal), el, end.signal);
  return () => end.abort();
}

export default { render } satisfies AnyWidget;

/** The development page: the widget as a notebook would render it, with a kernel in the page. */
import widget from "../src/widget";
import { FakeKernel } from "./kernel";
import { example } from "./models";

declare global {
  interface Window {
    readonly instances: { kernel: FakeKernel; el: HTMLElement; end: () => void }[];
  }
}

const asked = new URLSearchParams(location.search);
document.documentElement.classList.toggle("dark", asked.has("dark"));
const instances: Window["instances"] = [];
Object.assign(window, { instances });

for (const name of asked.has("two") ? ["misra1a", "peak"] : [asked.get("model")]) {
  const kernel = new FakeKernel(example(name), Number(asked.get("delay") ?? 5));
  const el = document.createElement("div");
  document.body.append(el);
  const end = new AbortController();
  widget.render({ model: kernel, el, signal: end.signal });
  instances.push({ kernel, el, end: () => end.abort() });
}

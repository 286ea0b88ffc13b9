/** The widget on the page: one root element, all panels. It ends with its signal. */
import { make, paced } from "./dom";
import type { Host } from "./host";
import { panels } from "./panels";
import type { View } from "./wire";

export function mount(host: Host, el: HTMLElement, signal: AbortSignal): void {
  const body = make("div", { class: "nlsq-body" });
  // The attribute keeps JupyterLab's single-key shortcuts away from our sliders.
  const root = make("div", { class: "nlsq-widget", "data-lm-suppress-shortcuts": "true" }, body);
  root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  const draws: ((view: View) => void)[] = [];
  for (const [name, panel] of Object.entries(panels)) {
    const seat = make("div", { class: `nlsq-panel nlsq-${name}` });
    body.append(seat);
    draws.push(panel({ el: seat, root, send: host.send, look: host.look, take: host.take, signal }));
  }

  let drawn: View["picture"] = null;
  function draw(): void {
    const view = host.view();
    drawn = view.picture;
    for (const drawPanel of draws) drawPanel(view);
    root.dataset.answers = String(view.answers);
    root.dataset.busy = String(view.busy || view.picture?.fit.running != null);
    root.dataset.state = state(view);
  }

  root.dataset.state = "waiting";
  el.classList.add("nlsq-widget-host");
  el.append(root);
  // A new picture is drawn as it comes: who waits for the frame draws in the time that is left to paint it.
  const pace = paced(draw, signal);
  host.onView(() => (host.view().picture === drawn ? pace.soon() : pace.now()), signal);
  pace.soon();
  signal.addEventListener("abort", () => root.remove(), { once: true });
}

function state(view: View): "waiting" | "live" | "fault" | "gone" {
  if (view.link !== "live") return view.link;
  return view.picture?.fit.fault == null ? "live" : "fault";
}

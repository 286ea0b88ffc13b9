/** Where the fit runs. One device is shown too: the reader must know which it is. */
import { make } from "../dom";
import type { Device, View } from "../wire";
import type { Panel } from "./panel";

export const device: Panel = ({ el, send, signal }) => {
  const select = make("select", { "aria-label": "Device", class: "nlsq-select" });
  el.append(make("label", { class: "nlsq-device-label" }, make("span", {}, "device"), select));
  select.addEventListener("change", () => send({ kind: "device", device: select.value }), { signal });
  let shown: readonly Device[] = [];

  return (view: View) => {
    el.inert = view.link === "gone";
    if (view.picture === null) return;
    const { frame, fit } = view.picture;
    if (frame.devices !== shown) {
      shown = frame.devices;
      select.replaceChildren(...shown.map(({ name, label }) => make("option", { value: name }, label)));
    }
    if (!view.busy || select.value === "") select.value = fit.device;
  };
};

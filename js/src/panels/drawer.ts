/** A drawer of tabs, shut until one is pressed. Only the open one is drawn; which it is, only the screen knows. */
import { make, setAttribute } from "../dom";
import type { View } from "../wire";
import { correlation } from "./correlation";
import { takeaway } from "./export";
import { intervals } from "./intervals";
import { tabStep } from "./keys";
import { options } from "./options";
import type { Panel, Seat } from "./panel";
import { statistics } from "./statistics";

/** In the order of reading. A new tab is one panel and one line here. */
const TABS: Readonly<Record<string, Panel>> = {
  Statistics: statistics,
  Correlation: correlation,
  Intervals: intervals,
  Options: options,
  Export: takeaway,
};

interface Tab {
  readonly button: HTMLButtonElement;
  readonly page: HTMLElement;
  readonly draw: (view: View) => void;
}

let drawers = 0; // so that ids differ between widgets of a page

export class Drawer {
  readonly #tabs: readonly Tab[];
  #open: number | null = null;
  #view: View | null = null;

  /** `beside` sits in one line with the tabs. */
  constructor(seat: Seat, beside: HTMLElement) {
    const { el, signal } = seat;
    drawers += 1;
    this.#tabs = Object.entries(TABS).map(([name, panel]) => makeTab(name, panel, seat));
    const buttons = this.#tabs.map(({ button }) => button);
    const list = make("div", { class: "nlsq-tabs", role: "tablist", "aria-label": "Details" }, ...buttons);
    el.append(make("div", { class: "nlsq-foot-head" }, beside, list), ...this.#tabs.map(({ page }) => page));
    buttons.forEach((button, i) => {
      button.addEventListener("click", () => this.#show(this.#open === i ? null : i, i), { signal });
    });
    el.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.#show(null, 0);
  }

  draw(view: View): void {
    this.#view = view;
    if (this.#open !== null) this.#tabs[this.#open]?.draw(view);
  }

  #show(open: number | null, reachable: number): void {
    this.#open = open;
    this.#tabs.forEach(({ button, page }, i) => {
      setAttribute(button, "aria-selected", String(i === open));
      setAttribute(button, "aria-expanded", String(i === open));
      setAttribute(button, "tabindex", i === reachable ? "0" : "-1");
      page.hidden = i !== open;
    });
    if (this.#view !== null) this.draw(this.#view);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const open = this.#open;
    const from = this.#tabs.findIndex(({ button }) => button === event.target);
    const shuts = event.key === "Escape" && open !== null;
    const to = shuts ? open : from < 0 ? null : tabStep(event.key, from, this.#tabs.length);
    if (to === null) return;
    this.#show(open === null || shuts ? null : to, to);
    this.#tabs[to]?.button.focus();
    event.preventDefault();
  }
}

function makeTab(name: string, panel: Panel, seat: Seat): Tab {
  const [id, pageId] = [`nlsq-tab-${drawers}-${name}`, `nlsq-page-${drawers}-${name}`];
  const button = make("button", { type: "button", class: "nlsq-tab", role: "tab", id, "aria-controls": pageId }, name);
  const page = make("div", { class: "nlsq-page", role: "tabpanel", id: pageId, "aria-labelledby": id });
  return { button, page, draw: panel({ ...seat, el: page }) };
}

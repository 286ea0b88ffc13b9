/** One parameter. What the finger holds shows at once; everything else is what the kernel answered. */
import { animation, make, setAttribute, setText, wantsStillness } from "../dom";
import { plain, read } from "../format";
import type { Send } from "../host";
import { extended, fresh, keyStep, type Marks, rested, type Span, tidy, valueAt, widened } from "../range";
import type { Parameter } from "../wire";
import { chosen, command, type Handle, obstacle, stopped } from "./choice";
import type { Along, Finger } from "./drag";
import { type Field, makeField } from "./field";
import { type Label, makeFitted, makeLock, makeWord } from "./labels";
import { makeTrack, PARK_PX, type Track } from "./track";

const REST_MS = 800;
const HANDLES = ["lower", "p0", "upper"] as const;

export class Row {
  readonly el: HTMLElement;
  readonly #send: Send;
  readonly #track: Track;
  readonly #fields: Readonly<Record<Handle, Field>>;
  readonly #labels: readonly Label[];
  readonly #note = make("p", { class: "nlsq-note", "aria-live": "polite" });
  readonly #choices = new Map<Handle, number | null>();
  readonly #animate: () => void;
  #parameter: Parameter;
  #isAnswered = true; // no choice of this row is on its way
  #held: Handle | null = null;
  #parked = false; // the held bracket has not come onto the rail yet
  #push = 0; // pixels by which the thumb is held beyond an end of the rail
  #span: Span;
  #target: Span;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(parameter: Parameter, send: Send, signal: AbortSignal) {
    const { name } = parameter;
    this.#parameter = parameter;
    this.#send = send;
    this.#span = this.#target = fresh(chosen(parameter, this.#choices));
    this.#track = makeTrack(name, this, signal);
    this.#fields = {
      lower: this.#makeField("lower", `${name} lower bound, exact`, "−∞", signal),
      p0: this.#makeField("p0", `${name} start value, exact`, "", signal),
      upper: this.#makeField("upper", `${name} upper bound, exact`, "∞", signal),
    };
    const [word, fitted] = [makeWord(), makeFitted(name, signal)];
    const lock = makeLock(name, (fixed) => send({ kind: "role", name, role: fixed ? "fixed" : "free" }), signal);
    this.#labels = [word, fitted, lock];
    const title = make("span", { class: "nlsq-name", title: name }, name);
    const fields = make("div", { class: "nlsq-fields" }, ...HANDLES.map((handle) => this.#fields[handle].el));
    const end = make("span", { class: "nlsq-end" }, fitted.el, lock.el);
    const head = make("div", { class: "nlsq-head" }, title, word.el, end);
    this.el = make(
      "div",
      { class: "nlsq-row", role: "group", "aria-label": name },
      head,
      this.#track.el,
      fields,
      this.#note,
    );
    this.#animate = animation((milliseconds) => this.#step(milliseconds), signal);
    signal.addEventListener("abort", () => clearTimeout(this.#rest), { once: true });
  }

  draw(parameter: Parameter, busy: boolean): void {
    this.#parameter = parameter;
    if (!busy) this.#isAnswered = true;
    this.#forget();
    for (const label of this.#labels) label.draw(parameter);
    setAttribute(this.el, "data-fixed", String(parameter.role === "fixed"));
    setAttribute(this.el, "data-at-bound", parameter.at_bound);
    if (this.#held === null) this.#aim(widened(this.#target, this.#marks()));
    this.#redraw();
    this.#restSoon();
  }

  finger(handle: Handle): Finger {
    return {
      grab: (along) => this.#grab(handle, along),
      drag: (along) => this.#drag(handle, along),
      drop: () => this.#drop(),
    };
  }

  nudge(handle: Handle, steps: number): void {
    const now = this.#marks()[handle];
    const from = Number.isFinite(now) ? now : handle === "lower" ? this.#span.lo : this.#span.hi;
    const step = keyStep(this.#target, this.#parameter.stderr);
    this.#choose(handle, tidy(from + steps * step, step / 100));
  }

  limit(handle: Handle, end: "lower" | "upper"): void {
    const bound = this.#marks()[end];
    if (Number.isFinite(bound)) this.#choose(handle, bound);
  }

  remove(handle: Handle): void {
    if (handle !== "p0" && Number.isFinite(this.#marks()[handle])) this.#choose(handle, null);
  }

  refit(): void {
    this.#aim(fresh(this.#marks()));
  }

  /** What the kernel has answered is shown from its answer, except what is still held. */
  #forget(): void {
    for (const handle of HANDLES) if (this.#isAnswered && handle !== this.#held) this.#choices.delete(handle);
  }

  #marks(): Marks {
    return chosen(this.#parameter, this.#choices);
  }

  #choose(handle: Handle, value: number | null): void {
    const stop = value === null ? null : stopped(handle, value, this.#marks());
    const message = command(this.#parameter.name, handle, stop);
    if (message === null) return;
    const before = this.#marks()[handle];
    this.#choices.set(handle, stop);
    if (this.#marks()[handle] !== before) {
      this.#isAnswered = false;
      this.#send(message);
    }
    if (this.#held === null) this.#aim(widened(this.#target, this.#marks()));
    this.#redraw();
  }

  #grab(handle: Handle, { left, width }: Along): void {
    this.#held = handle;
    const now = this.#marks()[handle];
    this.#choices.set(handle, Number.isFinite(now) ? now : null); // it stays under the finger whatever is answered
    this.#target = this.#span; // under a finger the range stands still
    this.#parked = handle !== "p0" && (left < 0 || left > width);
    this.#redraw();
  }

  #drag(handle: Handle, { left, width }: Along): void {
    if (!(width > 0)) return;
    const value = valueAt(this.#span, Math.min(1, Math.max(0, left / width)));
    const rounded = tidy(value, (this.#span.hi - this.#span.lo) / width);
    if (handle === "p0") {
      this.#push = left < 0 ? left : Math.max(0, left - width);
      this.#choose(handle, rounded);
      if (this.#push !== 0) this.#animate();
      return;
    }
    const outside = handle === "lower" ? -left : left - width;
    this.#parked &&= outside > PARK_PX / 2 && outside < 3 * PARK_PX;
    if (this.#parked) return;
    this.#choose(handle, outside > PARK_PX / 2 ? null : rounded);
  }

  #drop(): void {
    this.#held = null;
    this.#push = 0;
    this.#forget();
    this.#aim(widened(this.#span, this.#marks()));
    this.#redraw();
    this.#restSoon();
  }

  #aim(target: Span): void {
    this.#target = target;
    if (wantsStillness()) this.#span = target;
    if (this.#span !== target) this.#animate();
  }

  #step(milliseconds: number): boolean {
    if (this.#held === "p0" && this.#push !== 0) {
      const share = (Math.min(Math.abs(this.#push) + 8, 60) / 60) * (milliseconds / 600);
      this.#span = this.#target = extended(this.#span, this.#push < 0 ? "lo" : "hi", share);
      const grain = (this.#span.hi - this.#span.lo) / 400;
      this.#choose("p0", tidy(this.#push < 0 ? this.#span.lo : this.#span.hi, grain));
      return true;
    }
    const part = 1 - Math.exp(-milliseconds / 60);
    const [from, to] = [this.#span, this.#target];
    const close = Math.abs(to.lo - from.lo) + Math.abs(to.hi - from.hi) < (to.hi - to.lo) / 500;
    this.#span = close ? to : { lo: from.lo + part * (to.lo - from.lo), hi: from.hi + part * (to.hi - from.hi) };
    this.#redraw();
    return !close;
  }

  #restSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#held === null) this.#aim(rested(this.#target, this.#marks()));
    }, REST_MS);
  }

  #redraw(): void {
    const marks = this.#marks();
    this.#track.draw(this.#span, marks, this.#held);
    for (const handle of HANDLES) this.#fields[handle].draw(plain(marks[handle]));
  }

  #makeField(handle: Handle, label: string, placeholder: string, signal: AbortSignal): Field {
    const open = handle === "p0" ? null : handle === "lower" ? "-" : "+";
    const commit = (text: string): string | null => {
      const value = read(text, open);
      if (typeof value === "string") return value;
      const wrong = obstacle(handle, value, this.#marks());
      if (wrong === null) this.#choose(handle, value);
      return wrong;
    };
    const complain = (sentence: string | null): void => setText(this.#note, sentence ?? "");
    return makeField(label, placeholder, commit, complain, signal);
  }
}

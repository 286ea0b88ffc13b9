/** One parameter. What the finger holds shows at once; everything else is what the kernel answered. */
import { make, setAttribute, setText } from "../dom";
import { plain } from "../format";
import type { Send } from "../host";
import {
  canPlace,
  fresh,
  isManyDecades,
  LINEAR,
  logarithmic,
  type Marks,
  pointed,
  type Ruler,
  rested,
  type Scale,
  stepped,
  valueAt,
  widened,
} from "../range";
import type { Parameter } from "../wire";
import { type Button, canTake, makeFollow, makeLock, makeLog, makeTake, makeUntie } from "./buttons";
import { chosen, command, type Handle, obstacle, stopped, type Typed, typed } from "./choice";
import type { Along, Finger } from "./drag";
import { type Field, makeField } from "./field";
import { type Label, makeFitted, makeWord } from "./labels";
import { makeTrack, PARK_PX, type Track } from "./track";
import { Zoom } from "./zoom";

const BURST_MS = 400; // presses of an arrow key that follow each other faster are one gesture
const HANDLES = ["lower", "p0", "upper"] as const;

/** What a row is told besides its parameter. */
export interface Told {
  readonly isBusy: boolean; // a command of this page has not been answered yet
  readonly refused: string | null; // why the newest command was refused
  readonly hasFit: boolean; // the fitted values are those of the start values on the screen
}

export class Row {
  readonly el: HTMLElement;
  readonly #send: Send;
  readonly #track: Track;
  readonly #zoom: Zoom;
  readonly #fields: Readonly<Record<Handle, Field>>;
  readonly #labels: readonly Label[];
  readonly #buttons: readonly Button[];
  readonly #log: Button;
  readonly #note = make("p", { class: "nlsq-note", "aria-live": "polite" });
  readonly #choices = new Map<Handle, number | null>();
  #parameter: Parameter;
  #isAnswered = true; // no choice of this row is on its way
  #held: Handle | null = null;
  #open: Handle | null = null; // what was sent as held, and has not had its last word
  #burst: ReturnType<typeof setTimeout> | undefined;
  #parked = false; // the held bracket has not come onto the rail yet
  #isLog = false;
  #hasFit = false;
  #tie: string | null = null; // what was typed as a tie, and has not been answered

  constructor(parameter: Parameter, send: Send, signal: AbortSignal) {
    const { name } = parameter;
    this.#parameter = parameter;
    this.#send = send;
    this.#zoom = new Zoom(fresh(this.#marks()), this, signal);
    this.#track = makeTrack(name, this, signal);
    this.#fields = {
      lower: this.#makeField("lower", `${name} lower bound, exact`, "−∞", signal),
      p0: this.#makeField("p0", `${name} start value, exact`, "", signal),
      upper: this.#makeField("upper", `${name} upper bound, exact`, "∞", signal),
    };
    this.#labels = [makeWord(), makeFitted(name, signal)];
    this.#log = makeLog(name, () => this.#toggleLog(), signal);
    this.#buttons = [
      makeTake(name, () => this.take(), signal),
      makeFollow(name, (role) => send({ kind: "role", name, role }), signal),
      makeLock(name, (role) => send({ kind: "role", name, role }), signal),
      makeUntie(name, () => send({ kind: "tie", name, text: null }), signal),
    ];
    this.el = this.#assembled(name);
    const end = (): void => clearTimeout(this.#burst);
    signal.addEventListener("abort", end, { once: true });
  }

  draw(parameter: Parameter, told: Told): void {
    this.#parameter = parameter;
    this.#hasFit = told.hasFit;
    if (!told.isBusy) this.#isAnswered = true;
    this.#forget();
    for (const part of [...this.#labels, ...this.#buttons]) part.draw(parameter, told.hasFit);
    setAttribute(this.el, "data-role", parameter.role);
    setAttribute(this.el, "data-at-bound", parameter.at_bound);
    this.#track.el.inert = parameter.role === "tied";
    for (const side of ["lower", "upper"] as const) this.#fields[side].el.disabled = parameter.role === "tied";
    if (this.#held === null) this.#zoom.aim(this.#fitting());
    this.redraw();
    this.#zoom.whenAtRest(() => this.#rest());
    if (this.#tie !== null && !told.isBusy) this.#answerTie(told.refused);
  }

  finger(handle: Handle): Finger {
    return {
      grab: (along) => this.#grab(handle, along),
      drag: (along) => this.#drag(handle, along),
      drop: () => this.#drop(),
    };
  }

  nudge(handle: Handle, steps: number): void {
    if (this.#open !== handle) this.settle();
    const now = this.#marks()[handle];
    const from = Number.isFinite(now) ? now : valueAt(this.#zoom.now, handle === "lower" ? 0 : 1);
    this.#choose(handle, stepped(this.#zoom.target, from, steps, this.#parameter.stderr), "held");
    clearTimeout(this.#burst);
    this.#burst = setTimeout(() => this.settle(), BURST_MS);
  }

  limit(handle: Handle, end: "lower" | "upper"): void {
    const bound = this.#marks()[end];
    if (Number.isFinite(bound)) this.#choose(handle, bound);
  }

  remove(handle: Handle): void {
    if (handle !== "p0" && Number.isFinite(this.#marks()[handle])) this.#choose(handle, null);
  }

  refit(): void {
    this.#zoom.aim(fresh(this.#marks(), this.#scale()));
  }

  take(): void {
    if (this.#hasFit && canTake(this.#parameter)) this.#send({ kind: "take", name: this.#parameter.name });
  }

  /** The last word of a drag or of a burst of keys. */
  settle(): void {
    clearTimeout(this.#burst);
    const handle = this.#open;
    if (handle === null) return;
    this.#open = null;
    const value = this.#marks()[handle];
    const message = command(this.#parameter.name, handle, Number.isFinite(value) ? value : null);
    if (message === null) return;
    this.#isAnswered = false;
    this.#send(message);
  }

  zoomed(): void {
    this.redraw();
  }

  pushed(share: 0 | 1): void {
    this.#choose("p0", pointed(this.#zoom.now, share, 400), "held");
  }

  redraw(): void {
    const marks = this.#marks();
    this.#track.draw(this.#zoom.now, marks, this.#held);
    this.#log.draw(this.#parameter, this.#isLog || isManyDecades(marks));
    for (const handle of HANDLES) this.#fields[handle].draw(this.#shown(handle, marks));
  }

  /** What the kernel has answered is shown from its answer, except what is still held. */
  #forget(): void {
    for (const handle of HANDLES) if (this.#isAnswered && handle !== this.#held) this.#choices.delete(handle);
  }

  #marks(): Marks {
    return chosen(this.#parameter, this.#choices);
  }

  #shown(handle: Handle, marks: Marks): string {
    const { tie } = this.#parameter;
    return handle === "p0" && tie !== null ? `= ${tie}` : plain(marks[handle]);
  }

  #choose(handle: Handle, value: number | null, held?: "held"): void {
    if (held === undefined) this.settle();
    const stop = value === null ? null : stopped(handle, value, this.#marks());
    const message = command(this.#parameter.name, handle, stop);
    if (message === null) return;
    const before = this.#marks()[handle];
    this.#choices.set(handle, stop);
    if (this.#marks()[handle] !== before) {
      this.#isAnswered = false;
      if (held !== undefined) this.#open = handle;
      this.#send(message, held);
    }
    if (this.#held === null) this.#zoom.aim(this.#fitting());
    this.redraw();
  }

  #grab(handle: Handle, { left, width }: Along): void {
    this.settle();
    this.#held = handle;
    const now = this.#marks()[handle];
    this.#choices.set(handle, Number.isFinite(now) ? now : null); // it stays under the finger whatever is answered
    this.#zoom.hold();
    this.#parked = handle !== "p0" && (left < 0 || left > width);
    this.redraw();
  }

  #drag(handle: Handle, { left, width }: Along): void {
    if (!(width > 0)) return;
    const value = pointed(this.#zoom.now, Math.min(1, Math.max(0, left / width)), width);
    if (handle === "p0") {
      this.#choose(handle, value, "held");
      this.#zoom.push(left < 0 ? left : Math.max(0, left - width));
      return;
    }
    const outside = handle === "lower" ? -left : left - width;
    this.#parked &&= outside > PARK_PX / 2 && outside < 3 * PARK_PX;
    if (this.#parked) return;
    this.#choose(handle, outside > PARK_PX / 2 ? null : value, "held");
  }

  #drop(): void {
    this.#zoom.push(0);
    this.settle();
    this.#held = null;
    this.#forget();
    this.#zoom.aim(this.#fitting());
    this.redraw();
    this.#zoom.whenAtRest(() => this.#rest());
  }

  #rest(): void {
    if (this.#held === null) this.#zoom.aim(rested(this.#fitting(), this.#marks()));
  }

  /** The range as it is, with room for all marks. */
  #fitting(): Ruler {
    const { target } = this.#zoom;
    const marks = this.#marks();
    return canPlace(target.scale, marks.p0) ? widened(target, marks) : fresh(marks, this.#scale());
  }

  #scale(): Scale {
    return this.#isLog ? logarithmic(this.#marks()) : LINEAR;
  }

  #toggleLog(): void {
    this.#isLog = !this.#isLog;
    this.refit();
    this.redraw();
  }

  #commit(handle: Handle, text: string): string | null {
    const value = typed(handle, text);
    if (typeof value === "string") return value;
    return typeof value === "object" && value !== null ? this.#tieTo(value) : this.#put(handle, value);
  }

  #tieTo({ tie }: Exclude<Typed, number | string | null>): null {
    const { name } = this.#parameter;
    this.settle();
    this.#tie = tie;
    this.#isAnswered = false;
    this.#send({ kind: "tie", name, text: tie });
    return null;
  }

  #put(handle: Handle, value: number | null): string | null {
    if (handle === "p0" && value !== null && this.#parameter.role === "tied") {
      this.#send({ kind: "p0", name: this.#parameter.name, value }); // which sets it free, even at the same value
      return null;
    }
    const wrong = obstacle(handle, value, this.#marks());
    if (wrong === null) this.#choose(handle, value);
    return wrong;
  }

  #answerTie(refused: string | null): void {
    if (refused !== null) this.#fields.p0.refuse(`= ${this.#tie}`, refused);
    this.#tie = null;
  }

  #makeField(handle: Handle, label: string, placeholder: string, signal: AbortSignal): Field {
    const complain = (sentence: string | null): void => setText(this.#note, sentence ?? "");
    const hint = handle === "p0" ? "A number, or a tie to other parameters: = 1.5 * other" : "";
    return makeField({ label, placeholder, hint }, (text) => this.#commit(handle, text), complain, signal);
  }

  #assembled(name: string): HTMLElement {
    const [word, fitted] = this.#labels.map(({ el }) => el);
    const title = make("span", { class: "nlsq-name", title: name }, name);
    const buttons = make("span", { class: "nlsq-icons" }, ...this.#buttons.map(({ el }) => el));
    const end = make("span", { class: "nlsq-end" }, fitted ?? "", buttons);
    const head = make("div", { class: "nlsq-head" }, title, word ?? "", this.#log.el, end);
    const fields = make("div", { class: "nlsq-fields" }, ...HANDLES.map((handle) => this.#fields[handle].el));
    const about = { class: "nlsq-row", role: "group", "aria-label": name };
    return make("div", about, head, this.#track.el, fields, this.#note);
  }
}

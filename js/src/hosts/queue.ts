/** The commands that wait. One is in flight; of each control only the newest waits. */
import { type Command, control } from "../wire";

export interface Entry {
  readonly command: Command;
  readonly gesture: number;
  readonly final: boolean;
}

const WINDOW_MS = 2000; // an answer that never comes must not stop the finger for good

export class Queue {
  readonly #post: (seq: number, entry: Entry) => void;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<string, Entry>(); // in the order in which their controls began to wait
  #gesture = 0;
  #open: string | null = null; // the control of the gesture that is not over
  #pushed = 0;
  #posted = 0;
  #answered = 0;
  #isOpen = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(post: (seq: number, entry: Entry) => void, signal: AbortSignal) {
    this.#post = post;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** Whether a command has not been answered yet. */
  get busy(): boolean {
    return this.#waiting.size > 0 || this.#answered < this.#posted;
  }

  push(command: Command, held?: "held"): void {
    const key = control(command);
    if (key === null || key !== this.#open) this.#gesture += 1;
    this.#open = held === undefined ? null : key;
    this.#pushed += 1;
    this.#waiting.set(key ?? String(this.#pushed), { command, gesture: this.#gesture, final: held === undefined });
    this.#pump();
  }

  answered(seq: number): void {
    this.#answered = Math.max(this.#answered, seq);
    if (this.#answered >= this.#posted) this.#free();
  }

  #free(): void {
    clearTimeout(this.#timer);
    this.#isOpen = true;
    this.#pump();
  }

  #pump(): void {
    const next = this.#waiting.entries().next().value;
    if (!this.#isOpen || next === undefined || this.#signal.aborted) return;
    const [key, entry] = next;
    this.#waiting.delete(key);
    this.#isOpen = false;
    this.#posted += 1;
    this.#timer = setTimeout(() => this.#free(), WINDOW_MS);
    this.#post(this.#posted, entry);
  }
}

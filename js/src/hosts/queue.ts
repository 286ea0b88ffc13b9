/** The commands that wait. One is in flight; of each control only the newest waits. */
import { type Command, control } from "../wire";

const WINDOW_MS = 2000; // an answer that never comes must not stop the finger for good

export class Queue {
  readonly #post: (seq: number, command: Command) => void;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<string, Command>(); // in the order in which their controls began to wait
  #posted = 0;
  #answered = 0;
  #isOpen = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(post: (seq: number, command: Command) => void, signal: AbortSignal) {
    this.#post = post;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** Whether a command has not been answered yet. */
  get busy(): boolean {
    return this.#waiting.size > 0 || this.#answered < this.#posted;
  }

  push(command: Command): void {
    this.#waiting.set(control(command), command);
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
    const [key, command] = next;
    this.#waiting.delete(key);
    this.#isOpen = false;
    this.#posted += 1;
    this.#timer = setTimeout(() => this.#free(), WINDOW_MS);
    this.#post(this.#posted, command);
  }
}

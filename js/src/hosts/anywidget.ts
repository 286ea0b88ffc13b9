/** The host in a notebook: anywidget's custom messages. Commands are numbered; an answer older than the screen is dropped. */

import { decode } from "../decode";
import { advance, type Host, merged, type Send } from "../host";
import type { DetailMessage, FileKind, FileMessage, Look, Message, Outgoing, Taken, View } from "../wire";
import { Queue } from "./queue";

type Receive = (content: unknown, buffers: unknown) => void;

/** What is used of anywidget's model. */
export interface Model {
  on(event: "msg:custom", receive: Receive): void;
  off(event: "msg:custom", receive: Receive): void;
  send(message: Outgoing): void;
}

const PATIENCE_MS = 10_000; // without an answer, then the screen says that it waits
const HELLO_MS = 2000; // not more often: one answer brings everything

export class AnywidgetHost implements Host {
  readonly #model: Model;
  readonly #page = randomId();
  readonly #queue: Queue;
  readonly #listeners = new Set<() => void>();
  readonly #taking = new Map<number, { done(file: Taken): void; fail(why: Error): void }>();
  #asked = 0;
  #state: Omit<View, "busy"> = { link: "waiting", answers: 0, refused: null, picture: null, detail: null };
  #helloAt = -Infinity;
  #looks = false;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, signal: AbortSignal) {
    this.#model = model;
    this.#queue = new Queue((seq, entry) => this.#post({ type: "command", page: this.#page, seq, ...entry }), signal);
    const receive: Receive = (content, buffers) => this.#receive(content, buffers);
    const end = (): void => {
      if (this.#looks) this.look(null); // or the kernel would go on working for nobody
      model.off("msg:custom", receive);
      clearTimeout(this.#patience);
      clearInterval(again);
      this.#listeners.clear();
    };
    model.on("msg:custom", receive);
    // The first greeting may wait behind a running cell when the kernel has not opened a second line yet.
    const again = setInterval(() => (this.#state.picture === null ? this.#hello() : clearInterval(again)), HELLO_MS);
    signal.addEventListener("abort", end, { once: true });
    this.#hello();
  }

  readonly send: Send = (command, held) => {
    this.#queue.push(command, held);
    this.#become({}); // busy now
  };

  readonly look = (at: Look | null): void => {
    if (at === null && this.#state.detail !== null) this.#become({ detail: null });
    this.#looks = at !== null;
    this.#post({ type: "window", page: this.#page, seq: 0, window: at });
  };

  readonly take = (kind: FileKind): Promise<Taken> =>
    new Promise((done, fail) => {
      this.#asked += 1;
      this.#taking.set(this.#asked, { done, fail });
      this.#post({ type: "file", page: this.#page, seq: this.#asked, kind });
      if (this.#state.link === "gone") this.#give(this.#asked, "The kernel is gone. Run the cell again.");
    });

  #give(seq: number, file: Taken | string): void {
    const waiting = this.#taking.get(seq);
    this.#taking.delete(seq);
    if (typeof file === "string") waiting?.fail(new Error(file));
    else waiting?.done(file);
  }

  view(): View {
    return { ...this.#state, busy: this.#queue.busy };
  }

  onView(seen: () => void, signal: AbortSignal): void {
    this.#listeners.add(seen);
    signal.addEventListener("abort", () => this.#listeners.delete(seen), { once: true });
  }

  #become(change: Partial<Omit<View, "busy">>): void {
    this.#state = { ...this.#state, ...change };
    for (const seen of this.#listeners) seen();
  }

  #post(message: Outgoing): void {
    try {
      this.#model.send(message);
    } catch {
      this.#become({ link: "gone" }); // after a restart of the kernel every send throws
      return;
    }
    if (message.type === "window" && message.window === null) return; // nothing answers this
    this.#patience ??= setTimeout(() => {
      if (this.#state.link === "live") this.#become({ link: "waiting" });
    }, PATIENCE_MS);
  }

  #hello(): void {
    if (performance.now() - this.#helloAt < HELLO_MS) return;
    this.#helloAt = performance.now();
    this.#post({ type: "hello", page: this.#page, seq: 0 });
  }

  #receive(content: unknown, buffers: unknown): void {
    const message = decode(content, buffers);
    if (message === null) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (message.kind === "view") this.#take(message);
    else if (message.kind === "detail") this.#see(message);
    else if (message.kind === "file") this.#hand(message);
    else this.#become({ link: "live", refused: unreadable(message.why) });
  }

  #take(message: Message): void {
    const seq = message.answers?.page === this.#page ? message.answers.seq : null;
    const { answers, picture: before, refused } = this.#state;
    // A search may find nothing long after it was answered.
    const isOurs = seq !== null || (message.answers === null && message.refused !== null);
    if (seq === 0) this.#helloAt = -Infinity;
    if (seq !== null) this.#queue.answered(seq);
    if (seq !== null && seq > 0 && seq < answers) return;
    const picture = advance(before, message);
    if (picture === "mismatch") {
      this.#hello();
      return;
    }
    this.#become({
      link: "live",
      answers: Math.max(answers, seq ?? 0),
      refused: isOurs ? message.refused : refused,
      picture,
      detail: picture.frame.id === before?.frame.id ? this.#state.detail : null,
    });
  }

  /** What another page asked for is sent to all. */
  #hand({ page, seq, file }: FileMessage): void {
    if (page === this.#page) this.#give(seq, file);
  }

  /** What another page looks at is sent to all. */
  #see(message: DetailMessage): void {
    const { detail: before } = this.#state;
    const detail = message.page === this.#page && this.#looks ? merged(before, message) : before;
    if (detail !== before) this.#become({ detail });
  }
}

function unreadable(why: string): string {
  return `The kernel sent what this page cannot read (${why}). Reload the page, or run the cell again.`;
}

// crypto.randomUUID does not exist on a plain http address, getRandomValues does.
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join("-");
}

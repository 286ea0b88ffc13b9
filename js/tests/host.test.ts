import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AnywidgetHost, type Model } from "../src/hosts/anywidget";
import type { Outgoing } from "../src/wire";
import { answer, choices, fit, frame, pack, parameters, view } from "./message";

class FakeModel implements Model {
  readonly sent: Outgoing[] = [];
  readonly listeners = new Set<(content: unknown, buffers: unknown) => void>();
  isGone = false;
  on = (_: string, receive: (content: unknown, buffers: unknown) => void): void => {
    this.listeners.add(receive);
  };
  off = (_: string, receive: (content: unknown, buffers: unknown) => void): void => {
    this.listeners.delete(receive);
  };
  send = (message: Outgoing): void => {
    if (this.isGone) throw new Error("the comm is closed");
    this.sent.push(message);
  };
  say([content, buffers]: [object, DataView[]]): void {
    for (const receive of this.listeners) receive(content, buffers);
  }
  get page(): string {
    return this.sent[0]?.page ?? "";
  }
}

let end = new AbortController();

function start(): { model: FakeModel; host: AnywidgetHost } {
  const model = new FakeModel();
  return { model, host: new AnywidgetHost(model, end.signal) };
}

function p0Of(host: AnywidgetHost): number | undefined {
  return host.view().picture?.parameters[0]?.p0;
}

/** An answer in which p0 of the first parameter is `value`. */
function moved(page: string, seq: number, value: number): [object, DataView[]] {
  const [content] = answer(page, seq, { fit: { ...fit, fault: "not finite" } });
  const table = parameters.slice();
  table[0] = value;
  const { described, buffers } = pack({ ...choices, parameters: table });
  return [{ ...content, arrays: described }, buffers];
}

beforeEach(() => {
  vi.useFakeTimers();
  end = new AbortController();
});
afterEach(() => {
  end.abort();
  vi.useRealTimers();
});

test("it says hello and shows the answer", () => {
  const { model, host } = start();
  expect(model.sent).toEqual([{ type: "hello", page: model.page, seq: 0 }]);
  expect(host.view()).toMatchObject({ link: "waiting", picture: null });
  model.say(view({ answers: { page: model.page, seq: 0 } }));
  expect(host.view()).toMatchObject({ link: "live", answers: 0, busy: false });
  expect(p0Of(host)).toBe(500);
});

test("an answer older than the newest shown is dropped, one of another page is drawn", () => {
  const { model, host } = start();
  model.say(view({ answers: { page: model.page, seq: 0 } }));
  for (const value of [1, 2]) {
    host.send({ kind: "p0", name: "b1", value });
    vi.advanceTimersByTime(2000);
  }
  model.say(moved(model.page, 2, 2));
  model.say(moved(model.page, 1, 1));
  expect(p0Of(host)).toBe(2);
  expect(host.view().answers).toBe(2);
  model.say(moved("another page", 1, 7));
  expect(p0Of(host)).toBe(7);
});

test("a frame that it does not hold makes it say hello again, once", () => {
  const { model, host } = start();
  model.say(view({ answers: { page: model.page, seq: 0 } }));
  vi.advanceTimersByTime(3000);
  const other = answer("p", 1, { fit: { ...fit, frame: 4 } });
  model.say(other);
  model.say(other);
  expect(model.sent.map((message) => message.type)).toEqual(["hello", "hello"]);
  model.say(view({ answers: { page: model.page, seq: 0 }, frame: { ...frame, id: 4 }, fit: { ...fit, frame: 4 } }));
  expect(host.view().picture?.frame.id).toBe(4);
});

test("with a fault the last curves stay", () => {
  const { model, host } = start();
  model.say(view());
  const before = host.view().picture?.curves;
  model.say(moved(model.page, 1, 3));
  expect(host.view().picture?.curves).toBe(before);
  expect(host.view().picture?.fit.fault).toBe("not finite");
});

test("a search that finds nothing says so long after it was answered", () => {
  const { model, host } = start();
  model.say(view());
  model.say(answer(model.page, 1, { fit: { ...fit, running: 0, task: "guess" } }));
  expect(host.view().picture?.fit).toMatchObject({ running: 0, task: "guess" });
  model.say(view({ refused: "No better start values were found." }));
  expect(host.view().refused).toBe("No better start values were found.");
  model.say(answer("another page", 9, { refused: "Theirs." }));
  expect(host.view().refused).toBe("No better start values were found.");
});

test("a refusal stays until a command is accepted", () => {
  const { model, host } = start();
  model.say(view());
  model.say(answer(model.page, 1, { refused: "p0 must be finite." }));
  model.say(answer("another page", 9));
  expect(host.view().refused).toBe("p0 must be finite.");
  model.say(answer(model.page, 2));
  expect(host.view().refused).toBeNull();
});

test("a send that throws means that the kernel is gone; a message, that it is back", () => {
  const { model, host } = start();
  model.say(view());
  model.isGone = true;
  host.send({ kind: "p0", name: "b1", value: 1 });
  expect(host.view().link).toBe("gone");
  model.say(view());
  expect(host.view().link).toBe("live");
});

test("ten seconds without an answer are a wait, not an end", () => {
  const { model, host } = start();
  model.say(view());
  host.send({ kind: "p0", name: "b1", value: 1 });
  vi.advanceTimersByTime(9999);
  expect(host.view().link).toBe("live");
  vi.advanceTimersByTime(1);
  expect(host.view().link).toBe("waiting");
  model.say(answer(model.page, 1));
  expect(host.view()).toMatchObject({ link: "live", busy: false });
});

test("a message that cannot be read is said, and breaks nothing", () => {
  const { model, host } = start();
  model.say(view());
  model.say(view({ fit: { ...fit, steps: null } }));
  expect(host.view().refused).toContain("steps is not a number");
  expect(p0Of(host)).toBe(500);
});

test("after the signal it listens to nothing", () => {
  const { model } = start();
  end.abort();
  expect(model.listeners.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a file that was asked for comes with its bytes, or with the sentence that says why not", async () => {
  const { model, host } = start();
  const [one, other] = [host.take("csv"), host.take("pdf")];
  expect(model.sent.slice(1)).toEqual([
    { type: "file", page: model.page, seq: 1, kind: "csv" },
    { type: "file", page: model.page, seq: 2, kind: "pdf" },
  ]);
  const bytes = new DataView(new TextEncoder().encode("a,b\n").buffer);
  const about = { type: "file", page: model.page, refused: null, name: "fit.csv", mime: "text/csv" };
  model.say([{ ...about, page: "another", seq: 2 }, [bytes]]);
  model.say([{ type: "file", page: model.page, seq: 2, refused: "There is no fit." }, []]);
  model.say([{ ...about, seq: 1 }, [bytes]]);
  const { name, content } = await one;
  expect([name, new TextDecoder().decode(content)]).toEqual(["fit.csv", "a,b\n"]);
  await expect(other).rejects.toThrow("There is no fit.");
});

test("without a kernel no file comes", async () => {
  const { model, host } = start();
  model.isGone = true;
  await expect(host.take("csv")).rejects.toThrow("The kernel is gone.");
});

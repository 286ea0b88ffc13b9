/** When the screen is drawn: as soon as there is something new, and for nothing twice. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "../src/dom";

let waiting: FrameRequestCallback[] = [];
const frame = (): void => {
  const due = waiting;
  waiting = [];
  for (const call of due) call(0);
};

beforeEach(() => {
  waiting = [];
  vi.stubGlobal("requestAnimationFrame", (call: FrameRequestCallback) => waiting.push(call));
  vi.stubGlobal("cancelAnimationFrame", (id: number) => waiting.splice(id - 1, 1));
});
afterEach(() => vi.unstubAllGlobals());

const started = () => {
  const [draw, end] = [vi.fn(), new AbortController()];
  return { draw, end, ...paced(draw, end.signal) };
};

test("what can wait is drawn once, at the next frame", () => {
  const { draw, soon } = started();
  soon();
  soon();
  expect(draw).toHaveBeenCalledTimes(0);
  frame();
  frame();
  expect(draw).toHaveBeenCalledTimes(1);
});

test("what was drawn at once is not drawn again at the next frame", () => {
  const { draw, soon, now } = started();
  soon();
  now();
  expect(draw).toHaveBeenCalledTimes(1);
  frame();
  expect(draw).toHaveBeenCalledTimes(1);
});

test("a second picture before the frame waits for it, and none is lost", () => {
  const { draw, now } = started();
  now();
  now();
  now();
  expect(draw).toHaveBeenCalledTimes(1);
  frame();
  expect(draw).toHaveBeenCalledTimes(2);
  now();
  expect(draw).toHaveBeenCalledTimes(3);
});

test("nothing is drawn after the end", () => {
  const { draw, soon, now, end } = started();
  soon();
  end.abort();
  frame();
  now();
  soon();
  frame();
  expect(draw).toHaveBeenCalledTimes(0);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Entry, Queue } from "../src/hosts/queue";
import type { Command } from "../src/wire";

const p0 = (name: string, value: number): Command => ({ kind: "p0", name, value });
let posted: [number, Command][] = [];
let end = new AbortController();

function makeQueue(): Queue {
  return new Queue((seq, { command }) => posted.push([seq, command]), end.signal);
}

beforeEach(() => {
  vi.useFakeTimers();
  posted = [];
  end = new AbortController();
});
afterEach(() => {
  end.abort();
  vi.useRealTimers();
});

test("one command is in flight, and only the newest of a control waits", () => {
  const queue = makeQueue();
  for (let i = 0; i < 100; i++) queue.push(p0("a", i));
  expect(posted).toEqual([[1, p0("a", 0)]]);
  queue.answered(1);
  expect(posted.at(-1)).toEqual([2, p0("a", 99)]);
  queue.answered(2);
  expect(posted.length).toBe(2);
  expect(queue.busy).toBe(false);
});

test("every control gets its turn while another is dragged", () => {
  const queue = makeQueue();
  queue.push(p0("a", 0));
  queue.push(p0("a", 1));
  queue.push({ kind: "role", name: "b", role: "fixed" });
  queue.push(p0("a", 2));
  queue.answered(1);
  queue.push(p0("a", 3));
  queue.answered(2);
  expect(posted.map(([, command]) => command.kind)).toEqual(["p0", "p0", "role"]);
  queue.answered(3);
  expect(posted.at(-1)?.[1]).toEqual(p0("a", 3));
});

test("two seconds without an answer free the window", () => {
  const queue = makeQueue();
  queue.push(p0("a", 0));
  queue.push(p0("a", 1));
  vi.advanceTimersByTime(1999);
  expect(posted.length).toBe(1);
  vi.advanceTimersByTime(1);
  expect(posted.at(-1)).toEqual([2, p0("a", 1)]);
  expect(queue.busy).toBe(true);
});

test("a late answer to an older command does not free the window", () => {
  const queue = makeQueue();
  queue.push(p0("a", 0));
  queue.push(p0("a", 1));
  vi.advanceTimersByTime(2000);
  queue.push(p0("a", 2));
  queue.answered(1);
  expect(posted.length).toBe(2);
  queue.answered(2);
  expect(posted.at(-1)).toEqual([3, p0("a", 2)]);
});

test("after the signal nothing is sent and no timer is left", () => {
  const queue = makeQueue();
  queue.push(p0("a", 0));
  queue.push(p0("a", 1));
  end.abort();
  expect(vi.getTimerCount()).toBe(0);
  queue.answered(1);
  expect(posted.length).toBe(1);
});

test("all commands of one drag are one gesture, and only the last is final", () => {
  const entries: Entry[] = [];
  const queue = new Queue((_seq, entry) => entries.push(entry), end.signal);
  for (const value of [1, 2, 3]) {
    queue.push(p0("a", value), "held");
    queue.answered(entries.length);
  }
  queue.push(p0("a", 3));
  queue.answered(4);
  queue.push(p0("a", 4));
  expect(entries.map(({ final }) => final)).toEqual([false, false, false, true, true]);
  const gestures = entries.map(({ gesture }) => gesture);
  expect(new Set(gestures.slice(0, 4)).size).toBe(1);
  expect(gestures[4]).not.toBe(gestures[0]);
});

test("two clicks on undo are two commands", () => {
  const queue = makeQueue();
  queue.push(p0("a", 0));
  queue.push({ kind: "undo" });
  queue.push({ kind: "undo" });
  for (const seq of [1, 2, 3]) queue.answered(seq);
  expect(posted.map(([, command]) => command.kind)).toEqual(["p0", "undo", "undo"]);
});

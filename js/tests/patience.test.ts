import { expect, test } from "vitest";
import { IDLE, type Waiting, waiting } from "../src/panels/patience";

/** Whether the screen says that it waits, at each of these moments. */
function told(...moments: readonly [now: number, busy: boolean, answers: number][]): boolean[] {
  let state: Waiting = IDLE;
  return moments.map(([now, busy, answers]) => {
    state = waiting(state, { busy, answers }, now);
    return state.slow;
  });
}

test("an answer within 0.3 s is not waited for in words", () => {
  expect(told([0, true, 0], [299, true, 0], [300, false, 1])).toEqual([false, false, false]);
});

test("a later one is, until it is there", () => {
  expect(told([0, true, 0], [310, true, 0], [900, true, 0], [1000, false, 1])).toEqual([false, true, true, false]);
});

test("a quick drag is always busy and never slow", () => {
  const moments = Array.from({ length: 50 }, (_, i): [number, boolean, number] => [20 * i, true, i]);
  expect(told(...moments)).not.toContain(true);
});

test("a slow drag does not flicker", () => {
  const moments: [number, boolean, number][] = [
    [0, true, 0],
    [320, true, 0],
    [800, true, 1],
    [900, true, 1],
    [1120, true, 1],
    [1700, true, 2],
  ];
  expect(told(...moments)).toEqual([false, true, true, true, true, true]);
});

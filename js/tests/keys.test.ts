import { expect, test } from "vitest";
import { historyStep, type Pressed, tabStep } from "../src/panels/keys";

function press(key: string, held: Partial<Pressed> = {}): Pressed {
  const none = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
  return { key, code: `Key${key.toUpperCase()}`, ...none, ...held };
}

test.each([
  ["z", { ctrlKey: true }, "undo"],
  ["Z", { ctrlKey: true, shiftKey: true }, "redo"],
  ["y", { ctrlKey: true }, "redo"],
  ["z", { metaKey: true }, "undo"],
  ["Z", { metaKey: true, shiftKey: true }, "redo"],
  ["y", { metaKey: true }, null], // the browser's history on a Mac
  ["z", {}, null],
  ["z", { ctrlKey: true, altKey: true }, null],
  ["a", { ctrlKey: true }, null],
  ["я", { ctrlKey: true, code: "KeyZ" }, "undo"],
  ["w", { ctrlKey: true, code: "KeyZ" }, null], // a French keyboard has W there
] as const)("%s with %o means %s", (key, held, step) => {
  expect(historyStep(press(key, held))).toBe(step);
});

test("the arrows go round the tabs, Home and End to the ends, and other keys nowhere", () => {
  expect(["ArrowRight", "ArrowLeft", "Home", "End"].map((key) => tabStep(key, 3, 4))).toEqual([0, 2, 0, 3]);
  expect(tabStep("ArrowLeft", 0, 4)).toBe(3);
  expect(tabStep("Tab", 0, 4)).toBeNull();
});

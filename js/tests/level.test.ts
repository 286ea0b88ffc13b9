import { expect, test } from "vitest";
import { LEVELS, levelOf, percent } from "../src/panels/level";

test("a confidence reads in percent and comes back to the last digit", () => {
  expect(LEVELS.map(percent)).toEqual(["68.27 %", "95 %", "99 %"]);
  for (const level of [...LEVELS, 0.9, 0.999, 0.5]) expect(levelOf(percent(level))).toBe(level);
});

test("none is no band, and what is no confidence is answered by a sentence", () => {
  expect([levelOf("none"), levelOf("")]).toEqual([null, null]);
  for (const wrong of ["0", "100", "120", "-5", "wide"]) expect(levelOf(wrong)).toMatch(/\.$/);
});

import { expect, test } from "vitest";
import { canTake } from "../src/panels/buttons";
import { chosen, obstacle, stopped, typed } from "../src/panels/choice";
import type { Parameter } from "../src/wire";

const parameter: Parameter = {
  name: "a",
  p0: 5,
  lower: 0,
  upper: 10,
  popt: 4,
  stderr: 1,
  scale: 3,
  role: "free",
  tie: null,
  at_bound: null,
};

test("a bound that is dragged past p0 pushes it along", () => {
  expect(chosen(parameter, new Map([["lower", 7]]))).toMatchObject({ p0: 7, lower: 7 });
  expect(chosen(parameter, new Map([["upper", 2]]))).toMatchObject({ p0: 2, upper: 2 });
});

test("a bound taken away is no bound", () => {
  expect(chosen(parameter, new Map([["upper", null]])).upper).toBe(Number.POSITIVE_INFINITY);
});

test("a thumb stops at a bracket, and a bracket at the other", () => {
  expect(stopped("p0", 11, parameter)).toBe(10);
  expect(stopped("lower", 12, parameter)).toBe(10);
  expect(stopped("upper", -3, parameter)).toBe(0);
});

test("a typed value that is in the way of a bound is not moved but explained", () => {
  expect(obstacle("p0", 11, parameter)).toBe("11 is above the upper bound 10. Move the bound first.");
  expect(obstacle("lower", 12, parameter)).toContain("above the upper bound 10");
  expect(obstacle("upper", 10.5, parameter)).toBeNull();
});

test("what begins with = ties a start value, and nothing else does", () => {
  expect(typed("p0", " = 1.5 * b")).toEqual({ tie: "1.5 * b" });
  expect(typed("p0", "=")).toEqual({ tie: null });
  expect(typed("p0", "3e-4")).toBe(3e-4);
  expect(typed("p0", "1.5 * b")).toBe("To tie it to other parameters, begin with “=”: = 1.5 * b.");
  expect(typed("lower", "= b")).toMatch(/not a number/);
  for (const none of ["", "-inf", "−∞"]) expect(typed("lower", none)).toBeNull();
  for (const none of ["", "inf", "∞"]) expect(typed("upper", none)).toBeNull();
});

test("a fitted value is worth taking unless the fit already begins there", () => {
  expect(canTake(parameter)).toBe(true);
  expect(canTake({ ...parameter, p0: 4 + 1e-12 })).toBe(false);
  expect(canTake({ ...parameter, popt: Number.NaN })).toBe(false);
  expect(canTake({ ...parameter, p0: 1e-17, popt: 2e-17, stderr: 1e-18 })).toBe(true);
  expect(canTake({ ...parameter, role: "tied" })).toBe(false);
});

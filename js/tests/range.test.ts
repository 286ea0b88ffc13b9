import { describe, expect, test } from "vitest";
import { extended, fresh, keyStep, type Marks, rested, shareOf, tidy, valueAt, widened } from "../src/range";

const { POSITIVE_INFINITY: INF, NaN: NAN } = Number;
const marks = (changed: Partial<Marks>): Marks => ({
  p0: 1,
  lower: -INF,
  upper: INF,
  popt: NAN,
  stderr: NAN,
  scale: NAN,
  ...changed,
});
const sees = (span: { lo: number; hi: number }, value: number): boolean => value > span.lo && value < span.hi;

describe("a fresh range", () => {
  test.each([500, 1e-17, -3e-4, 1e6, 1e300, -1e-300, 1])("leaves p0 = %s room on both sides", (p0) => {
    const span = fresh(marks({ p0 }));
    expect(shareOf(span, p0)).toBeCloseTo(0.5, 6);
    expect(sees(span, 0)).toBe(true);
    expect(sees(span, 2 * p0)).toBe(true);
  });

  test("is as wide as the curve answers to it, where that is known", () => {
    const span = fresh(marks({ p0: 450, popt: 451.5, stderr: 0.05, scale: 6 }));
    expect(sees(span, 425) && sees(span, 475)).toBe(true);
    expect(span.hi - span.lo).toBeLessThan(100);
    expect(sees(fresh(marks({ p0: 0, popt: 0.01, stderr: 0.01, scale: 3 })), 10)).toBe(true);
    expect(fresh(marks({ p0: 2, scale: Number.POSITIVE_INFINITY })).hi).toBeLessThan(10);
  });

  test("at p0 = 0 takes its size from the fit, else from 1", () => {
    expect(sees(fresh(marks({ p0: 0, popt: 3e-9, stderr: 1e-10 })), 3e-9)).toBe(true);
    expect(fresh(marks({ p0: 0, popt: 3e-9, stderr: 1e-10 })).hi).toBeLessThan(1e-8);
    expect(fresh(marks({ p0: 0 })).hi).toBeCloseTo(1, 0);
  });

  test("shows the fitted value with two standard errors, however far", () => {
    const span = fresh(marks({ p0: 1, popt: 500, stderr: 20 }));
    expect(sees(span, 1) && sees(span, 540)).toBe(true);
  });

  test("an enormous standard error does not swallow it", () => {
    expect(fresh(marks({ p0: 1, popt: 2, stderr: 1e20 })).hi).toBeLessThan(10);
  });

  test("follows bounds inwards, and outwards as long as p0 can still be dragged", () => {
    const tight = fresh(marks({ p0: 500, lower: 499, upper: 501 }));
    expect(tight.hi - tight.lo).toBeLessThan(3);
    expect(sees(tight, 499) && sees(tight, 501)).toBe(true);
    expect(sees(fresh(marks({ p0: 1, lower: -3, upper: 5 })), 5)).toBe(true);
    expect(fresh(marks({ p0: 1e-4, lower: 0, upper: 1e6 })).hi).toBeLessThan(1e-3);
  });

  test("survives equal bounds", () => {
    const span = fresh(marks({ p0: 2, lower: 2, upper: 2, popt: 2, stderr: 0 }));
    expect(span.hi).toBeGreaterThan(span.lo);
  });
});

describe("an old range", () => {
  const span = { lo: 0, hi: 10 };

  test("stands still while all marks are inside", () => {
    expect(widened(span, marks({ p0: 9.9, popt: 0.1, stderr: 1 }))).toEqual(span);
  });

  test("makes room for a value that leaves it, and more than just", () => {
    const wider = widened(span, marks({ p0: 5, popt: 11, stderr: 1 }));
    expect(wider.lo).toBe(0);
    expect(wider.hi).toBeGreaterThan(11.5);
    expect(widened(wider, marks({ p0: 5, popt: 11.4, stderr: 1 }))).toEqual(wider);
  });

  test("does not run after a fit that ran away", () => {
    expect(widened(span, marks({ p0: 5, popt: 1e30, stderr: 1 }))).toEqual(span);
  });

  test("narrows at rest only when it is far too wide", () => {
    const wide = { lo: -1e4, hi: 1e4 };
    expect(rested(wide, marks({ p0: 5 })).hi).toBeLessThan(20);
    expect(rested(span, marks({ p0: 2 }))).toEqual(span);
  });

  test("is pushed out at one end only", () => {
    expect(extended(span, "hi", 0.1)).toEqual({ lo: 0, hi: 11 });
    expect(extended(span, "lo", 0.1)).toEqual({ lo: -1, hi: 10 });
  });
});

test("position and value are each other's inverse", () => {
  const span = { lo: -3e-17, hi: 5e-17 };
  expect(valueAt(span, shareOf(span, 2e-17))).toBeCloseTo(2e-17, 30);
});

test("a dragged value has no more digits than a pixel can mean", () => {
  expect(tidy(501.23456789, 3.3)).toBe(501);
  expect(tidy(0.000123456789, 1.1e-6)).toBe(0.000123);
  expect(tidy(123456.7, 3300)).toBe(123000);
  expect(tidy(1.23456e-17, 1e-19)).toBe(1.23e-17);
  expect(Object.is(tidy(-0.01, 1), 0)).toBe(true);
});

test("an arrow key moves a tenth of the standard error, else a hundredth of the range", () => {
  expect(keyStep({ lo: 0, hi: 10 }, 2)).toBeCloseTo(0.2);
  for (const unknown of [0, NAN, INF]) expect(keyStep({ lo: 0, hi: 10 }, unknown)).toBeCloseTo(0.1);
});

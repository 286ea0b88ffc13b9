import { describe, expect, test } from "vitest";
import {
  canPlace,
  decades,
  extended,
  fresh,
  isManyDecades,
  LINEAR,
  logarithmic,
  type Marks,
  pointed,
  type Ruler,
  rested,
  shareOf,
  stepped,
  tidy,
  valueAt,
  widened,
} from "../src/range";

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
  const span = { lo: 0, hi: 10, scale: LINEAR };

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
    const wide = { lo: -1e4, hi: 1e4, scale: LINEAR };
    expect(rested(wide, marks({ p0: 5 })).hi).toBeLessThan(20);
    expect(rested(span, marks({ p0: 2 }))).toEqual(span);
  });

  test("is pushed out at one end only", () => {
    expect(extended(span, "hi", 0.1)).toEqual({ lo: 0, hi: 11, scale: LINEAR });
    expect(extended(span, "lo", 0.1)).toEqual({ lo: -1, hi: 10, scale: LINEAR });
  });
});

test("position and value are each other's inverse", () => {
  const span = { lo: -3e-17, hi: 5e-17, scale: LINEAR };
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
  const span = { lo: 0, hi: 10, scale: LINEAR };
  expect(stepped(span, 5, 1, 2)).toBeCloseTo(5.2, 12);
  expect(stepped(span, 5, 10, 2)).toBeCloseTo(7, 12);
  expect(stepped(span, 5, 0.1, 2)).toBeCloseTo(5.02, 12);
  for (const unknown of [0, NAN, INF]) expect(stepped(span, 5, -1, unknown)).toBeCloseTo(4.9, 12);
});

describe("a logarithmic track", () => {
  const positive = marks({ p0: 1, lower: 1e-6, upper: 1e6, popt: 30, stderr: 2 });

  test("is offered where bounds are positive, or values lie decades apart", () => {
    expect(isManyDecades(marks({ p0: 3, lower: 0 }))).toBe(true);
    expect(isManyDecades(marks({ p0: 1, popt: 1e3 }))).toBe(true);
    expect(isManyDecades(marks({ p0: -1, popt: 1e3 }))).toBe(true);
    expect(isManyDecades(marks({ p0: 500, popt: 238 }))).toBe(false);
    expect(isManyDecades(marks({ p0: 0 }))).toBe(false);
  });

  test("is a plain logarithm where all is positive, and knows zero elsewhere", () => {
    expect(logarithmic(positive).kind).toBe("log");
    expect(logarithmic(marks({ p0: 2, lower: 0 })).kind).toBe("log");
    expect(logarithmic(marks({ p0: 2, lower: -5, upper: 1e4 }))).toEqual({ kind: "symlog", knee: 2 });
    expect(logarithmic(marks({ p0: 0 }))).toEqual({ kind: "symlog", knee: 1 });
    expect(logarithmic(marks({ p0: 2, popt: -3 })).kind).toBe("symlog");
  });

  test("gives each decade the same room", () => {
    const ruler = fresh(positive, { kind: "log" });
    const [one, ten, hundred] = [1, 10, 100].map((value) => shareOf(ruler, value));
    expect((hundred ?? 0) - (ten ?? 0)).toBeCloseTo((ten ?? 0) - (one ?? 0), 12);
    expect(shareOf(ruler, 1e-6)).toBeGreaterThan(0);
    expect(shareOf(ruler, 1e6)).toBeLessThan(1);
    expect(shareOf(ruler, 0)).toBe(-INF);
  });

  test.each([1e-17, 1e-300, 1, 1e6, 1e300])("reaches a decade to both sides of p0 = %s", (p0) => {
    const ruler = fresh(marks({ p0, lower: 0 }), { kind: "log" });
    expect(shareOf(ruler, p0)).toBeCloseTo(0.5, 6);
    expect(shareOf(ruler, p0 / 10)).toBeGreaterThan(0);
    expect(shareOf(ruler, p0 * 10)).toBeLessThan(1);
  });

  test.each([
    [{ kind: "log" } as const, 3e-5],
    [{ kind: "symlog", knee: 1e-9 } as const, -4e3],
    [{ kind: "symlog", knee: 2 } as const, 0],
  ])("%o: position and value are each other's inverse", (scale, value) => {
    const ruler = fresh(marks({ p0: 1, lower: -1e4, upper: 1e4 }), scale);
    expect(valueAt(ruler, shareOf(ruler, value))).toBeCloseTo(value, 10);
  });

  test("takes from the finger as many digits as a pixel means there", () => {
    const ruler = { lo: -6, hi: 6, scale: { kind: "log" } as const };
    expect(pointed(ruler, shareOf(ruler, 1.23456e-4), 240)).toBe(1.2e-4);
    expect(pointed(ruler, shareOf(ruler, 12345.6), 240)).toBe(12000);
  });

  test("an arrow key is a hundredth of it, never across zero", () => {
    const ruler = { lo: -3, hi: 3, scale: { kind: "log" } as const };
    expect(stepped(ruler, 1, 1, NAN)).toBeCloseTo(10 ** 0.06, 2);
    expect(stepped(ruler, 1, -100, NAN)).toBeCloseTo(1e-6, 9);
    expect(stepped(ruler, 0, 1, NAN)).toBeGreaterThan(0);
    expect(stepped(ruler, 1, 1, 0.5)).toBeCloseTo(1.05, 12);
  });

  test("has a mark for each power of ten, but not too many", () => {
    const values = (ruler: Ruler): number[] => decades(ruler).map(({ value }) => value);
    const near = values({ lo: -1.5, hi: 1.5, scale: { kind: "log" } });
    for (const [i, power] of [0.1, 1, 10].entries()) expect(near[i]).toBeCloseTo(power, 12);
    expect(decades({ lo: -300, hi: 300, scale: { kind: "log" } }).length).toBeLessThan(14);
    expect(values({ lo: -1.2, hi: 1.2, scale: { kind: "symlog", knee: 1 } }).map(Math.round)).toEqual([
      -10, -1, 0, 1, 10,
    ]);
    expect(values({ lo: -4.2, hi: 4.2, scale: { kind: "symlog", knee: 2 } })).toEqual([
      -10000, -1000, -100, -10, 0, 10, 100, 1000, 10000,
    ]);
    for (const { share, value } of decades(fresh(positive, { kind: "log" }))) {
      expect(shareOf(fresh(positive, { kind: "log" }), value)).toBe(share);
    }
    expect(decades(fresh(marks({})))).toEqual([]);
  });

  test("names its outermost powers of ten, and zero where there is room for it", () => {
    const named = (ruler: Ruler): number[] =>
      decades(ruler)
        .filter(({ isNamed }) => isNamed)
        .map(({ value }) => value);
    expect(named({ lo: -3.5, hi: 2.5, scale: { kind: "log" } })).toEqual([0.001, 100]);
    expect(named({ lo: -3.6, hi: 5.6, scale: { kind: "symlog", knee: 1 } })).toEqual([-1000, 0, 100000]);
    expect(named({ lo: -0.5, hi: 5.5, scale: { kind: "symlog", knee: 1 } })).toEqual([0, 100000]);
    expect(named({ lo: -3.05, hi: 2.05, scale: { kind: "log" } })).toEqual([0.01, 10]);
    expect(named({ lo: -1.8, hi: 8, scale: { kind: "symlog", knee: 1 } })).toEqual([-10, 10000000]);
  });

  test("cannot place a start value that is not positive", () => {
    expect(canPlace({ kind: "log" }, -1)).toBe(false);
    expect(canPlace({ kind: "symlog", knee: 1 }, -1)).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { fitted, plain, read, short, tick } from "../src/format";

const { POSITIVE_INFINITY: INF, NEGATIVE_INFINITY: MINUS_INF, NaN: NAN } = Number;
const said = (value: number, error: number): string => {
  const text = fitted(value, error);
  return `${text.value}|${text.error}|${text.power}`;
};

describe("a fitted value", () => {
  test.each([
    [238.94212918, 2.7070075241, "238.94|2.71|"],
    [1.23456, 0.056, "1.235|0.056|"],
    [5.5015643181e-4, 7.2668688436e-6, "5.502|0.073|×10⁻⁴"],
    [123456, 789, "123456|789|"],
    [-1.5e8, 2.2e6, "−1.5000|0.0220|×10⁸"],
    [0, 0.5, "0.00|0.50|"],
    [1e-17, 3e-19, "1.000|0.030|×10⁻¹⁷"],
    [3, 400, "3|400|"],
  ])("%s ± %s", (value, error, text) => {
    expect(said(value, error)).toBe(text);
  });

  test("without a standard error stands alone, without a result is a dash", () => {
    for (const error of [0, NAN, INF]) expect(said(2.5, error)).toBe("2.5||");
    expect(said(NAN, 1)).toBe("–||");
  });

  test("an error of rounding size does not print noise", () => {
    expect(said(1.5, 3e-17)).toBe("1.5|3×10⁻¹⁷|");
  });
});

test("all digits come back from the text of a field", () => {
  for (const value of [0.1 + 0.2, 1e-17, -1.7976931348623157e308, 123456789.12345679]) {
    expect(read(plain(value), null)).toBe(value);
  }
  expect(plain(INF)).toBe("");
});

describe("what is typed", () => {
  test.each([
    ["3.5", 3.5],
    [" -1e-4 ", -1e-4],
    [".5", 0.5],
    ["+2.", 2],
    ["\u22123", -3],
    ["1E3", 1000],
  ])("%s is a number", (text, value) => {
    expect(read(text, null)).toBe(value);
  });

  test.each(["", "none", "inf", "+inf", "∞", "Infinity"])("“%s” is no upper bound", (text) => {
    expect(read(text, "+")).toBeNull();
  });

  test.each(["", "none", "-inf", "-∞", "\u2212∞"])("“%s” is no lower bound", (text) => {
    expect(read(text, "-")).toBeNull();
  });

  test.each([
    ["", null],
    ["abc", null],
    ["1,5", null],
    ["1e999", null],
    ["0x10", null],
    ["inf", null],
    ["inf", "-"],
    ["-inf", "+"],
  ] as const)("“%s” is answered by a sentence", (text, open) => {
    expect(read(text, open)).toMatch(/^.{10,}\.$/);
  });
});

test("a short number is rounded but never lost", () => {
  expect(short(0.00055015643, 4)).toBe("0.0005502");
  expect(short(1e-17)).toBe("1×10⁻¹⁷");
  expect(short(-2.5e300)).toBe("−2.5×10³⁰⁰");
  expect(short(123456.789)).toBe("123457");
  expect(short(MINUS_INF)).toBe("−∞");
  expect(short(NAN)).toBe("–");
  expect(short(5e-324, 3)).toBe("5×10⁻³²⁴");
});

test("ticks of one axis have the same decimals", () => {
  expect([0.5, 1, 1.5].map((v) => tick(v, 0.5, 1.5))).toEqual(["0.5", "1.0", "1.5"]);
  expect([-20, 0, 20].map((v) => tick(v, 20, 20))).toEqual(["−20", "0", "20"]);
  expect(tick(2e-5, 1e-5, 3e-5)).toBe("2×10⁻⁵");
});

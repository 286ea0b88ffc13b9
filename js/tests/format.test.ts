import { describe, expect, test } from "vitest";
import { concise, fitted, plain, read, short, tick } from "../src/format";

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

describe("a fitted value in short", () => {
  test.each([
    [451.5412178, 0.0047, "451.5412(47)"],
    [1.23456, 0.0067, "1.2346(67)"],
    [238.94212918, 2.7070075, "238.9(2.7)"],
    [1234, 56, "1234(56)"],
    [12, 9.96, "12(10)"],
    [0, 0.5, "0.00(50)"],
    [-0.0001, 0.5, "0.00(50)"],
    [0.0996, 0.0996, "0.10(10)"],
    [1, 0.9951, "1.0(1.0)"],
    [9.9996, 0.001, "9.9996(10)"],
  ])("%s ± %s is %s", (value, error, text) => {
    expect(Object.values(concise(value, error)).join("")).toBe(text);
  });

  test.each([
    [5.5015e-4, 1.2e-5, "5.50(12)×10⁻⁴"],
    [5.5015643181e-4, 7.2668688436e-6, "5.502(73)×10⁻⁴"],
    [9.9999e-5, 1e-6, "1.000(10)×10⁻⁴"],
    [123456, 789, "1.2346(79)×10⁵"],
    [-1.5e8, 2.2e6, "−1.500(22)×10⁸"],
    [1e6, 0.1, "1.00000000(10)×10⁶"],
    [1e-17, 3e-19, "1.000(30)×10⁻¹⁷"],
    [1e300, 1e298, "1.000(10)×10³⁰⁰"],
    [5e-324, 5e-324, "5.0(5.0)×10⁻³²⁴"],
  ])("%s ± %s has one power of ten for both: %s", (value, error, text) => {
    expect(Object.values(concise(value, error)).join("")).toBe(text);
  });

  test.each([
    [3, 400, "0.0(4.0)×10²"],
    [1e-5, 3, "1×10⁻⁵ ± 3"], // where nothing of the value would be left, both stand alone
    [1e-3, 1e5, "0.001 ± 100000"],
    [1000, 8.6e67, "1000 ± 8.6×10⁶⁷"],
    [1e20, 1e22, "0.0(1.0)×10²²"],
  ])("%s ± %s, an error larger than the value, is %s", (value, error, text) => {
    expect(Object.values(concise(value, error)).join("")).toBe(text);
  });

  test("reads back as what it was, to half of its last digit", () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let i = 0; i < 2000; i++) {
      const value = (random() - 0.5) * 10 ** (40 * random() - 20);
      const error = Math.abs(value) * 10 ** (10 * random() - 7);
      const text = Object.values(concise(value, error)).join("");
      const [read, spread] = readBack(text);
      expect(Math.abs(spread / error - 1), text).toBeLessThan(0.0501);
      expect(Math.abs(read - value), text).toBeLessThan(0.0501 * spread);
    }
  });

  test("without an error, or with one of rounding size, has no digits of noise", () => {
    for (const error of [0, NAN, INF]) expect(Object.values(concise(2.5, error)).join("")).toBe("2.5");
    expect(Object.values(concise(1.5, 3e-17)).join("")).toBe("1.5 ± 3×10⁻¹⁷");
    expect(Object.values(concise(NAN, 1)).join("")).toBe("–");
  });
});

/** The notation by its definition: digits in parentheses count in the last place of the value. */
function readBack(text: string): [number, number] {
  const plainText = text.replace("\u2212", "-");
  const [, digits = "", inside = "", power = ""] = /^(-?[\d.]+)\(([\d.]+)\)(?:×10(.*))?$/.exec(plainText) ?? [];
  const exponent = [...power].map((c) => (c === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c))).join("") || "0";
  const decimals = digits.split(".")[1]?.length ?? 0;
  const spread = inside.includes(".") || decimals === 0 ? Number(inside) : Number(`${inside}e-${decimals}`);
  return [Number(`${digits}e${exponent}`), spread * 10 ** Number(exponent)];
}

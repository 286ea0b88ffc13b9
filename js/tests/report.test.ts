import { expect, test } from "vitest";
import { decode } from "../src/decode";
import {
  caveat,
  correlationText,
  entangled,
  exact,
  nearOne,
  statisticsRows,
  table,
  valuesTable,
} from "../src/panels/report";
import type { Fit, Picture } from "../src/wire";
import { view } from "./message";

const told = Float64Array.of(1.25e-3, 4.1e-5, 0.999987, 0.99998, -346.9, -346.1, -342.2, 32, 35);

function picture(): Picture {
  const correlation = Float64Array.of(1, -0.9987, -0.9987, 1);
  const message = decode(...view({}, { statistics: told, correlation }));
  if (message?.kind !== "view" || message.frame === null) throw new Error("no view");
  const { frame, fit, curves } = message;
  const parameters = message.parameters.map((parameter, i) => ({ name: frame.names[i] ?? "", ...parameter }));
  return { frame, fit, parameters, curves };
}

test("every statistic is told, with a reason, and copied with all its digits", () => {
  const rows = statisticsRows(picture().fit);
  expect(rows.map(({ name, shown, exact: all }) => [name, shown, all])).toEqual([
    ["χ²", "0.00125", "0.00125"],
    ["reduced χ²", "4.1×10⁻⁵", "0.000041"],
    ["R²", "0.999987", "0.999987"],
    ["adjusted R²", "0.99998", "0.99998"],
    ["AIC", "−346.9", "-346.9"],
    ["AICc", "−346.1", "-346.1"],
    ["BIC", "−342.2", "-342.2"],
    ["degrees of freedom", "32", "32"],
    ["points counted", "35", "35"],
    ["points excluded", "1", "1"],
  ]);
  expect(rows.every(({ why }) => why.length > 10)).toBe(true);
});

test("without a fit nothing is told", () => {
  const fit: Fit = { ...picture().fit, statistics: null };
  expect(statisticsRows(fit)).toEqual([]);
  expect(statisticsRows({ ...picture().fit, fault: "nan" })).toEqual([]);
  expect(caveat(fit)).toBe("There is no fit.");
  expect(caveat({ ...picture().fit, stale: true })).toContain("last fit");
  expect(caveat(picture().fit)).toBe("");
});

test("what is close to one is never rounded to it", () => {
  expect([0.99999987, 0.9971, 0.5, 1, Number.NaN, -3].map(nearOne)).toEqual([
    "0.99999987",
    "0.9971",
    "0.5",
    "1",
    "–",
    "−3",
  ]);
});

test("a correlation has two decimals, more near one, and none where there is none", () => {
  expect([0.5812, -0.9987, 0.99998, 1, 0.9999999999, Number.NaN, -0.001].map(correlationText)).toEqual([
    "0.58",
    "−0.999",
    "0.99998",
    "1.00",
    "1.00",
    "–",
    "0.00",
  ]);
});

test("pairs that the data hardly tell apart are named", () => {
  const matrix = Float64Array.of(1, -0.9987, Number.NaN, -0.9987, 1, 0.98, Number.NaN, 0.98, 1);
  expect(entangled(["a", "b", "c"], matrix)).toEqual(["a and b are hardly told apart (−0.999)."]);
});

test("values are copied for a spreadsheet, under a line that says of which fit", () => {
  expect(valuesTable(picture())).toBe(
    "# 35 points, 1 excluded, chi2 = 0.00125, converged in 6 steps\n" +
      "name\tvalue\terror\nb1\t238.94\t2.71\nb2\t0.00055\t0\n",
  );
});

test("a name cannot break a table", () => {
  expect(table([["a\tb", "c\nd"]])).toBe("a b\tc d\n");
  expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1].map(exact)).toEqual([
    "nan",
    "inf",
    "-inf",
    "0.1",
  ]);
});

import { describe, expect, test } from "vitest";
import {
  area,
  interpolate,
  pixel,
  sensible,
  settled,
  tickStep,
  ticks,
  tickWithin,
  valueAtPixel,
} from "../src/plot/scale";

test("the residual plot does not follow small changes, but large ones at once", () => {
  const first = settled(null, 1);
  expect(settled(first, 0.9)).toBe(first);
  expect(settled(first, 1.2)).toBe(first);
  expect(settled(first, 5)).toBeGreaterThan(5);
  expect(settled(first, 0.01)).toBeLessThan(0.02);
  expect(settled(first, 0)).toBe(first);
  expect(settled(null, 0)).toBeGreaterThan(0);
});

test("pixels and values are each other's inverse, low values at the bottom", () => {
  const place = area({ lo: 10, hi: 20 }, { lo: -1, hi: 1 }, 500, 200);
  expect(pixel(place.x, 10)).toBeCloseTo(0);
  expect(pixel(place.y, -1)).toBeCloseTo(200);
  expect(valueAtPixel(place.x, pixel(place.x, 13.7))).toBeCloseTo(13.7);
});

describe("ticks", () => {
  test.each([
    [0.13, 0.2],
    [1, 1],
    [34, 50],
    [3e-17, 5e-17],
    [0.7e9, 1e9],
  ])("at least %s apart are %s apart", (least, step) => {
    expect(tickStep(least)).toBe(step);
  });

  test("lie on multiples of their step, inside the range", () => {
    expect(ticks({ lo: -0.25, hi: 0.31 }, 0.1)).toEqual([-0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  });

  test.each([1, 1.9, 2, 4.99, 5, 9.9, 0.037])("around zero there is one on either side within %s", (half) => {
    expect(tickWithin(half)).toBeLessThanOrEqual(half);
    expect(tickWithin(half)).toBeGreaterThanOrEqual(half / 2.6);
  });
});

test("a curve is read between its points and not beyond them", () => {
  const [grid, curve] = [Float64Array.of(0, 1, 3), Float64Array.of(0, 10, 30)];
  expect(interpolate(grid, curve, 2)).toBeCloseTo(20);
  expect(interpolate(grid, curve, 3)).toBeCloseTo(30);
  expect(interpolate(grid, curve, 3.1)).toBeNaN();
});

test("a zoom ends where neighbouring numbers would show", () => {
  const home = { lo: 0, hi: 10 };
  expect(sensible({ lo: 5, hi: 5 + 1e-12 }, home)).toBe(false);
  expect(sensible({ lo: -1e4, hi: 1e4 }, home)).toBe(false);
  expect(sensible({ lo: 4, hi: 5 }, home)).toBe(true);
});

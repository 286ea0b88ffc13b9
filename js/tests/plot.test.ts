import { describe, expect, test } from "vitest";
import { decode } from "../src/decode";
import { advance } from "../src/host";
import { boxOf } from "../src/plot/gestures";
import { changeable, nearest, type Places, placesOf, walk, within } from "../src/plot/pick";
import { area, extent, loggable, logTicks, pixel, unseen, valueAtPixel, xRange, yRange } from "../src/plot/scale";
import { Sight } from "../src/plot/sight";
import type { Frame, Picture } from "../src/wire";
import { view } from "./message";

const frame: Frame = {
  ...{ id: 1, model: "m", names: [], x_label: "x", y_label: "y", residual_label: "r", devices: [], losses: [] },
  n_points: 4,
  data: { kind: "points", x: Float64Array.of(-1, 1, 10, 100), y: Float64Array.of(5, 0, 2, 20), sigma: null },
  grid: Float64Array.of(-1, 100),
};
const log = { x: true, y: true };

function places(at: readonly (readonly [number, number])[]): Places {
  return { count: at.length, left: (i) => at[i]?.[0] ?? NaN, top: (i) => at[i]?.[1] ?? NaN };
}

describe("a scale of logarithms", () => {
  const place = area({ lo: -1, hi: 3 }, { lo: 0, hi: 2 }, 400, 200, log);

  test("has a decade at equal distances, and pixels lead back to values", () => {
    expect(pixel(place.x, 1) - pixel(place.x, 0.1)).toBeCloseTo(100);
    expect(pixel(place.x, 1000) - pixel(place.x, 100)).toBeCloseTo(100);
    expect(valueAtPixel(place.y, pixel(place.y, 37))).toBeCloseTo(37);
  });

  test("has no place for what is not positive, and says how many points that are", () => {
    expect(pixel(place.x, -2)).toBeNaN();
    expect(unseen(frame, log)).toBe(2);
    expect(unseen(frame, { x: true, y: false })).toBe(1);
    expect(unseen(frame, { x: false, y: false })).toBe(0);
  });

  test("begins at the least positive value", () => {
    expect(extent([frame.data.x], true)).toEqual({ lo: 0, hi: 2 });
    expect(xRange(frame, true).lo).toBeLessThan(0);
    expect(yRange(frame, true).hi).toBeGreaterThan(Math.log10(20));
  });

  test("is not offered where nothing is positive", () => {
    const y = Float64Array.of(-1, 0, -3, -4);
    expect(loggable({ ...frame, data: { kind: "points", x: frame.data.x, y, sigma: null } })).toEqual({
      x: true,
      y: false,
    });
  });
});

describe("ticks of logarithms", () => {
  test.each([
    [{ lo: -2, hi: 3 }, 0.5, [-2, -1, 0, 1, 2, 3]],
    [{ lo: -10, hi: 10 }, 3.2, [-10, -5, 0, 5, 10]],
    [{ lo: 0, hi: 1 }, 0.3, [0, Math.log10(2), Math.log10(5), 1]],
  ])("over %o at least %s apart are at %o", (span, least, expected) => {
    expect(logTicks(span, least).labelled).toEqual(expected);
  });

  test.each([
    [{ lo: 0.1, hi: 0.4 }, 0.04],
    [{ lo: -3.2, hi: 5.1 }, 0.9],
    [{ lo: 2.31, hi: 2.34 }, 0.004],
    [{ lo: -30, hi: 80 }, 9],
  ])("over %o are within, and labels are %s apart", (span, least) => {
    const { labelled, others } = logTicks(span, least);
    expect(labelled.length).toBeGreaterThan(1);
    for (const at of [...labelled, ...others]) {
      expect(at).toBeGreaterThanOrEqual(span.lo - 1e-9);
      expect(at).toBeLessThanOrEqual(span.hi + 1e-9);
    }
    const gaps = labelled.slice(1).map((at, i) => at - (labelled[i] ?? NaN));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(least * (1 - 1e-9));
  });

  test("between decades have no label", () => {
    const { labelled, others } = logTicks({ lo: 0, hi: 2 }, 0.9);
    expect(labelled).toEqual([0, 1, 2]);
    expect(others).toHaveLength(16);
  });
});

describe("a pointer", () => {
  const three = places([
    [10, 10],
    [14, 10],
    [NaN, 10],
  ]);

  test("takes the nearest point within its reach", () => {
    expect(nearest(three, 13, 11, 10)).toBe(1);
    expect(nearest(three, 11, 11, 10)).toBe(0);
    expect(nearest(three, 40, 11, 10)).toBeNull();
  });

  test("takes with a box what lies in it, and changes only what it can", () => {
    expect(within(three, { left: 0, top: 0, width: 12, height: 20 })).toEqual([0]);
    expect(within(three, { left: 0, top: 0, width: 50, height: 20 })).toEqual([0, 1]);
    const marks = Uint8Array.of(0, 1, 2, 0);
    expect(changeable([0, 1, 2, 3], marks, true)).toEqual([0, 3]);
    expect(changeable([0, 1, 2, 3], marks, false)).toEqual([1]);
  });

  test("makes of a thin box a range when it zooms, and a box when it takes points", () => {
    const [from, to] = [
      { left: 50, top: 20, reach: 9 },
      { left: 58, top: 90, reach: 9 },
    ];
    const over = { clientWidth: 200, clientHeight: 100 };
    expect(boxOf(from, to, over, "zoom")).toMatchObject({ left: 0, width: 200, alongX: false });
    expect(boxOf(from, to, over, "exclude")).toMatchObject({ left: 50, width: 8 });
    expect(boxOf(from, from, over, "exclude")).toBeNull();
  });
});

test("one walks along the points by rising x, and not to those that are not shown", () => {
  const some = places([
    [30, 1],
    [10, 1],
    [NaN, 1],
    [20, NaN],
  ]);
  expect(walk(some)).toEqual([1, 0]);
});

test("what does not count waits at the rim of the residuals, so that it can be brought back", () => {
  const message = decode(...view({}, { residuals: Float64Array.of(0.5, 99, -99) }));
  if (message?.kind !== "view") throw new Error("unreadable");
  const picture = advance(null, message);
  if (picture === "mismatch") throw new Error("mismatch");
  const shown: Picture = picture; // of the points 1 was taken out, 2 is outside of the range
  const place = area({ lo: 0, hi: 4 }, { lo: -1, hi: 1 }, 100, 100);
  const residuals = placesOf(shown, place, true);
  expect([0, 1, 2].map((i) => residuals.top(i))).toEqual([25, 5, 95]);
});

describe("what is seen", () => {
  const place = area({ lo: 0, hi: 10 }, { lo: 0, hi: 1 }, 100, 100);

  test("is all of the data until one zooms, and again after a reset", () => {
    const told: boolean[] = [];
    const sight = new Sight((isZoomed) => told.push(isZoomed));
    sight.take(frame);
    const home = sight.spans;
    sight.zoomBy(0.5);
    expect(sight.spans.x.hi - sight.spans.x.lo).toBeCloseTo((home.x.hi - home.x.lo) / 2);
    sight.take({ ...frame, y_label: "other" });
    expect(sight.spans).not.toEqual(home);
    sight.reset();
    expect(sight.spans).toEqual(home);
    expect(told).toEqual([false, true, false]);
  });

  test("is all of it in logarithms when they are asked for, where there are any", () => {
    const sight = new Sight(() => {});
    sight.take(frame);
    sight.want(log);
    expect(sight.logs).toEqual(log);
    expect(sight.spans.x.hi).toBeCloseTo(2.05);
    const none = { kind: "points", x: Float64Array.of(-1, -2), y: Float64Array.of(1, 2), sigma: null } as const;
    sight.take({ ...frame, n_points: 2, data: none, grid: Float64Array.of(-2, -1) });
    expect(sight.logs).toEqual({ x: false, y: true });
  });

  test("moves to a point that lies outside, and only then", () => {
    const sight = new Sight(() => {});
    sight.take(frame);
    const home = sight.spans;
    sight.reveal(place, 50, 50);
    expect(sight.spans).toEqual(home);
    sight.reveal(place, 250, 50);
    expect(sight.spans.x.lo - home.x.lo).toBeCloseTo(20);
  });
});

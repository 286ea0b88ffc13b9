import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { decode } from "../src/decode";
import { advance, merged } from "../src/host";
import { AnywidgetHost, type Model } from "../src/hosts/anywidget";
import { Asking, carried, lookAt, magnified } from "../src/plot/detail";
import { placesOf } from "../src/plot/pick";
import { area, largest } from "../src/plot/scale";
import type { Detail, DetailMessage, Look, Outgoing, Picture } from "../src/wire";
import { fit, frame, pack, type Values, view } from "./message";

const f64 = (...values: number[]): Float64Array => Float64Array.from(values);
const window = { x: [1, 2], y: [-1, 5] } as const;
const points = { x: f64(1.2, 1.4), y: f64(3, 4), index: f64(70_001, 12) };
const columns = { x: f64(1.1, 1.6, 1.9), low: f64(0, 1, 2), high: f64(3, 4, 5) };
const moving = { excluded: Uint8Array.of(0, 1), residuals: f64(0.5, -0.5) };
const density = Uint8Array.of(0, 1, 255, 0, 7, 0);

/** A detail as the kernel sends it; the shades as rows of three. */
function sent(arrays: Readonly<Record<string, Values>>, changed: object = {}): [object, DataView[]] {
  const { described, buffers } = pack(arrays);
  const shaped = described.map((entry) =>
    "name" in entry && String(entry.name).endsWith("density") ? { ...entry, shape: [2, 3] } : entry,
  );
  return [{ type: "detail", page: "p", window, all: true, arrays: shaped, ...changed }, buffers];
}

function read(arrays: Readonly<Record<string, Values>>, changed: object = {}): DetailMessage {
  const message = decode(...sent(arrays, changed));
  if (message?.kind !== "detail") throw new Error(JSON.stringify(message));
  return message;
}

function held(arrays: Readonly<Record<string, Values>>): Detail {
  const detail = merged(null, read(arrays));
  if (detail === null) throw new Error("nothing was kept");
  return detail;
}

/** The picture of 100 000 points as columns. */
function picture(): Picture {
  const all = { x: f64(0, 5), low: f64(0, 0), high: f64(9, 9), residual_low: f64(-1, -1), residual_high: f64(1, 1) };
  const { described, buffers } = pack({
    ...all,
    residual_most: f64(0.7),
    grid: f64(0, 5),
    curve: f64(1, 2),
    curve_p0: f64(1, 1),
    parameters: f64(...Array(12).fill(1)),
    range: f64(0, 5),
  });
  const [content] = view({ frame: { ...frame, kind: "columns", n_points: 100_000 }, arrays: described });
  const message = decode(content, buffers);
  if (message?.kind !== "view") throw new Error(JSON.stringify(message));
  const shown = advance(null, message);
  if (shown === "mismatch") throw new Error(shown);
  return shown;
}

describe("a detail", () => {
  test("of few points holds them and which they are", () => {
    const message = read({ ...points, ...moving });
    expect(message).toMatchObject({ page: "p", window, data: { kind: "points", x: points.x, y: points.y } });
    expect(message).toMatchObject({ index: points.index, excluded: moving.excluded, density: null });
    expect(message.residuals).toEqual({ kind: "points", values: moving.residuals });
  });

  test("of many holds columns and how dense they are", () => {
    const ends = { residual_low: f64(0, 0, 0), residual_high: f64(1, 1, 1), residual_most: f64(0.8) };
    const message = read({ ...columns, density, ...ends, residual_density: density });
    expect(message.data).toEqual({ kind: "columns", ...columns });
    expect(message.density).toEqual({ shades: density, rows: 2, columns: 3 });
    expect(message).toMatchObject({ index: null, residuals: { kind: "columns", high: f64(1, 1, 1), most: 0.8 } });
    expect(message.residuals).toHaveProperty("density", { shades: density, rows: 2, columns: 3 });
  });

  test("of points with errors holds those", () => {
    expect(read({ ...points, ...moving, sigma: f64(0.1, 0.2) }).data).toMatchObject({ sigma: f64(0.1, 0.2) });
  });

  test("of a fit that failed holds no residuals, and is read", () => {
    expect(read({ ...points, excluded: moving.excluded }).residuals).toBeNull();
    expect(read({ ...columns, density }).residuals).toBeNull();
  });

  test.each([
    [{ ...columns }, {}, "density is missing"],
    [{ ...points, ...moving, y: f64(1) }, {}, "y has 1 values, not 2"],
    [{ ...points, ...moving, index: f64(1) }, {}, "index has 1 values, not 2"],
    [{ ...points, ...moving }, { window: { x: [1], y: [0, 1] } }, "x is no range"],
    [{ ...points, ...moving }, { window: null }, "window"],
  ])("that makes no sense is refused", (arrays, changed, why) => {
    const message = decode(...sent(arrays, changed));
    expect(message).toMatchObject({ kind: "malformed" });
    expect(message).toHaveProperty("why", expect.stringContaining(why));
  });
});

describe("what moves in a detail", () => {
  const before = held({ ...points, ...moving });
  const after = { excluded: Uint8Array.of(1, 1), residuals: f64(0.1, 0.2) };

  test("is taken over, and the points stay", () => {
    const now = merged(before, read(after, { all: false }));
    expect(now).toEqual({
      ...before,
      excluded: after.excluded,
      residuals: { kind: "points", values: after.residuals },
    });
    expect(now?.data).toBe(before.data);
  });

  test("stays as it was under a fault, as the curves do", () => {
    expect(merged(before, read({ excluded: after.excluded }, { all: false }))?.residuals).toBe(before.residuals);
  });

  test("of another window, or of other points, changes nothing", () => {
    expect(merged(before, read(after, { all: false, window: { ...window, y: [0, 5] } }))).toBe(before);
    expect(merged(before, read({ excluded: Uint8Array.of(1), residuals: f64(1) }, { all: false }))).toBe(before);
    expect(merged(null, read(after, { all: false }))).toBeNull();
  });
});

describe("a picture with a detail in it", () => {
  test("has the points of the window, and their residuals", () => {
    const shown = magnified(picture(), held({ ...points, ...moving }));
    expect(shown.frame).toMatchObject({ n_points: 100_000, data: { kind: "points", x: points.x } });
    expect(shown.fit.excluded).toEqual(moving.excluded);
    const places = placesOf(shown, area({ lo: 1, hi: 2 }, { lo: -1, hi: 1 }, 100, 100), true);
    expect([places.count, places.left(0), places.top(0)]).toEqual([2, expect.closeTo(20), 25]);
  });

  test("has the height of the residuals that count, whatever the columns hold", () => {
    const { curves, fit } = picture();
    expect(curves && largest(curves.residuals, fit.excluded)).toBe(0.7);
  });

  test("is the picture itself where all points were sent or nothing is known", () => {
    const all = picture();
    expect(magnified(all, null)).toBe(all);
  });

  test("keeps the point that the keyboard is at", () => {
    const [before, after] = [held({ ...points, ...moving }), held({ ...points, ...moving, index: f64(12, 13) })];
    expect(carried(1, before, after)).toBe(0);
    expect(carried(0, before, after)).toBeNull();
    expect(carried(1, before, null)).toBeNull();
  });
});

describe("a page", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("asks once the eye rests, and for the same only once", () => {
    const asked: (Look | null)[] = [];
    const asking = new Asking((look) => asked.push(look), new AbortController().signal);
    const look = lookAt(
      { x: { lo: 1, hi: 2 }, y: { lo: -1, hi: 5 } },
      area({ lo: 1, hi: 2 }, { lo: -1, hi: 5 }, 400.4, 200),
      area({ lo: 1, hi: 2 }, { lo: -1, hi: 1 }, 400.4, 90),
    );
    for (let i = 0; i < 5; i++) {
      asking.soon(() => look);
      vi.advanceTimersByTime(100);
    }
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(100);
    asking.soon(() => look);
    vi.advanceTimersByTime(200);
    expect(asked).toEqual([{ ...window, columns: 400, rows: 100, residual_rows: 45 }]);
    asking.soon(() => null);
    vi.advanceTimersByTime(200);
    expect(asked).toHaveLength(2);
  });

  test("shows what it looks at itself, until it looks at nothing", () => {
    const end = new AbortController();
    const sentOut: Outgoing[] = [];
    const heard: ((content: unknown, buffers: unknown) => void)[] = [];
    const model: Model = {
      on: (_, receive) => heard.push(receive),
      off: () => {},
      send: (message) => sentOut.push(message),
    };
    const host = new AnywidgetHost(model, end.signal);
    const say = ([content, buffers]: [object, DataView[]]): void => {
      for (const receive of heard) receive(content, buffers);
    };
    const page = sentOut[0]?.page ?? "";
    say(view({ answers: { page, seq: 0 } }));
    host.look({ ...window, columns: 4, rows: 2, residual_rows: 1 });
    expect(sentOut.at(-1)).toEqual({
      type: "window",
      page,
      seq: 0,
      window: { ...window, columns: 4, rows: 2, residual_rows: 1 },
    });
    say(sent({ ...points, ...moving }, { page: "another" }));
    expect(host.view().detail).toBeNull();
    say(sent({ ...points, ...moving }, { page }));
    expect(host.view().detail?.index).toEqual(points.index);
    say(view({ frame: { ...frame, id: 4 }, fit: { ...fit, frame: 4 } }));
    expect(host.view().detail).toBeNull();
    say(sent({ ...points, ...moving }, { page }));
    host.look(null);
    expect(host.view().detail).toBeNull();
    vi.advanceTimersByTime(60_000);
    expect(host.view().link).toBe("live"); // nothing answers that one looks at nothing
    host.look({ ...window, columns: 4, rows: 2, residual_rows: 1 });
    end.abort();
    expect(sentOut.at(-1)).toMatchObject({ type: "window", window: null });
  });
});

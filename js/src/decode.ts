/** Messages of the kernel, decoded or refused: nothing that arrives is trusted. */
import type {
  Answers,
  Columns,
  Curves,
  Density,
  DetailMessage,
  FileMessage,
  Fit,
  Frame,
  Message,
  Numbers,
  Parameter,
  Points,
  Residuals,
  Statistics,
  Task,
  Window,
} from "./wire";

export interface Malformed {
  readonly kind: "malformed";
  readonly why: string;
}

class Broken extends Error {}
type Fields = Readonly<Record<string, unknown>>;
type Arrays = ReadonlyMap<string, { readonly values: Numbers | Uint8Array; readonly shape: readonly number[] }>;

/** null: not a message of ours, which is no error. */
export function decode(content: unknown, buffers: unknown): Message | DetailMessage | FileMessage | Malformed | null {
  if (!isFields(content) || !["view", "detail", "file"].includes(String(content.type))) return null;
  try {
    if (content.type === "file") return file(content, buffers);
    const given = arrays(content.arrays, buffers);
    return content.type === "view" ? message(content, given) : detail(content, given);
  } catch (error) {
    if (error instanceof Broken) return { kind: "malformed", why: error.message };
    throw error;
  }
}

function message(content: Fields, given: Arrays): Message {
  const fitFields = fields(content.fit, "fit");
  return {
    kind: "view",
    answers: content.answers == null ? null : answers(fields(content.answers, "answers")),
    refused: content.refused == null ? null : text(content, "refused"),
    frame: content.frame == null ? null : frame(fields(content.frame, "frame"), given),
    fit: fitted(fitFields, given),
    parameters: parameters(fitFields, given),
    curves: fitFields.fault == null ? curves(given) : null,
  };
}

function file(from: Fields, buffers: unknown): FileMessage {
  const about = { kind: "file", page: text(from, "page"), seq: number(from, "seq") } as const;
  if (from.refused != null) return { ...about, file: text(from, "refused") };
  const content = bytes(Array.isArray(buffers) ? buffers[0] : null, "file");
  return { ...about, file: { name: text(from, "name"), mime: text(from, "mime"), content } };
}

function answers(from: Fields): Answers {
  return { page: text(from, "page"), seq: number(from, "seq") };
}

function frame(from: Fields, given: Arrays): Frame {
  return {
    id: number(from, "id"),
    model: text(from, "model"),
    names: texts(from, "names"),
    x_label: text(from, "x_label"),
    y_label: text(from, "y_label"),
    residual_label: text(from, "residual_label"),
    n_points: number(from, "n_points"),
    devices: list(from, "devices").map((device) => {
      const entry = fields(device, "devices");
      return { name: text(entry, "name"), label: text(entry, "label") };
    }),
    losses: texts(from, "losses"),
    data: data(from, given),
    grid: numbers(given, "grid"),
  };
}

function data(from: Fields, given: Arrays): Points | Columns {
  const x = numbers(given, "x");
  if (from.kind === "columns") return seen(x, given, false);
  if (from.kind !== "points") return broken("kind is neither points nor columns");
  return {
    kind: "points",
    x,
    y: numbers(given, "y", x.length),
    sigma: from.has_sigma === true ? numbers(given, "sigma", x.length) : null,
  };
}

function fitted(from: Fields, given: Arrays): Fit {
  const [lower = -Infinity, upper = Infinity] = numbers(given, "range", 2);
  return {
    frame: number(from, "frame"),
    device: text(from, "device"),
    ok: from.ok === true,
    status: text(from, "status"),
    steps: number(from, "steps"),
    milliseconds: number(from, "milliseconds"),
    compiled: number(from, "compiled"),
    fault: from.fault == null ? null : text(from, "fault"),
    live: word(from, "live", ["drag", "release", "button"]),
    stale: from.stale === true,
    start_stale: from.start_stale === true,
    running: from.running == null ? null : number(from, "running"),
    task: from.task == null ? null : word<Task>(from, "task", ["fit", "guess", "suggest", "profile"]),
    level: from.level == null ? null : number(from, "level"),
    loss: text(from, "loss"),
    loss_scale: number(from, "loss_scale"),
    n_excluded: number(from, "n_excluded"),
    can_undo: from.can_undo === true,
    can_redo: from.can_redo === true,
    code: text(from, "code"),
    range: [lower, upper],
    excluded: marks(given, "excluded") ?? new Uint8Array(0),
    suggested: marks(given, "suggested"),
    statistics: given.has("statistics") ? statistics(numbers(given, "statistics", 9)) : null,
    correlation: given.has("correlation") ? numbers(given, "correlation") : null,
    interval_level: number(from, "interval_level"),
    intervals: given.has("intervals") ? numbers(given, "intervals") : null,
  };
}

function statistics(values: Numbers): Statistics {
  const [chi2 = NaN, reduced_chi2 = NaN, r_squared = NaN, adjusted_r_squared = NaN, ...rest] = values;
  const [aic = NaN, aicc = NaN, bic = NaN, dof = NaN, n_points = NaN] = rest;
  return { chi2, reduced_chi2, r_squared, adjusted_r_squared, aic, aicc, bic, dof, n_points };
}

function parameters(from: Fields, given: Arrays): Omit<Parameter, "name">[] {
  const roles = words(from, "roles", ["free", "fixed", "following", "tied"]);
  const ties = list(from, "ties");
  const atBound = list(from, "at_bound");
  const table = numbers(given, "parameters", roles.length * 6);
  return roles.map((role, i) => {
    const row = table.subarray(6 * i, 6 * i + 6);
    const [p0 = NaN, lower = NaN, upper = NaN, popt = NaN, stderr = NaN, scale = NaN] = row;
    const at_bound = (["lower", "upper"] as const).find((side) => side === atBound[i]) ?? null;
    const given = ties[i];
    const tie = typeof given === "string" ? given : null;
    return { p0, lower, upper, popt, stderr, scale, role, tie, at_bound };
  });
}

function curves(given: Arrays): Curves {
  const curve = numbers(given, "curve");
  const p0 = numbers(given, "curve_p0", curve.length);
  return { curve_p0: p0, curve, band: band(given, curve.length), residuals: residuals(given) };
}

function band(given: Arrays, length: number): Curves["band"] {
  if (!given.has("band_low")) return null;
  return { low: numbers(given, "band_low", length), high: numbers(given, "band_high", length) };
}

function residuals(given: Arrays): Residuals {
  if (given.has("residuals")) return { kind: "points", values: numbers(given, "residuals") };
  const low = numbers(given, "residual_low");
  const [most = NaN] = numbers(given, "residual_most", 1);
  const density = given.has("residual_density") ? shaded(given, "residual_density") : null;
  return { kind: "columns", low, high: numbers(given, "residual_high", low.length), most, density };
}

function detail(from: Fields, given: Arrays): DetailMessage {
  const isPoints = given.has("excluded");
  const x = from.all === true ? numbers(given, "x") : null;
  const density = x === null || isPoints ? null : shaded(given, "density");
  const isFitted = given.has(isPoints ? "residuals" : "residual_low");
  return {
    kind: "detail",
    page: text(from, "page"),
    window: window(fields(from.window, "window")),
    data: x === null ? null : seen(x, given, isPoints),
    index: x === null || !isPoints ? null : numbers(given, "index", x.length),
    excluded: marks(given, "excluded") ?? new Uint8Array(0),
    density,
    residuals: isFitted ? residuals(given) : null,
  };
}

function window(from: Fields): Window {
  return { x: pair(from, "x"), y: pair(from, "y") };
}

function pair(from: Fields, key: string): [number, number] {
  const [low, high] = list(from, key);
  return typeof low === "number" && typeof high === "number" ? [low, high] : broken(`${key} is no range`);
}

function seen(x: Numbers, given: Arrays, isPoints: boolean): Points | Columns {
  const sigma = given.has("sigma") ? numbers(given, "sigma", x.length) : null;
  if (isPoints) return { kind: "points", x, y: numbers(given, "y", x.length), sigma };
  return { kind: "columns", x, low: numbers(given, "low", x.length), high: numbers(given, "high", x.length) };
}

function shaded(given: Arrays, name: string): Density {
  const shades = marks(given, name);
  const [rows, columns] = given.get(name)?.shape ?? [];
  if (shades === null || rows === undefined || columns === undefined) return broken(`${name} is missing`);
  return { shades, rows, columns };
}

function arrays(described: unknown, buffers: unknown): Arrays {
  const found: Map<string, { values: Numbers | Uint8Array; shape: readonly number[] }> = new Map();
  if (!Array.isArray(described) || !Array.isArray(buffers)) return broken("the arrays are missing");
  described.forEach((entry: unknown, i) => {
    const about = fields(entry, "arrays");
    const name = text(about, "name");
    if (name === "padding") return;
    const shape = list(about, "shape").map((size) =>
      typeof size === "number" ? size : broken("a shape is not numbers"),
    );
    const values = typed(text(about, "dtype"), bytes(buffers[i], name), name);
    if (values.length !== shape.reduce((a, b) => a * b, 1)) broken(`${name} does not have the size it says`);
    found.set(name, { values, shape });
  });
  return found;
}

/** Hosts hand over DataViews, and some a bare ArrayBuffer. A copy, because an offset may be unaligned. */
function bytes(buffer: unknown, name: string): ArrayBuffer {
  if (isArrayBuffer(buffer)) return buffer;
  if (!ArrayBuffer.isView(buffer)) return broken(`${name} has no bytes`);
  const copy = new Uint8Array(buffer.byteLength);
  copy.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  return copy.buffer;
}

function typed(dtype: string, from: ArrayBuffer, name: string): Numbers | Uint8Array {
  const size = { float64: 8, float32: 4, uint8: 1 }[dtype];
  if (size === undefined) return broken(`${name} is ${dtype}, which this page cannot read`);
  if (from.byteLength % size !== 0) return broken(`${name} is cut off`);
  if (dtype === "float64") return new Float64Array(from);
  return dtype === "float32" ? new Float32Array(from) : new Uint8Array(from);
}

function numbers(given: Arrays, name: string, length?: number): Numbers {
  const values = given.get(name)?.values;
  if (values === undefined || values instanceof Uint8Array) return broken(`${name} is missing`);
  const isWrong = length !== undefined && values.length !== length;
  return isWrong ? broken(`${name} has ${values.length} values, not ${length}`) : values;
}

function marks(given: Arrays, name: string): Uint8Array | null {
  const values = given.get(name)?.values;
  return values instanceof Uint8Array ? values : null;
}

// An ArrayBuffer of another window (an output in an iframe) is no instance of ours.
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fields(value: unknown, name: string): Fields {
  return isFields(value) ? value : broken(`${name} is missing`);
}

function list(from: Fields, key: string): readonly unknown[] {
  const value = from[key];
  return Array.isArray(value) ? value : broken(`${key} is not a list`);
}

function texts(from: Fields, key: string): readonly string[] {
  return list(from, key).map((value) => (typeof value === "string" ? value : broken(`${key} are not text`)));
}

function words<W extends string>(from: Fields, key: string, known: readonly W[]): readonly W[] {
  return texts(from, key).map((value) => known.find((word) => word === value) ?? broken(`${key} holds ${value}`));
}

function word<W extends string>(from: Fields, key: string, known: readonly W[]): W {
  const value = text(from, key);
  return known.find((other) => other === value) ?? broken(`${key} is ${value}`);
}

function text(from: Fields, key: string): string {
  const value = from[key];
  return typeof value === "string" ? value : broken(`${key} is not text`);
}

function number(from: Fields, key: string): number {
  const value = from[key];
  return typeof value === "number" ? value : broken(`${key} is not a number`);
}

function broken(why: string): never {
  throw new Broken(why);
}

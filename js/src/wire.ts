/** What travels between kernel and page. Nothing that arrives is trusted: it is decoded here or refused here. */

export type Numbers = Float64Array | Float32Array;
export type Side = "lower" | "upper";

export type Command =
  | { readonly kind: "p0"; readonly name: string; readonly value: number }
  | { readonly kind: "bound"; readonly name: string; readonly side: Side; readonly value: number | null }
  | { readonly kind: "fixed"; readonly name: string; readonly fixed: boolean }
  | { readonly kind: "device"; readonly device: string };

/** Two commands with the same control replace each other: only the newest is worth sending. */
export function control(command: Command): string {
  switch (command.kind) {
    case "p0":
    case "fixed":
      return JSON.stringify([command.kind, command.name]);
    case "bound":
      return JSON.stringify([command.kind, command.name, command.side]);
    case "device":
      return JSON.stringify([command.kind]);
    default:
      return command satisfies never;
  }
}

export type Outgoing =
  | { readonly type: "hello"; readonly page: string; readonly seq: 0 }
  | { readonly type: "command"; readonly page: string; readonly seq: number; readonly command: Command };

export interface Device {
  readonly name: string;
  readonly label: string;
}

export interface Points {
  readonly kind: "points";
  readonly x: Numbers;
  readonly y: Numbers;
  readonly sigma: Numbers | null;
  readonly excluded: Uint8Array; // 1: the point does not count
}

export interface Columns {
  readonly kind: "columns";
  readonly x: Numbers;
  readonly low: Numbers;
  readonly high: Numbers;
}

export interface Frame {
  readonly id: number;
  readonly model: string;
  readonly names: readonly string[];
  readonly x_label: string;
  readonly y_label: string;
  readonly residual_label: string;
  readonly n_points: number;
  readonly devices: readonly Device[];
  readonly data: Points | Columns;
  readonly grid: Numbers; // ascending x of the curves
}

export interface Parameter {
  readonly name: string;
  readonly p0: number;
  readonly lower: number; // -inf: unbounded
  readonly upper: number; // inf: unbounded
  readonly popt: number; // nan: no result
  readonly stderr: number;
  readonly scale: number; // by how much it must change to change the curve as much as the data vary
  readonly free: boolean;
  readonly at_bound: Side | null;
}

export type Residuals =
  | { readonly kind: "points"; readonly values: Numbers }
  | { readonly kind: "columns"; readonly low: Numbers; readonly high: Numbers };

export interface Curves {
  readonly curve_p0: Numbers;
  readonly curve: Numbers;
  readonly residuals: Residuals;
}

export interface Fit {
  readonly frame: number;
  readonly device: string;
  readonly ok: boolean;
  readonly status: string;
  readonly steps: number;
  readonly milliseconds: number;
  readonly compiled: number;
  readonly fault: string | null;
}

export interface Answers {
  readonly page: string;
  readonly seq: number;
}

export interface Message {
  readonly kind: "view";
  readonly answers: Answers | null;
  readonly refused: string | null;
  readonly frame: Frame | null;
  readonly fit: Fit;
  readonly parameters: readonly Omit<Parameter, "name">[];
  readonly curves: Curves | null;
}

/** The whole screen at one moment. `curves` are the last good ones: with a fault they are older than `fit`. */
export interface Picture {
  readonly frame: Frame;
  readonly fit: Fit;
  readonly parameters: readonly Parameter[];
  readonly curves: Curves | null;
}

export interface View {
  readonly link: "waiting" | "live" | "gone";
  readonly busy: boolean; // a command of this page has not been answered yet
  readonly answers: number; // the newest command answered, 0 before the first
  readonly refused: string | null;
  readonly picture: Picture | null;
}

export interface Malformed {
  readonly kind: "malformed";
  readonly why: string;
}

class Broken extends Error {}

type Fields = Readonly<Record<string, unknown>>;
type Arrays = ReadonlyMap<string, { readonly values: Numbers | Uint8Array; readonly shape: readonly number[] }>;

/** null: not a message of ours, which is no error. */
export function decode(content: unknown, buffers: unknown): Message | Malformed | null {
  if (!isFields(content) || content.type !== "view") return null;
  try {
    return message(content, arrays(content.arrays, buffers));
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
    fit: fit(fitFields),
    parameters: parameters(fitFields, given),
    curves: fitFields.fault == null ? curves(given) : null,
  };
}

function answers(from: Fields): Answers {
  return { page: text(from, "page"), seq: number(from, "seq") };
}

function frame(from: Fields, given: Arrays): Frame {
  return {
    id: number(from, "id"),
    model: text(from, "model"),
    names: list(from, "names").map((name) => (typeof name === "string" ? name : broken("names are not text"))),
    x_label: text(from, "x_label"),
    y_label: text(from, "y_label"),
    residual_label: text(from, "residual_label"),
    n_points: number(from, "n_points"),
    devices: list(from, "devices").map((device) => {
      const entry = fields(device, "devices");
      return { name: text(entry, "name"), label: text(entry, "label") };
    }),
    data: data(from, given),
    grid: numbers(given, "grid"),
  };
}

function data(from: Fields, given: Arrays): Points | Columns {
  const x = numbers(given, "x");
  if (from.kind === "columns") {
    return { kind: "columns", x, low: numbers(given, "low", x.length), high: numbers(given, "high", x.length) };
  }
  if (from.kind !== "points") return broken("kind is neither points nor columns");
  const excluded = given.get("excluded")?.values;
  return {
    kind: "points",
    x,
    y: numbers(given, "y", x.length),
    sigma: from.has_sigma === true ? numbers(given, "sigma", x.length) : null,
    excluded: excluded instanceof Uint8Array ? excluded : new Uint8Array(x.length),
  };
}

function fit(from: Fields): Fit {
  return {
    frame: number(from, "frame"),
    device: text(from, "device"),
    ok: from.ok === true,
    status: text(from, "status"),
    steps: number(from, "steps"),
    milliseconds: number(from, "milliseconds"),
    compiled: number(from, "compiled"),
    fault: from.fault == null ? null : text(from, "fault"),
  };
}

function parameters(from: Fields, given: Arrays): Omit<Parameter, "name">[] {
  const free = list(from, "free");
  const atBound = list(from, "at_bound");
  const table = numbers(given, "parameters", free.length * 6);
  return free.map((isFree, i) => {
    const row = table.subarray(6 * i, 6 * i + 6);
    const [p0 = NaN, lower = NaN, upper = NaN, popt = NaN, stderr = NaN, scale = NaN] = row;
    const side = atBound[i];
    const at_bound = side === "lower" || side === "upper" ? side : null;
    return { p0, lower, upper, popt, stderr, scale, free: isFree === true, at_bound };
  });
}

function curves(given: Arrays): Curves {
  const curve = numbers(given, "curve");
  return { curve_p0: numbers(given, "curve_p0", curve.length), curve, residuals: residuals(given) };
}

function residuals(given: Arrays): Residuals {
  if (given.has("residuals")) return { kind: "points", values: numbers(given, "residuals") };
  const low = numbers(given, "residual_low");
  return { kind: "columns", low, high: numbers(given, "residual_high", low.length) };
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
  if (length !== undefined && values.length !== length)
    return broken(`${name} has ${values.length} values, not ${length}`);
  return values;
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

/** What travels between kernel and page. Nothing that arrives is trusted: it is decoded here or refused here. */

export type Numbers = Float64Array | Float32Array;
export type Side = "lower" | "upper";
export type Role = "free" | "fixed" | "following"; // following: its start value goes along when another is moved
export type Live = "drag" | "release" | "button"; // when the kernel fits

export type Command =
  | { readonly kind: "p0"; readonly name: string; readonly value: number }
  | { readonly kind: "bound"; readonly name: string; readonly side: Side; readonly value: number | null }
  | { readonly kind: "role"; readonly name: string; readonly role: Role }
  | { readonly kind: "tie"; readonly name: string; readonly text: string | null } // "1.5 * b"; null: by itself again
  | { readonly kind: "take"; readonly name: string | null } // start at the fitted value, of one parameter or of all
  | { readonly kind: "points"; readonly points: readonly number[]; readonly excluded: boolean }
  | { readonly kind: "range"; readonly lower: number | null; readonly upper: number | null }
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "loss"; readonly loss: string; readonly scale: number }
  | { readonly kind: "live"; readonly live: Live }
  | { readonly kind: "level"; readonly level: number | null } // of the band; null: no band
  | { readonly kind: "suggest" | "dismiss" } // points that are suspected to be outliers
  | { readonly kind: "guess" } // start values from the data
  | { readonly kind: "fit" | "cancel" | "undo" | "redo" | "reset" };

/** Two commands with the same control replace each other: only the newest is worth sending. null: each one counts. */
export function control(command: Command): string | null {
  switch (command.kind) {
    case "p0":
    case "role":
    case "tie":
      return JSON.stringify([command.kind, command.name]);
    case "bound":
      return JSON.stringify([command.kind, command.name, command.side]);
    case "range":
    case "device":
    case "loss":
    case "live":
    case "level":
      return JSON.stringify([command.kind]);
    case "take":
    case "points":
    case "guess":
    case "suggest":
    case "dismiss":
    case "fit":
    case "cancel":
    case "undo":
    case "redo":
    case "reset":
      return null;
    default:
      return command satisfies never;
  }
}

export type Outgoing =
  | { readonly type: "hello"; readonly page: string; readonly seq: 0 }
  | {
      readonly type: "command";
      readonly page: string;
      readonly seq: number;
      readonly command: Command;
      readonly gesture: number; // the same for all commands of one drag, which is one step to undo
      readonly final: boolean; // false while the finger is still down
    };

export interface Device {
  readonly name: string;
  readonly label: string;
}

export interface Points {
  readonly kind: "points";
  readonly x: Numbers;
  readonly y: Numbers;
  readonly sigma: Numbers | null;
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
  readonly losses: readonly string[];
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
  readonly role: Role | "tied"; // tied: computed from others
  readonly tie: string | null; // the expression by which it is tied
  readonly at_bound: Side | null;
}

export type Residuals =
  | { readonly kind: "points"; readonly values: Numbers }
  | { readonly kind: "columns"; readonly low: Numbers; readonly high: Numbers };

export interface Curves {
  readonly curve_p0: Numbers;
  readonly curve: Numbers;
  readonly band: { readonly low: Numbers; readonly high: Numbers } | null;
  readonly residuals: Residuals;
}

/** What is told of a fit besides its parameters, in the order in which it is sent. */
export interface Statistics {
  readonly chi2: number;
  readonly reduced_chi2: number;
  readonly r_squared: number;
  readonly adjusted_r_squared: number;
  readonly aic: number;
  readonly aicc: number;
  readonly bic: number;
  readonly dof: number;
  readonly n_points: number;
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
  readonly live: Live;
  readonly stale: boolean; // the fit is of earlier start values: the kernel fits on release, or when asked
  readonly running: number | null; // steps taken by the fit that runs beside; null: none runs
  readonly level: number | null; // confidence of the band
  readonly loss: string;
  readonly loss_scale: number;
  readonly n_excluded: number;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
  readonly code: string; // the Python that gives the same fit
  readonly range: readonly [lower: number, upper: number]; // of x, in which points count; infinite where open
  readonly excluded: Uint8Array; // of each point: 1 taken out, 2 outside of the range; empty for columns
  readonly suggested: Uint8Array | null; // of each point: 1 a suspected outlier; null: nobody asked
  readonly statistics: Statistics | null; // null: no fit
  readonly correlation: Numbers | null; // row by row
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
    fit: fit(fitFields, given),
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
  if (from.kind === "columns") {
    return { kind: "columns", x, low: numbers(given, "low", x.length), high: numbers(given, "high", x.length) };
  }
  if (from.kind !== "points") return broken("kind is neither points nor columns");
  return {
    kind: "points",
    x,
    y: numbers(given, "y", x.length),
    sigma: from.has_sigma === true ? numbers(given, "sigma", x.length) : null,
  };
}

function fit(from: Fields, given: Arrays): Fit {
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
    running: from.running == null ? null : number(from, "running"),
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

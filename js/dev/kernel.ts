/** A kernel in the page: it speaks the wire and fits by damped Gauss-Newton. For development only, never for results. */
import type { Outgoing } from "../src/wire";
import type { Example } from "./models";

type Listener = (content: unknown, buffers: unknown) => void;
interface Named {
  readonly name: string;
  readonly values: Float64Array | Float32Array | Uint8Array;
  readonly shape?: readonly number[];
}

const GRID = 512;

export class FakeKernel {
  readonly listeners = new Set<Listener>();
  readonly #example: Example;
  readonly #delay: number;
  gone = false;
  received = 0;
  p0: number[];
  lower: number[];
  upper: number[];
  fixed: boolean[];
  device = "cpu:0";
  popt: number[] = [];

  constructor(example: Example, delay: number) {
    this.#example = example;
    this.#delay = delay;
    this.p0 = [...example.p0];
    this.lower = example.p0.map(() => -Infinity);
    this.upper = example.p0.map(() => Infinity);
    this.fixed = example.p0.map(() => false);
  }

  on = (_event: string, listener: Listener): void => void this.listeners.add(listener);
  off = (_event: unknown, listener?: Listener | null): void => {
    if (listener) this.listeners.delete(listener);
  };
  send = (message: Outgoing): void => {
    if (this.gone) throw new Error("the comm is closed");
    this.received += 1;
    setTimeout(() => this.#take(message), this.#delay);
  };

  /** As if Python had said it. */
  tell(change: () => void): void {
    change();
    this.#answer(null, null, false);
  }

  #take(message: Outgoing): void {
    const { page, seq } = message;
    const refused = message.type === "hello" ? null : this.#apply(message.command);
    this.#answer({ page, seq }, refused, message.type === "hello");
  }

  #apply(command: Extract<Outgoing, { type: "command" }>["command"]): string | null {
    if (command.kind === "device") {
      this.device = command.device;
      return null;
    }
    const i = this.#example.names.indexOf(command.name);
    const [lower = -Infinity, upper = Infinity, p0 = 0] = [this.lower[i], this.upper[i], this.p0[i]];
    if (command.kind === "fixed") this.fixed[i] = command.fixed;
    else if (command.kind === "p0") {
      if (command.value < lower || command.value > upper)
        return `${command.name} = ${command.value} is outside its bounds.`;
      this.p0[i] = command.value;
    } else if (command.side === "lower") {
      this.lower[i] = command.value ?? -Infinity;
      this.p0[i] = Math.max(p0, this.lower[i] ?? p0);
    } else {
      this.upper[i] = command.value ?? Infinity;
      this.p0[i] = Math.min(p0, this.upper[i] ?? p0);
    }
    return null;
  }

  #answer(answers: unknown, refused: string | null, withFrame: boolean): void {
    const began = performance.now();
    const bad = [...this.#example.x].filter((x) => !Number.isFinite(this.#example.f(x, this.p0))).length;
    const arrays: Named[] = withFrame ? this.#frameArrays() : [];
    const { names } = this.#example;
    const fit = bad > 0 ? null : this.#solve();
    this.popt = fit?.popt ?? names.map(() => NaN);
    const table = names.flatMap((_, i) =>
      [this.p0[i], this.lower[i], this.upper[i], this.popt[i], fit?.stderr[i], NaN].map((v) => v ?? NaN),
    );
    arrays.push({ name: "parameters", values: Float64Array.from(table), shape: [names.length, 6] });
    if (fit !== null) arrays.push(...this.#curves());
    const sentence = `The model is not finite at p0 for ${bad} of ${this.#example.x.length} points (first at x = ${this.#example.x[0]}).`;
    this.#post(
      {
        ...{ type: "view", answers, refused, frame: withFrame ? this.#frame() : null },
        fit: {
          ...{ frame: 1, device: this.device, free: this.fixed.map((f) => !f), at_bound: this.#atBound() },
          ...{ ok: fit?.ok ?? false, status: fit?.status ?? "no fit", steps: fit?.steps ?? 0, compiled: 1 },
          ...{ milliseconds: performance.now() - began, fault: fit === null ? sentence : null },
        },
      },
      arrays,
    );
  }

  #atBound(): (string | null)[] {
    const near = (a: number | undefined, b: number | undefined): boolean =>
      a !== undefined && b !== undefined && Number.isFinite(b) && Math.abs(a - b) <= 1e-9 * (1 + Math.abs(b));
    return this.popt.map((v, i) =>
      this.fixed[i] ? null : near(v, this.lower[i]) ? "lower" : near(v, this.upper[i]) ? "upper" : null,
    );
  }

  #frame(): unknown {
    const { model, names, labels, x, sigma } = this.#example;
    return {
      ...{
        id: 1,
        model,
        names,
        x_label: labels[0],
        y_label: labels[1],
        kind: x.length > 20_000 ? "columns" : "points",
      },
      ...{
        residual_label: sigma === null ? "residual" : "residual / σ",
        n_points: x.length,
        has_sigma: sigma !== null,
      },
      devices: [
        { name: "cpu:0", label: "cpu:0" },
        { name: "cpu:1", label: "cpu:1" },
      ],
    };
  }

  #grid(): Float64Array {
    const { x } = this.#example;
    const [lo = 0, hi = 1] = [x[0], x[x.length - 1]];
    return Float64Array.from({ length: GRID }, (_, i) => lo + ((hi - lo) * i) / (GRID - 1));
  }

  #frameArrays(): Named[] {
    const { x, y, sigma } = this.#example;
    const grid: Named = { name: "grid", values: this.#grid() };
    if (x.length > 20_000) {
      const [low, high] = columns(y);
      return [
        { name: "x", values: columnCentres(x) },
        { name: "low", values: low },
        { name: "high", values: high },
        grid,
      ];
    }
    const excluded = new Uint8Array(x.length);
    const points: Named[] = [
      { name: "x", values: x },
      { name: "y", values: y },
    ];
    if (sigma !== null) points.push({ name: "sigma", values: sigma });
    if (sigma !== null) excluded[9] = 1;
    return [...points, { name: "excluded", values: excluded }, grid];
  }

  #curves(): Named[] {
    const { x, y, sigma, f } = this.#example;
    const grid = this.#grid();
    const left = x.map((v, i) => ((y[i] ?? 0) - f(v, this.popt)) / (sigma?.[i] ?? 1));
    const curves: Named[] = [
      { name: "curve_p0", values: grid.map((v) => f(v, this.p0)) },
      { name: "curve", values: grid.map((v) => f(v, this.popt)) },
    ];
    if (x.length <= 20_000) return [...curves, { name: "residuals", values: Float32Array.from(left) }];
    const [low, high] = columns(left);
    return [
      ...curves,
      { name: "residual_low", values: Float32Array.from(low) },
      { name: "residual_high", values: Float32Array.from(high) },
    ];
  }

  #solve(): { popt: number[]; stderr: number[]; ok: boolean; status: string; steps: number } {
    const { x, y, sigma, f } = this.#example;
    const stride = Math.max(1, Math.floor(x.length / 400));
    const used = [...x.keys()].filter((i) => i % stride === 0);
    const left = (p: readonly number[]): number[] =>
      used.map((i) => ((y[i] ?? 0) - f(x[i] ?? 0, p)) / (sigma?.[i] ?? 1));
    return solve(left, this.p0, this.lower, this.upper, this.fixed);
  }

  #post(content: Record<string, unknown>, arrays: readonly Named[]): void {
    const described = arrays.map(({ name, values, shape }) => ({
      name,
      dtype: values instanceof Float64Array ? "float64" : values instanceof Float32Array ? "float32" : "uint8",
      shape: shape ?? [values.length],
    }));
    // an odd offset, as a websocket frame has
    const buffers = arrays.map(({ values }) => {
      const bytes = new Uint8Array(values.byteLength + 3);
      bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 3);
      return new DataView(bytes.buffer, 3);
    });
    for (const listener of this.listeners) listener({ ...content, arrays: described }, buffers);
  }
}

function columnCentres(x: Float64Array, count = 700): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => x[Math.floor(((i + 0.5) / count) * x.length)] ?? 0);
}

function columns(values: Float64Array, count = 700): [Float64Array, Float64Array] {
  const low = new Float64Array(count).fill(Infinity);
  const high = new Float64Array(count).fill(-Infinity);
  values.forEach((v, i) => {
    const c = Math.floor((i / values.length) * count);
    low[c] = Math.min(low[c] ?? v, v);
    high[c] = Math.max(high[c] ?? v, v);
  });
  return [low, high];
}

type Vector = readonly number[];
interface Solution {
  popt: number[];
  stderr: number[];
  ok: boolean;
  status: string;
  steps: number;
}

function solve(
  left: (p: Vector) => number[],
  p0: Vector,
  lower: Vector,
  upper: Vector,
  fixed: readonly boolean[],
): Solution {
  const clamp = (v: number, i: number): number => Math.min(upper[i] ?? v, Math.max(lower[i] ?? v, v));
  let p = p0.map(clamp);
  let r = left(p);
  let cost = dot(r, r);
  let [damping, steps, ok] = [1e-3, 0, false];
  while (steps < 60 && !ok) {
    const { H, g } = normalEquations(left, p, r, fixed);
    const damped = H.map((row, i) => row.map((v, j) => (i === j ? v * (1 + damping) + 1e-300 : v)));
    const step = gauss(damped, g);
    const trial = p.map((v, i) => (fixed[i] ? v : clamp(v + (step[i] ?? 0), i)));
    const there = left(trial);
    const next = dot(there, there);
    steps += 1;
    if (next < cost) {
      ok = cost - next < 1e-12 * cost;
      [p, r, cost, damping] = [trial, there, next, damping / 5];
    } else {
      damping *= 4;
      ok = damping > 1e8;
    }
  }
  const { H } = normalEquations(left, p, r, fixed);
  const variance = cost / Math.max(1, r.length - p.length);
  const stderr = p.map((_, i) => {
    const unit = p.map((_v, j) => (i === j ? 1 : 0));
    return fixed[i] ? 0 : Math.sqrt(variance * (gauss(H, unit)[i] ?? NaN));
  });
  return {
    popt: [...p],
    stderr,
    ok,
    steps,
    status: ok
      ? `converged in ${steps} steps: the cost no longer falls`
      : `not converged after ${steps} steps: start closer to the data`,
  };
}

function normalEquations(
  left: (p: Vector) => number[],
  p: Vector,
  r: Vector,
  fixed: readonly boolean[],
): { H: number[][]; g: number[] } {
  const J = p.map((v, i) => {
    const h = 1e-6 * (Math.abs(v) || 1e-3);
    const moved = left(p.map((w, j) => (i === j ? w + h : w)));
    return r.map((a, k) => (fixed[i] ? 0 : (a - (moved[k] ?? 0)) / h));
  });
  const H = J.map((a, i) => J.map((b, j) => (fixed[i] && i === j ? 1 : dot(a, b))));
  return { H, g: J.map((a) => dot(a, r)) };
}

function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
}

function gauss(matrix: readonly Vector[], right: Vector): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, row, k) => (Math.abs(row[i] ?? 0) > Math.abs(rows[best]?.[i] ?? 0) ? k + i : best), i);
    const [a = [], b = []] = [rows[i], rows[pivot]];
    [rows[i], rows[pivot]] = [b, a];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = (rows[k]?.[i] ?? 0) / (rows[i]?.[i] ?? 1);
      rows[k] = (rows[k] ?? []).map((v, j) => v - factor * (rows[i]?.[j] ?? 0));
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}

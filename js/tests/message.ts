/** Messages as the kernel sends them, for the tests. Arrays lie at odd offsets, as in a frame of a websocket. */

export type Values = Float64Array | Float32Array | Uint8Array;

export function pack(arrays: Readonly<Record<string, Values>>): { described: object[]; buffers: DataView[] } {
  const described = Object.entries(arrays).map(([name, values]) => ({
    name,
    dtype: values instanceof Float64Array ? "float64" : values instanceof Float32Array ? "float32" : "uint8",
    shape: [values.length],
  }));
  const buffers = Object.values(arrays).map((values) => {
    const bytes = new Uint8Array(values.byteLength + 3);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 3);
    return new DataView(bytes.buffer, 3);
  });
  return { described, buffers };
}

const f64 = (...values: number[]): Float64Array => Float64Array.from(values);

export const frame = {
  ...{ id: 3, model: "misra1a", names: ["b1", "b2"], x_label: "x", y_label: "y", kind: "points" },
  ...{ n_points: 3, has_sigma: true, residual_label: "residual / σ", devices: [{ name: "cpu:0", label: "cpu:0" }] },
  losses: ["linear", "huber"],
};
export const frameArrays = {
  x: f64(1, 2, 3),
  y: f64(1, Number.NaN, 9),
  sigma: f64(0.1, 0.1, 0.1),
  grid: f64(1, 3),
};
export const fit = {
  ...{
    frame: 3,
    device: "cpu:0",
    roles: ["free", "fixed"],
    ties: [null, null],
    at_bound: [null, "upper"],
    ok: true,
    fault: null,
  },
  ...{ status: "converged in 6 steps", steps: 6, milliseconds: 0.31, compiled: 1 },
  ...{ live: "drag", stale: false, level: null, loss: "linear", loss_scale: 1, n_excluded: 1, interval_level: 0.95 },
  ...{ can_undo: false, can_redo: false, code: "result = fit(misra1a, x, y)" },
};
export const choices = { range: f64(Number.NEGATIVE_INFINITY, 2.5), excluded: Uint8Array.of(0, 1, 2) };
export const parameters = f64(
  500,
  Number.NEGATIVE_INFINITY,
  Number.POSITIVE_INFINITY,
  238.94,
  2.71,
  90,
  1e-4,
  0,
  1,
  5.5e-4,
  0,
  1e-3,
);
export const curves = {
  curve_p0: f64(0, 1),
  curve: f64(0, Number.NaN),
  residuals: Float32Array.of(0.5, Number.NaN, -0.5),
};

/** A whole view, with `changed` written over it. */
export function view(changed: object = {}, arrays: Readonly<Record<string, Values>> = {}): [object, DataView[]] {
  const { described, buffers } = pack({ ...frameArrays, ...choices, parameters, ...curves, ...arrays });
  const content = { type: "view", answers: null, refused: null, frame, fit, arrays: described, ...changed };
  return [content, buffers];
}

/** What answers a command: only what moved. */
export function answer(page: string, seq: number, changed: object = {}): [object, DataView[]] {
  const { described, buffers } = pack({ ...choices, parameters, ...curves });
  return [
    { type: "view", answers: { page, seq }, refused: null, frame: null, fit, arrays: described, ...changed },
    buffers,
  ];
}

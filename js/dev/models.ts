/** Data and curves for the development page: one measured (NIST Misra1a), the others made with a seeded generator. */

export interface Example {
  readonly model: string;
  readonly names: readonly string[];
  readonly p0: readonly number[];
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly sigma: Float64Array | null;
  readonly labels: readonly [string, string];
  f(x: number, p: readonly number[]): number;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

// NIST StRD Misra1a, monomolecular adsorption of dental research (public domain)
const MISRA1A_X = [77.6, 114.9, 141.1, 190.8, 239.9, 289, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760];
const MISRA1A_Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78];

const misra1a: Example = {
  model: "misra1a",
  names: ["b1", "b2"],
  p0: [500, 1e-4],
  x: Float64Array.from(MISRA1A_X),
  y: Float64Array.from(MISRA1A_Y),
  sigma: null,
  labels: ["pressure", "volume"],
  f: (x, [a = NaN, b = NaN]) => (b < 0 ? NaN : a * (1 - Math.exp(-b * x))),
};

function peakOf(x: number, [amp = NaN, mu = NaN, width = NaN, base = NaN]: readonly number[]): number {
  return base + amp * Math.exp(-0.5 * ((x - mu) / width) ** 2);
}

function peak(n: number, hasSigma: boolean): Example {
  const random = seeded(7);
  const x = Float64Array.from({ length: n }, (_, i) => 10 * (i / (n - 1)));
  const sigma = x.map((v) => 0.06 + 0.1 * random() + 0.005 * v);
  const y = x.map((v, i) => peakOf(v, [2.4, 5.6, 0.8, 0.4]) + (sigma[i] ?? 0) * normal(random));
  return {
    model: "gaussian + constant",
    names: ["amp", "mu", "width", "base"],
    p0: [1.5, 4.6, 1.2, 0],
    x,
    y,
    sigma: hasSigma ? sigma : null,
    labels: ["energy (keV)", "counts (1000 s⁻¹)"],
    f: peakOf,
  };
}

function gauss1(): Example {
  const random = seeded(3);
  const truth = [98.8, 0.0105, 100.5, 67.5, 23.1, 71.9, 179, 18.4];
  const f = (x: number, p: readonly number[]): number => {
    const [a = 0, b = 0, c = 0, d = 0, e = 1, g = 0, h = 0, k = 1] = p;
    return a * Math.exp(-b * x) + c * Math.exp(-(((x - d) / e) ** 2)) + g * Math.exp(-(((x - h) / k) ** 2));
  };
  const x = Float64Array.from({ length: 250 }, (_, i) => i + 1);
  return {
    model: "two peaks on a decay, with a name that is rather long for its place",
    names: [
      "amplitude_of_the_background",
      "rate",
      "height_1",
      "centre_1",
      "width_1",
      "height_2",
      "centre_2",
      "width_2",
    ],
    p0: [97, 0.009, 100, 65, 20, 70, 178, 16.5],
    x,
    y: x.map((v) => f(v, truth) + 2.5 * normal(random)),
    sigma: null,
    labels: ["channel", "<b>counts</b> & more"],
    f,
  };
}

export function example(name: string | null): Example {
  if (name === "peak") return peak(60, true);
  if (name === "eight") return gauss1();
  if (name === "many") return peak(20_000, false);
  if (name === "columns") return peak(200_000, false);
  return misra1a;
}

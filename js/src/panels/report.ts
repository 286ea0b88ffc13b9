/** What the drawer tells, as words and numbers. What is shown is rounded, what is copied has every digit. */
import { magnitude, short } from "../format";
import type { Fit, Numbers, Picture, Statistics } from "../wire";

export interface Row {
  readonly name: string;
  readonly why: string; // what the number says
  readonly shown: string;
  readonly exact: string;
}

type Told = readonly [key: keyof Statistics, name: string, why: string, shown: (value: number) => string];

const whole = (value: number): string => (Number.isFinite(value) ? String(value) : "–");
const TOLD: readonly Told[] = [
  ["chi2", "χ²", "Sum of the squared residuals, each divided by its sigma where there is one", short],
  [
    "reduced_chi2",
    "reduced χ²",
    "χ² for each degree of freedom; near 1 where sigma is right and the model fits",
    short,
  ],
  ["r_squared", "R²", "Share of the variation of the data that the curve explains", nearOne],
  ["adjusted_r_squared", "adjusted R²", "R² that does not grow by parameters alone", nearOne],
  ["aic", "AIC", "Akaike's criterion: between models of the same points, the least is the best", short],
  ["aicc", "AICc", "AIC, corrected for few points", short],
  ["bic", "BIC", "Schwarz's criterion: as AIC, but harder on each further parameter", short],
  ["dof", "degrees of freedom", "Points counted less parameters that are free", whole],
  ["n_points", "points counted", "Points that the fit sees", whole],
];

export function statisticsRows(fit: Fit): readonly Row[] {
  const { statistics, fault } = fit;
  if (statistics === null || fault !== null) return [];
  const rows = TOLD.map(([key, name, why, shown]) => {
    const value = statistics[key];
    return { name, why, shown: shown(value), exact: exact(value) };
  });
  const left = "Points taken out one by one or by the range of x; they are drawn but not fitted";
  return [
    ...rows,
    { name: "points excluded", why: left, shown: String(fit.n_excluded), exact: String(fit.n_excluded) },
  ];
}

/** What is to be said before numbers of a fit: that there is none, or that it is an earlier one. */
export function caveat(fit: Fit): string {
  if (fit.fault !== null || fit.statistics === null) return "There is no fit.";
  return fit.stale ? "Of the last fit, before what was changed since." : "";
}

/** Close to one, what matters is by how much it is not: 0.999987, never 1. */
export function nearOne(value: number): string {
  const gap = Math.abs(1 - Math.abs(value));
  if (!Number.isFinite(value) || gap === 0 || gap >= 0.01) return short(value, 4);
  return short(value, Math.min(15, 1 - magnitude(gap)));
}

/** A correlation in two decimals, or as many as tell it from one; a dash where there is none. */
export function correlationText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const gap = 1 - Math.abs(value);
  const decimals = gap > 1e-9 && gap < 0.01 ? -magnitude(gap) : 2; // nearer than that is rounding
  return value
    .toFixed(decimals)
    .replace(/^-(?=[0.]+$)/, "")
    .replace(/^-/, "\u2212");
}

export const ENTANGLED = 0.99;

/** The pairs that the data hardly tell apart, in words. */
export function entangled(names: readonly string[], correlation: Numbers): readonly string[] {
  const found: string[] = [];
  names.forEach((one, i) => {
    for (const [j, other] of names.slice(0, i).entries()) {
      const value = correlation[i * names.length + j] ?? NaN;
      if (Math.abs(value) <= ENTANGLED) continue;
      if (Number.isFinite(value)) found.push(`${other} and ${one} are hardly told apart (${correlationText(value)}).`);
    }
  });
  return found;
}

/** Name, value and standard error with every digit, under a line that says of which fit. */
export function valuesTable(picture: Picture): string {
  const { fit, parameters } = picture;
  const of = [`${fit.statistics?.n_points ?? 0} points`, `${fit.n_excluded} excluded`];
  const rest = [`chi2 = ${exact(fit.statistics?.chi2 ?? NaN)}`, fit.status.replace(/\s+/g, " ")];
  const rows = parameters.map(({ name, popt, stderr }) => [name, exact(popt), exact(stderr)]);
  return `# ${[...of, ...rest].join(", ")}\n${table([["name", "value", "error"], ...rows])}`;
}

/** Rows as a spreadsheet takes them. */
export function table(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `${cells.map((cell) => cell.replace(/[\t\r\n]+/g, " ")).join("\t")}\n`).join("");
}

/** All digits, as other programs read them: 0.1, -inf, nan. */
export function exact(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

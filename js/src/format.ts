/** Numbers as text and text as numbers. What is shown may be rounded; what can be typed or copied never is. */

const SUPERSCRIPT = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"] as const;

/** All digits, as a text that reads back as the same number; no bound is no text. */
export function plain(value: number): string {
  return Number.isFinite(value) ? String(value) : "";
}

/** A value rounded for reading: 47.93, 5.5×10⁻⁴. */
export function short(value: number, digits = 6): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : minus(value > 0 ? "∞" : "-∞");
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const power = magnitude(rounded);
  if (power >= -4 && power < 6) return minus(String(rounded));
  const [mantissa = ""] = rounded.toExponential().split("e");
  return `${minus(mantissa)}${timesTen(power)}`;
}

/** A power of ten, or a small multiple of one: 0.2, 10, −10⁶. */
export function decade(value: number): string {
  return short(value, 4).replace(/^(\u2212?)1×/, "$1");
}

export interface Fitted {
  readonly value: string;
  readonly error: string; // "": none is known
  readonly power: string; // " ×10⁻⁴" for both, or ""
}

/** A value and its standard error, the error to two digits (three when it begins with 1 or 2). */
export function fitted(value: number, error: number): Fitted {
  if (!Number.isFinite(value)) return { value: "–", error: "", power: "" };
  if (!(error > 0) || !Number.isFinite(error)) return { value: short(value, 8), error: "", power: "" };
  if (isApart(value, error)) {
    return { value: short(value, error > Math.abs(value) ? 4 : 13), error: short(error, 2), power: "" };
  }
  const top = magnitude(Math.max(Math.abs(value), error));
  const power = top >= -3 && top < 6 ? 0 : top;
  const lead = error / 10 ** magnitude(error);
  const digits = lead < 2.995 ? 3 : 2;
  const decimals = Math.min(100, Math.max(0, digits - 1 - magnitude(error) + power));
  return {
    value: minus(scaled(value, power).toFixed(decimals)),
    error: scaled(error, power).toFixed(decimals),
    power: power === 0 ? "" : timesTen(power),
  };
}

/** The same in short: 1.2345(67) is 1.2345 ± 0.0067, and 12.3(4.5) is 12.3 ± 4.5. The error has two digits. */
export function concise(value: number, error: number): Fitted {
  const isPlain = !(error > 0) || !Number.isFinite(error) || isApart(value, error);
  if (!Number.isFinite(value) || isPlain) {
    const { error: small, ...alone } = fitted(value, error);
    return { ...alone, error: small === "" ? "" : ` ± ${small}` };
  }
  const two = Number(error.toPrecision(2));
  const last = magnitude(two) - 1; // the power of ten of the last digit that is shown
  const rounded = Number(`${scaled(value, last).toFixed(0)}e${last}`); // it may have become 10 from 9.99
  const top = magnitude(Math.max(Math.abs(rounded), two));
  const power = top >= -3 && top < 6 && last <= 0 ? 0 : top;
  const decimals = Math.min(100, power - last);
  const inside = scaled(two, power);
  return {
    value: minus(scaled(rounded, power).toFixed(decimals)),
    error: `(${inside < 1 ? scaled(two, last).toFixed(0) : inside.toFixed(decimals)})`,
    power: power === 0 ? "" : timesTen(power),
  };
}

/** Too far apart in size for one row of digits: of either nothing would be left. */
function isApart(value: number, error: number): boolean {
  return error < Math.abs(value) * 1e-12 || (value !== 0 && error > Math.abs(value) * 1e4);
}

/** The label of a tick: as many decimals as its step needs. */
export function tick(value: number, step: number, largest: number): string {
  const power = magnitude(largest);
  const decimals = Math.max(0, -magnitude(step) + (isRound(step) ? 0 : 1));
  if (value === 0) return "0";
  if (power >= 6 || power < -3) {
    const own = Math.max(0, power + decimals);
    return `${minus(String(Number(scaled(value, power).toFixed(Math.min(20, own)))))}${timesTen(power)}`;
  }
  return minus(value.toFixed(Math.min(20, decimals)));
}

/** What was typed: a number, null for no bound (only where `open`), or a sentence that says what is wrong. */
export function read(typed: string, open: Infinity | null): number | null | string {
  const text = typed
    .trim()
    .replace(/\u2212/g, "-")
    .toLowerCase();
  if (open !== null && /^(|none|[+-]?(inf|infinity|∞))$/.test(text)) return unbounded(text, open);
  if (text === "") return "Type a number, such as 3.5 or 2e5.";
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : `${typed.trim()} is too large for a number.`;
  }
  if (/^[+-]?\d+,\d+$/.test(text)) return `Write ${text.replace(",", ".")} with a point, not a comma.`;
  return `“${typed.trim()}” is not a number. Type one such as 3.5 or 2e5.`;
}

type Infinity = "-" | "+";

function unbounded(text: string, open: Infinity): null | string {
  const isWrong = open === "-" ? /^\+?(inf|infinity|∞)$/.test(text) : /^-/.test(text);
  if (!isWrong) return null;
  return open === "-"
    ? "A lower bound cannot be +∞. Leave it empty for none."
    : "An upper bound cannot be −∞. Leave it empty for none.";
}

/** The power of ten of the first digit. */
export function magnitude(value: number): number {
  const exponent = /e(.*)$/.exec(Math.abs(value).toExponential())?.[1];
  return exponent === undefined ? 0 : Number(exponent);
}

// By the decimal point, not by a division: no digit is lost, and no power of ten overflows.
function scaled(value: number, power: number): number {
  const [digits, own] = value.toExponential().split("e");
  return Number(`${digits}e${Number(own) - power}`);
}

function isRound(step: number): boolean {
  const lead = step / 10 ** magnitude(step);
  return Math.abs(lead - Math.round(lead)) < 1e-6;
}

function timesTen(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPT[Number(digit)] ?? "").join("");
  return `×10${power < 0 ? "⁻" : ""}${digits}`;
}

function minus(text: string): string {
  return text.replace(/^-/, "\u2212");
}

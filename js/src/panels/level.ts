/** Confidence as people write it, in percent, and as it travels, between 0 and 1. */
import { read } from "../format";

export const LEVELS: readonly number[] = [0.6827, 0.95, 0.99];

/** 0.6827 as "68.27 %". */
export function percent(level: number): string {
  return `${Number((100 * level).toPrecision(12))} %`;
}

/** What was typed in percent; null for none, or the sentence that says what is wrong. */
export function levelOf(typed: string): number | null | string {
  const text = typed.replace(/%\s*$/, "");
  if (/^\s*(none)?\s*$/i.test(text)) return null;
  const value = read(text, null);
  if (typeof value === "string" || value === null) return value;
  if (value > 0 && value < 100) return Number((value / 100).toPrecision(12));
  return "A confidence lies between 0 and 100 %, such as 95.";
}

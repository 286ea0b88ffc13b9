/** What the user chose for one parameter, and the rules that the kernel will apply to it, said before it is sent. */
import { plain, read } from "../format";
import type { Marks } from "../range";
import type { Command, Parameter } from "../wire";

export type Handle = "lower" | "p0" | "upper";

/** Choices that the kernel has not answered yet; null: no bound. */
export type Choices = ReadonlyMap<Handle, number | null>;

/** The answered values with the unanswered choices over them. A bound pushes p0 along, as it will in the kernel. */
export function chosen(parameter: Parameter, choices: Choices): Marks {
  const lower = choices.has("lower") ? (choices.get("lower") ?? -Infinity) : parameter.lower;
  const upper = choices.has("upper") ? (choices.get("upper") ?? Infinity) : parameter.upper;
  const p0 = choices.get("p0") ?? parameter.p0;
  const { popt, stderr, scale } = parameter;
  return { p0: Math.min(upper, Math.max(lower, p0)), lower, upper, popt, stderr, scale };
}

/** A dragged value stops at the bracket in its way. */
export function stopped(handle: Handle, value: number, { lower, upper }: Pick<Marks, "lower" | "upper">): number {
  if (handle === "lower") return Math.min(value, upper);
  if (handle === "upper") return Math.max(value, lower);
  return Math.min(upper, Math.max(lower, value));
}

/** A typed value is not moved behind the user's back: a sentence says what is in its way. */
export function obstacle(handle: Handle, value: number | null, { lower, upper }: Marks): string | null {
  if (value === null || stopped(handle, value, { lower, upper }) === value) return null;
  if (handle === "lower") return `${plain(value)} is above the upper bound ${plain(upper)}. Move that first.`;
  if (handle === "upper") return `${plain(value)} is below the lower bound ${plain(lower)}. Move that first.`;
  return value < lower
    ? `${plain(value)} is below the lower bound ${plain(lower)}. Move the bound first.`
    : `${plain(value)} is above the upper bound ${plain(upper)}. Move the bound first.`;
}

export function command(name: string, handle: Handle, value: number | null): Command | null {
  if (handle !== "p0") return { kind: "bound", name, side: handle, value };
  return value === null ? null : { kind: "p0", name, value };
}

/** What was typed: a number, null for no bound, a tie to other parameters, or a sentence that says what is wrong. */
export type Typed = number | string | null | { readonly tie: string | null };

export function typed(handle: Handle, text: string): Typed {
  if (handle !== "p0") return read(text, handle === "lower" ? "-" : "+");
  const formula = /^\s*=(.*)$/s.exec(text)?.[1]?.trim();
  if (formula !== undefined) return { tie: formula === "" ? null : formula };
  const value = read(text, null);
  const isFormula = typeof value === "string" && /[A-Za-z_]/.test(text) && /[*+/(-]/.test(text);
  return isFormula ? `To tie it to other parameters, begin with “=”: = ${text.trim()}.` : value;
}

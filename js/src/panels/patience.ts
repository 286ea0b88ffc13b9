/** When an answer is long in coming, as a pure function of time. A quick drag, though always busy, is never slow. */
import type { View } from "../wire";

export const SLOW_MS = 300;

export interface Waiting {
  readonly since: number | null; // when the answer that is waited for began to be; null: none is waited for
  readonly answers: number;
  readonly slow: boolean;
}

export const IDLE: Waiting = { since: null, answers: 0, slow: false };

export function waiting(before: Waiting, { busy, answers }: Pick<View, "busy" | "answers">, now: number): Waiting {
  if (!busy) return { since: null, answers, slow: false };
  const answered = answers !== before.answers;
  const late = before.since !== null && now - before.since >= SLOW_MS;
  const since = before.since === null || answered ? now : before.since;
  return { since, answers, slow: late || (before.slow && !answered) };
}

/** Where each point lies on a plot, and which of them a pointer or a box takes. */
import type { Picture } from "../wire";
import { type Area, pixel } from "./scale";

/** The places of all points on one plot, in its pixels; nan for what is not shown. */
export interface Places {
  readonly count: number;
  left(i: number): number;
  top(i: number): number;
}

const RIM_PX = 5;

export function placesOf({ frame, fit, curves }: Picture, place: Area, isResiduals: boolean): Places {
  const { data } = frame;
  if (data.kind !== "points") return { count: 0, left: () => NaN, top: () => NaN };
  const { x, y } = data;
  const left = (i: number): number => pixel(place.x, x[i] ?? NaN);
  if (!isResiduals) return { count: x.length, left, top: (i) => pixel(place.y, y[i] ?? NaN) };
  const residuals = curves?.residuals.kind === "points" ? curves.residuals.values : null;
  const top = (i: number): number => {
    const at = pixel(place.y, residuals?.[i] ?? NaN);
    // What does not count may lie far beyond: it waits at the rim, to be seen and brought back.
    return (fit.excluded[i] ?? 0) === 0 ? at : Math.min(place.height - RIM_PX, Math.max(RIM_PX, at));
  };
  return { count: residuals === null ? 0 : x.length, left, top };
}

export function nearest(places: Places, left: number, top: number, reach: number): number | null {
  let best: number | null = null;
  let least = reach ** 2;
  for (let i = 0; i < places.count; i++) {
    const dx = places.left(i) - left;
    if (!(Math.abs(dx) < reach)) continue;
    const distance = dx ** 2 + (places.top(i) - top) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function within(places: Places, box: Rectangle): number[] {
  const found: number[] = [];
  for (let i = 0; i < places.count; i++) {
    const [right, down] = [places.left(i) - box.left, places.top(i) - box.top];
    if (right >= 0 && right <= box.width && down >= 0 && down <= box.height) found.push(i);
  }
  return found;
}

/** Those of the points that a command would change: they count and shall not, or the other way round. */
export function changeable(points: readonly number[], excluded: Uint8Array, out: boolean): number[] {
  return points.filter((i) => ((excluded[i] ?? 0) === 1) !== out && (excluded[i] ?? 0) !== 2);
}

/** All points by rising x, as one walks along them; those that are not shown are left out. */
export function walk(places: Places): number[] {
  const shown = Array.from({ length: places.count }, (_, i) => i).filter(
    (i) => Number.isFinite(places.left(i)) && Number.isFinite(places.top(i)),
  );
  return shown.sort((a, b) => places.left(a) - places.left(b));
}

/** Whether two marks of the points are the same. */
export function alike(a: Uint8Array | null | undefined, b: Uint8Array | null): boolean {
  if (a == null || b === null) return a === b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

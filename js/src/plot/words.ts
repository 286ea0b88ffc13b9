/** What a screen reader says of the plots. */
import type { Picture } from "../wire";

export function described({ frame, fit }: Picture): Readonly<Record<"data" | "residuals", string>> {
  const out = fit.n_excluded === 0 ? "" : `, ${fit.n_excluded} of them not fitted`;
  const walks =
    frame.data.kind === "points" ? "Left and right walk along the points, space takes one out or back; " : "";
  const keys = `${walks}plus, minus and 0 zoom, Shift with arrows pans.`;
  return {
    data: `Plot of ${frame.n_points} points${out}, the curve at the start values and the fitted curve. ${keys}`,
    residuals: `Plot of the residuals of ${frame.n_points} points${out}. ${keys}`,
  };
}

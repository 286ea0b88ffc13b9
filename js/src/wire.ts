/** What travels between kernel and page, and what the page makes of it. */

export type Numbers = Float64Array | Float32Array;
export type Side = "lower" | "upper";
export type Role = "free" | "fixed" | "following"; // following: its start value goes along when another is moved
export type Live = "drag" | "release" | "button"; // when the kernel fits

export type Task = "fit" | "guess" | "suggest" | "profile";

export type Command =
  | { readonly kind: "p0"; readonly name: string; readonly value: number }
  | { readonly kind: "bound"; readonly name: string; readonly side: Side; readonly value: number | null }
  | { readonly kind: "role"; readonly name: string; readonly role: Role }
  | { readonly kind: "tie"; readonly name: string; readonly text: string | null } // "1.5 * b"; null: by itself again
  | { readonly kind: "take"; readonly name: string | null } // start at the fitted value, of one parameter or of all
  | { readonly kind: "points"; readonly points: readonly number[]; readonly excluded: boolean }
  | { readonly kind: "range"; readonly lower: number | null; readonly upper: number | null }
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "loss"; readonly loss: string; readonly scale: number }
  | { readonly kind: "live"; readonly live: Live }
  | { readonly kind: "level"; readonly level: number | null } // of the band; null: no band
  | { readonly kind: "suggest" | "dismiss" } // points that are suspected to be outliers
  | { readonly kind: "profile" } // how far each parameter can go
  | { readonly kind: "guess" } // start values from the data
  | { readonly kind: "fit" | "cancel" | "undo" | "redo" | "reset" };

/** Two commands with the same control replace each other: only the newest is worth sending. null: each one counts. */
export function control(command: Command): string | null {
  switch (command.kind) {
    case "p0":
    case "role":
    case "tie":
      return JSON.stringify([command.kind, command.name]);
    case "bound":
      return JSON.stringify([command.kind, command.name, command.side]);
    case "range":
    case "device":
    case "loss":
    case "live":
    case "level":
      return JSON.stringify([command.kind]);
    case "take":
    case "points":
    case "guess":
    case "suggest":
    case "dismiss":
    case "profile":
    case "fit":
    case "cancel":
    case "undo":
    case "redo":
    case "reset":
      return null;
    default:
      return command satisfies never;
  }
}

/** The part of the data plot that is seen, in values, and how many marks it has room for. */
export interface Look extends Window {
  readonly columns: number;
  readonly rows: number;
  readonly residual_rows: number; // of the plot under it, over as many columns
}

export interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export type Outgoing =
  | { readonly type: "hello"; readonly page: string; readonly seq: 0 }
  | { readonly type: "file"; readonly page: string; readonly seq: number; readonly kind: FileKind }
  | { readonly type: "window"; readonly page: string; readonly seq: 0; readonly window: Look | null }
  | {
      readonly type: "command";
      readonly page: string;
      readonly seq: number;
      readonly command: Command;
      readonly gesture: number; // the same for all commands of one drag, which is one step to undo
      readonly final: boolean; // false while the finger is still down
    };

export interface Device {
  readonly name: string;
  readonly label: string;
}

export interface Points {
  readonly kind: "points";
  readonly x: Numbers;
  readonly y: Numbers;
  readonly sigma: Numbers | null;
}

export interface Columns {
  readonly kind: "columns";
  readonly x: Numbers;
  readonly low: Numbers;
  readonly high: Numbers;
}

export interface Frame {
  readonly id: number;
  readonly model: string;
  readonly names: readonly string[];
  readonly x_label: string;
  readonly y_label: string;
  readonly residual_label: string;
  readonly n_points: number;
  readonly devices: readonly Device[];
  readonly losses: readonly string[];
  readonly data: Points | Columns;
  readonly grid: Numbers; // ascending x of the curves
}

export interface Parameter {
  readonly name: string;
  readonly p0: number;
  readonly lower: number; // -inf: unbounded
  readonly upper: number; // inf: unbounded
  readonly popt: number; // nan: no result
  readonly stderr: number;
  readonly scale: number; // by how much it must change to change the curve as much as the data vary
  readonly role: Role | "tied"; // tied: computed from others
  readonly tie: string | null; // the expression by which it is tied
  readonly at_bound: Side | null;
}

export type Residuals =
  | { readonly kind: "points"; readonly values: Numbers }
  | {
      readonly kind: "columns";
      readonly low: Numbers;
      readonly high: Numbers;
      readonly most: number; // the size of the largest residual that counts
      readonly density: Density | null; // from -most to most; null: of all data, none is known
    };

export interface Curves {
  readonly curve_p0: Numbers;
  readonly curve: Numbers;
  readonly band: { readonly low: Numbers; readonly high: Numbers } | null;
  readonly residuals: Residuals;
}

/** What is told of a fit besides its parameters, in the order in which it is sent. */
export interface Statistics {
  readonly chi2: number;
  readonly reduced_chi2: number;
  readonly r_squared: number;
  readonly adjusted_r_squared: number;
  readonly aic: number;
  readonly aicc: number;
  readonly bic: number;
  readonly dof: number;
  readonly n_points: number;
}

export interface Fit {
  readonly frame: number;
  readonly device: string;
  readonly ok: boolean;
  readonly status: string;
  readonly steps: number;
  readonly milliseconds: number;
  readonly compiled: number;
  readonly fault: string | null;
  readonly live: Live;
  readonly stale: boolean; // the fit is of earlier start values: the kernel fits on release, or when asked
  readonly start_stale: boolean; // so is the curve at p0: the model has not been evaluated there yet
  readonly running: number | null; // how far that is what runs beside, in steps or fits; null: nothing runs
  readonly task: Task | null; // what runs beside
  readonly level: number | null; // confidence of the band
  readonly loss: string;
  readonly loss_scale: number;
  readonly n_excluded: number;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
  readonly code: string; // the Python that gives the same fit
  readonly range: readonly [lower: number, upper: number]; // of x, in which points count; infinite where open
  readonly excluded: Uint8Array; // of each point: 1 taken out, 2 outside of the range; empty for columns
  readonly suggested: Uint8Array | null; // of each point: 1 a suspected outlier; null: nobody asked
  readonly statistics: Statistics | null; // null: no fit
  readonly correlation: Numbers | null; // row by row
  readonly interval_level: number; // the confidence of intervals
  readonly intervals: Numbers | null; // lower and upper end of each parameter; null: nobody asked
}

/** How many points lie in each cell of a window: 0 none, else 1 to 255 by the logarithm; the lowest row first. */
export interface Density {
  readonly shades: Uint8Array;
  readonly rows: number;
  readonly columns: number;
}

/** What a window shows of data that are too many to be sent: its points where they are few, else narrow columns. */
export interface Detail {
  readonly window: Window;
  readonly data: Points | Columns;
  readonly index: Numbers | null; // which of all points each is; null for columns
  readonly excluded: Uint8Array; // of each point, as in Fit; empty for columns
  readonly density: Density | null; // null for points
  readonly residuals: Residuals | null; // null: no fit
}

/** A detail, or with `data` null only what moves in it. */
export interface DetailMessage extends Omit<Detail, "data"> {
  readonly kind: "detail";
  readonly page: string;
  readonly data: Points | Columns | null;
}

export type FileKind =
  | "script"
  | "scipy"
  | "points"
  | "csv"
  | "json"
  | "markdown"
  | "latex"
  | "session"
  | "svg"
  | "pdf"
  | "png";

/** What can be taken away, as the kernel made it. */
export interface Taken {
  readonly name: string;
  readonly mime: string;
  readonly content: ArrayBuffer;
}

export interface FileMessage {
  readonly kind: "file";
  readonly page: string;
  readonly seq: number;
  readonly file: Taken | string; // or why there is none, in a sentence
}

export interface Answers {
  readonly page: string;
  readonly seq: number;
}

export interface Message {
  readonly kind: "view";
  readonly answers: Answers | null;
  readonly refused: string | null;
  readonly frame: Frame | null;
  readonly fit: Fit;
  readonly parameters: readonly Omit<Parameter, "name">[];
  readonly curves: Curves | null;
}

/** The whole screen at one moment. `curves` are the last good ones: with a fault they are older than `fit`. */
export interface Picture {
  readonly frame: Frame;
  readonly fit: Fit;
  readonly parameters: readonly Parameter[];
  readonly curves: Curves | null;
}

export interface View {
  readonly link: "waiting" | "live" | "gone";
  readonly busy: boolean; // a command of this page has not been answered yet
  readonly answers: number; // the newest command answered, 0 before the first
  readonly refused: string | null;
  readonly picture: Picture | null;
  readonly detail: Detail | null; // of what this page looks at
}

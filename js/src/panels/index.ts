/** The list of panels, in the order of reading. A new panel is one file and one word here. */
import { device } from "./device";
import type { Panel } from "./panel";
import { parameters } from "./parameters";
import { plots } from "./plots";
import { status } from "./status";

export const panels: Readonly<Record<string, Panel>> = { plots, parameters, device, status };

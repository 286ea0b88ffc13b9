/** The list of panels, in the order of reading. A new panel is one file and one word here. */
import { actions } from "./actions";
import { foot } from "./foot";
import type { Panel } from "./panel";
import { parameters } from "./parameters";
import { plots } from "./plots";

export const panels: Readonly<Record<string, Panel>> = { plots, actions, parameters, foot };

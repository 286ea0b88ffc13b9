/** The bundle: one ES module and one style sheet, which the wheel carries. */
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const licence = readFileSync(here("node_modules/uplot/LICENSE"), "utf8").trim();

const bundle = {
  entryPoints: [
    { in: here("src/widget.ts"), out: "widget" },
    { in: here("src/style/index.css"), out: "widget" },
  ],
  outdir: here("../nlsq_widget/static"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "inline",
  banner: {
    js: `/*! nlsq_widget, MIT licence. It contains uPlot (https://github.com/leeoniya/uPlot):\n\n${licence}\n*/`,
  },
  logLevel: "info",
};

if (argv.includes("--watch")) await (await context(bundle)).watch();
else await build(bundle);

import { describe, expect, test } from "vitest";
import { decode } from "../src/decode";
import { type Command, control, type Message } from "../src/wire";
import { choices, fit, frame, pack, parameters, view } from "./message";

function decoded(content: unknown, buffers: unknown): Message {
  const message = decode(content, buffers);
  if (message?.kind !== "view") throw new Error(JSON.stringify(message));
  return message;
}

describe("decoding", () => {
  test("nan, inf and unaligned bytes arrive as they were sent", () => {
    const message = decoded(...view());
    const data = message.frame?.data;
    expect(data?.kind === "points" && [...data.y]).toEqual([1, Number.NaN, 9]);
    expect([...message.fit.excluded]).toEqual([0, 1, 2]);
    expect(message.fit.range).toEqual([Number.NEGATIVE_INFINITY, 2.5]);
    expect(message.parameters[0]).toEqual({
      ...{
        p0: 500,
        lower: Number.NEGATIVE_INFINITY,
        upper: Number.POSITIVE_INFINITY,
        popt: 238.94,
        stderr: 2.71,
        scale: 90,
      },
      ...{ role: "free", tie: null, at_bound: null },
    });
    expect(message.parameters[1]).toMatchObject({ p0: 1e-4, lower: 0, upper: 1, role: "fixed", at_bound: "upper" });
    expect([...(message.curves?.curve ?? [])]).toEqual([0, Number.NaN]);
  });

  test("a bare ArrayBuffer is as good as a DataView", () => {
    const [content, buffers] = view();
    const bare = buffers.map((b) => b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength));
    expect(decoded(content, bare)).toEqual(decoded(content, buffers));
  });

  test("padding is ignored, whatever it holds", () => {
    expect(decoded(...view({}, { padding: new Uint8Array(1000) }))).toEqual(decoded(...view()));
  });

  test("columns come with their range", () => {
    const columns = { low: Float64Array.of(0, 1, 2), high: Float64Array.of(3, 4, 5) };
    const data = decoded(...view({ frame: { ...frame, kind: "columns", has_sigma: false } }, columns)).frame?.data;
    expect(data?.kind === "columns" && [...data.high]).toEqual([3, 4, 5]);
  });

  test("a fault brings parameters and no curves", () => {
    const { described, buffers } = pack({ ...choices, parameters });
    const content = {
      ...{ type: "view", answers: null, refused: null, frame: null, arrays: described },
      fit: { ...fit, fault: "The model is not finite at p0." },
    };
    const message = decoded(content, buffers);
    expect(message.curves).toBeNull();
    expect(message.fit.fault).toBe("The model is not finite at p0.");
  });

  test("a message of somebody else is none of ours", () => {
    expect(decode({ type: "other" }, [])).toBeNull();
    expect(decode(null, [])).toBeNull();
    expect(decode([1, 2], [])).toBeNull();
  });

  test.each([
    ["a missing fit", { fit: undefined }],
    ["steps as text", { fit: { ...fit, steps: "6" } }],
    ["one parameter too many", { fit: { ...fit, roles: ["free", "free", "free"] } }],
    ["an unknown kind", { frame: { ...frame, kind: "dots" } }],
    ["names that are not text", { frame: { ...frame, names: [1] } }],
    ["answers without a number", { answers: { page: "a" } }],
    ["no arrays", { arrays: undefined }],
    ["an unknown dtype", { arrays: [{ name: "x", dtype: "int64", shape: [1] }] }],
    ["a shape that lies", { arrays: [{ name: "x", dtype: "float64", shape: [4] }] }],
  ])("%s is malformed, and says why", (_, changed) => {
    const message = decode(...view(changed));
    expect(message?.kind).toBe("malformed");
    expect(message?.kind === "malformed" && message.why.length).toBeGreaterThan(5);
  });

  test("a buffer that is cut off is malformed", () => {
    const [content, buffers] = view();
    const cut = buffers.map((b) => new DataView(b.buffer, b.byteOffset, b.byteLength - 1));
    expect(decode(content, cut)?.kind).toBe("malformed");
    expect(decode(content, [])?.kind).toBe("malformed");
  });
});

test("only commands of the same control replace each other", () => {
  const commands: Command[] = [
    { kind: "p0", name: "a", value: 1 },
    { kind: "p0", name: "b", value: 1 },
    { kind: "bound", name: "a", side: "lower", value: 1 },
    { kind: "bound", name: "a", side: "upper", value: 1 },
    { kind: "role", name: "a", role: "fixed" },
    { kind: "device", device: "cpu:0" },
  ];
  expect(new Set(commands.map(control)).size).toBe(commands.length);
  expect(control({ kind: "p0", name: "a", value: 2 })).toBe(control({ kind: "p0", name: "a", value: 1 }));
});

test("suspects are known only after somebody asked for them", () => {
  const before = decode(...view());
  const after = decode(...view({}, { suggested: Uint8Array.of(0, 1, 0) }));
  expect(before).toMatchObject({ fit: { suggested: null } });
  expect(after).toMatchObject({ fit: { suggested: Uint8Array.of(0, 1, 0) } });
});

/** What a key means, as pure functions. The panels listen; the meaning is decided here. */

export type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y; on a Mac with Cmd. Where letters are not Latin, the place of the key counts. */
export function historyStep(pressed: Pressed): "undo" | "redo" | null {
  const { ctrlKey, metaKey, shiftKey, altKey } = pressed;
  if (altKey || ctrlKey === metaKey) return null;
  const letter = /^[a-z]$/i.test(pressed.key)
    ? pressed.key.toLowerCase()
    : pressed.code.replace("Key", "").toLowerCase();
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" && ctrlKey && !shiftKey ? "redo" : null;
}

/** Where a key leads from the tab at `at` of `count`; null: it is no key of ours. */
export function tabStep(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

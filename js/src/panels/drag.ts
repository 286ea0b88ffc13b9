/** A finger on a handle of a track. It reports pixels along the rail; what they mean is decided by the row. */

export interface Along {
  readonly left: number; // pixels from the low end of the rail to the handle
  readonly width: number; // pixels of the rail
}

export interface Finger {
  grab(along: Along): void;
  drag(along: Along): void;
  drop(): void;
}

export function onDrag(handle: HTMLElement, rail: HTMLElement, finger: Finger, signal: AbortSignal): void {
  let held: number | null = null; // the pointer that holds the handle
  let offset = 0; // from the middle of the handle to the finger, so that grabbing moves nothing

  function along(event: PointerEvent): Along {
    const { left, width } = rail.getBoundingClientRect();
    return { left: event.clientX - offset - left, width };
  }

  function down(event: PointerEvent): void {
    if (event.button !== 0 || held !== null) return;
    held = event.pointerId;
    // offsetLeft is where the style puts the handle, whatever the shape of its box
    offset = event.clientX - rail.getBoundingClientRect().left - handle.offsetLeft;
    handle.setPointerCapture(held);
    handle.focus({ preventScroll: true });
    event.preventDefault();
    finger.grab(along(event));
  }

  function move(event: PointerEvent): void {
    if (event.pointerId === held) finger.drag(along(event));
  }

  function up(event: PointerEvent): void {
    if (event.pointerId !== held) return;
    held = null;
    finger.drop();
  }

  handle.addEventListener("pointerdown", down, { signal });
  handle.addEventListener("pointermove", move, { signal });
  handle.addEventListener("pointerup", up, { signal });
  handle.addEventListener("pointercancel", up, { signal });
  handle.addEventListener("lostpointercapture", up, { signal });
}

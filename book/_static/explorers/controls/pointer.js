// Dragging on a canvas, with a mouse, a finger or the arrow keys.
//
// needs: controls/basics.js controls/canvas.css
"use strict";

(() => {
  const genlib = window.genlib;
  const { colour, element, identity } = genlib.controls;

  /**
   * Follow a pointer or a finger that was put down on `target`. Where a finger may scroll the page
   * (`touch-action: pan-y`), it is followed once it goes sideways; one that scrolls is let go with
   * the event `pointercancel`.
   * @param {HTMLElement} target
   * @param {{surface: any, start?: Function, move: Function, end?: Function}} options each gets
   *   ({x, y}, event), in CSS pixels of the surface; `start` may return false to let it go
   */
  function drag(target, { surface, start, move, end }) {
    let held = null;
    let down = null; // where a finger was put down that may yet scroll
    const mayScroll = ({ pointerType }) => (
      pointerType === "touch" && getComputedStyle(target).touchAction.includes("pan-y")
    );
    const at = (event) => {
      const box = surface.canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    target.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || held !== null) return;
      if (start && start(at(event), event) === false) return;
      held = event.pointerId;
      down = mayScroll(event) ? at(event) : null;
      target.setPointerCapture(held);
    });
    target.addEventListener("pointermove", (event) => {
      if (event.pointerId !== held) return;
      const place = at(event);
      if (down && Math.abs(place.x - down.x) <= Math.abs(place.y - down.y)) return;
      down = null;
      move(place, event);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      target.addEventListener(name, (event) => {
        if (event.pointerId !== held) return;
        held = null;
        if (end) end(at(event), event);
      });
    }
  }

  const ARROWS = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
  };

  /**
   * A button on the canvas: drag it, or move it with the arrow keys (with Shift in large steps).
   * @param {{surface: any, label: string, text?: string, help?: string, color: string,
   *   onDrag: (at: {x: number, y: number}) => void,
   *   onStep: (right: number, up: number) => void}} options label: what it is and where; help: how
   *   to move it, told apart from the label, which is read out again at each change
   */
  function handle({ surface, label, text = "", help = "", color, onDrag, onStep }) {
    const made = element("button", { type: "button", class: "explorer-handle", text });
    if (help) {
      const told = element("span", { id: identity("help"), hidden: true, text: help });
      made.setAttribute("aria-describedby", told.id);
      surface.element.append(told);
    }
    const name = (next) => {
      if (made.getAttribute("aria-label") !== next) made.setAttribute("aria-label", next);
    };
    const dress = () => made.style.setProperty("--explorer-handle", colour(color));
    let grip = { x: 0, y: 0 }, place = { x: 0, y: 0 };
    drag(made, {
      surface,
      start: (at) => { grip = { x: place.x - at.x, y: place.y - at.y }; },
      move: (at) => onDrag({ x: at.x + grip.x, y: at.y + grip.y }),
    });
    made.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const large = event.shiftKey ? 5 : 1;
      onStep(large * arrow[0], large * arrow[1]);
    });
    name(label);
    dress();
    genlib.onTheme(dress);
    surface.element.append(made);
    const moveTo = (x, y) => {
      place = { x, y };
      made.style.left = `${x}px`;
      made.style.top = `${y}px`;
    };
    return { element: made, moveTo, set: name, get place() { return place; } };
  }

  Object.assign(window.genlib.controls, { drag, handle });
})();

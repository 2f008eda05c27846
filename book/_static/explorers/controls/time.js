// What happens when: answers once per frame, and buttons to play, pause and step.
//
// needs: controls/inputs.js
"use strict";

(() => {
  const genlib = window.genlib;
  const { row, button } = genlib.controls;

  /**
   * A function that asks for `work`: many calls before the next frame are one run, and
   * `genlib.answer` takes its time.
   * @param {HTMLElement} figure @param {() => void} work
   */
  function answering(figure, work) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        genlib.answer(figure, work);
      });
    };
  }

  /**
   * Buttons for something that goes on step by step.
   * @param {{onStep: () => (boolean | void), onReset: () => void,
   *   onChange?: (playing: boolean) => void, stepLabel?: string, resetLabel?: string}} options
   *   onStep: one step, or one frame of them while playing; returning false stops.
   */
  function transport({ onStep, onReset, onChange, stepLabel = "Step", resetLabel }) {
    let frame = 0, first;
    const tell = () => {
      first.set(frame ? "Pause" : "Play");
      if (onChange) onChange(frame !== 0);
    };
    const pause = () => {
      if (!frame) return;
      cancelAnimationFrame(frame);
      frame = 0;
      tell();
    };
    const turn = () => {
      frame = requestAnimationFrame(turn);
      if (onStep() === false || !first.element.isConnected) pause();
    };
    const play = () => {
      if (frame) return;
      frame = requestAnimationFrame(turn);
      tell();
    };
    first = button({ label: "Play", primary: true, onClick: () => (frame ? pause() : play()) });
    const one = button({ label: stepLabel, onClick: () => { pause(); onStep(); } });
    const again = button({
      label: resetLabel || "Start again", onClick: () => { pause(); onReset(); },
    });
    const made = row(first.element, one.element, again.element);
    return { element: made, play, pause, get playing() { return frame !== 0; } };
  }

  /** Whether the reader's system asks for reduced motion. */
  const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  Object.assign(window.genlib.controls, { answering, transport, still });
})();

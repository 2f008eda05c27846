// Labelled controls, and the boxes that they stand in.
//
// needs: controls/basics.js controls/inputs.css
"use strict";

(() => {
  const { identity, number, element } = window.genlib.controls;

  const panel = (...kids) => element("div", { class: "explorer-panel" }, ...kids);
  const row = (...kids) => element("div", { class: "explorer-row" }, ...kids);

  /** @param {string} legend @param {...(Node | string)} kids */
  function group(legend, ...kids) {
    const head = element("legend", { text: legend });
    return element("fieldset", { class: "explorer-group" }, head, panel(...kids));
  }

  /**
   * A slider whose value stands beside its name. With `log` equal steps are equal factors.
   * @param {{label: string, min: number, max: number, step?: number, value: number,
   *   log?: boolean, format?: (value: number) => string,
   *   onInput?: (value: number) => void}} options step: with `log` of the logarithm
   */
  function slider({ label, min, max, step = 0.01, value, log = false, format = number, onInput }) {
    const id = identity("slider");
    const places = log ? Math.max(1, Math.round(Math.log(max / min) / step)) : 0;
    const toPlace = (v) => (log ? (places * Math.log(v / min)) / Math.log(max / min) : v);
    const toValue = (place) => (log ? min * (max / min) ** (place / places) : place);
    const input = element("input", {
      type: "range", id, min: log ? 0 : min, max: log ? places : max, step: log ? 1 : step,
    });
    const output = element("output", { for: id });
    let current = value;
    const show = () => {
      const text = format(current);
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    const set = (next) => {
      current = Math.min(max, Math.max(min, next));
      input.value = String(toPlace(current));
      show();
    };
    input.addEventListener("input", () => {
      current = toValue(Number(input.value));
      show();
      if (onInput) onInput(current);
    });
    set(value);
    const name = element("label", { for: id, text: label });
    const made = element("div", { class: "explorer-control" }, name, output, input);
    return { element: made, input, set, get value() { return current; } };
  }

  /**
   * @param {{label: string, options: [string, string][], value?: string,
   *   onChange?: (value: string) => void}} options
   */
  function select({ label, options, value, onChange }) {
    const id = identity("select");
    const input = element("select", { id });
    for (const [key, text] of options) input.append(element("option", { value: key, text }));
    if (value !== undefined) input.value = value;
    if (onChange) input.addEventListener("change", () => onChange(input.value));
    const name = element("label", { for: id, text: label });
    const made = element("div", { class: "explorer-control explorer-choice" }, name, input);
    const set = (next) => { input.value = next; };
    return { element: made, input, set, get value() { return input.value; } };
  }

  /** @param {{label: string, value?: boolean, onChange?: (value: boolean) => void}} options */
  function checkbox({ label, value = false, onChange }) {
    const id = identity("checkbox");
    const input = element("input", { type: "checkbox", id });
    input.checked = value;
    if (onChange) input.addEventListener("change", () => onChange(input.checked));
    const name = element("label", { for: id, text: label });
    const made = element("div", { class: "explorer-control explorer-check" }, input, name);
    const set = (next) => { input.checked = next; };
    return { element: made, input, set, get value() { return input.checked; } };
  }

  /** @param {{label: string, onClick: () => void, primary?: boolean}} options */
  function button({ label, onClick, primary = false }) {
    const look = primary ? "explorer-button explorer-primary" : "explorer-button";
    const made = element("button", { type: "button", class: look, text: label, onclick: onClick });
    /** @param {string} next */
    const set = (next) => { made.textContent = next; };
    return { element: made, set, press: () => made.click() };
  }

  Object.assign(window.genlib.controls, { panel, row, group, slider, select, checkbox, button });
})();

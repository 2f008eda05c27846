// How numbers are written, the colours, and HTML elements.
"use strict";

(() => {
  const genlib = window.genlib;

  let identities = 0;
  /** A name for an element that no other has. @param {string} kind */
  const identity = (kind) => `explorer-${kind}-${(identities += 1)}`;

  /** A number as the page writes it. @param {number} value @param {number} [digits] */
  function number(value, digits = 2) {
    if (Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const text = Math.abs(value).toFixed(digits);
    return value < 0 && Number(text) !== 0 ? `−${text}` : text;
  }

  // Okabe and Ito's colours; in the dark their lighter half, so that each keeps 3 : 1 on the page.
  const PALETTES = {
    light: {
      blue: "#0072b2", vermilion: "#c84e00", green: "#00805b", purple: "#a8517f",
      orange: "#a86a00", sky: "#2b7fb0", grey: "#6b7280", black: "#14161a",
    },
    dark: {
      blue: "#56b4e9", vermilion: "#ff8f4a", green: "#2fc596", purple: "#e29ac4",
      orange: "#f0b43c", sky: "#8fd0f5", grey: "#98a3ae", black: "#f1f4f7",
    },
  };

  /** Named colours for lines and areas in the theme of now. */
  const palette = () => (genlib.theme().dark ? PALETTES.dark : PALETTES.light);

  /** A name of the palette, or any other CSS colour. @param {string} [name] */
  const colour = (name) => palette()[name] || name || genlib.theme().text;

  /**
   * @param {string} tag
   * @param {Object<string, any>} [attributes] `text`: its text; `onclick` and so on: listeners;
   *   true and false set and leave out an attribute
   * @param {...(Node | string)} kids
   */
  function element(tag, attributes = {}, ...kids) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "text") made.textContent = value;
      else if (typeof value === "function") made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value === true ? "" : String(value));
    }
    made.append(...kids);
    return made;
  }

  genlib.controls = { identity, number, palette, colour, element };
})();

// What the explorers share: labelled controls, a canvas that fits its box, some plotting calls.
//
// Everything is on `window.genlib.controls`; its looks are in controls.css, which it loads.
//
//   number(value, digits)             "−1.25", "∞"
//   palette()                         named colours that fit the theme: {blue, vermilion, …}
//   element(tag, attributes, ...kids) an HTML element; `text`, `class`, `on…` are understood
//   panel(...kids), row(...kids)      boxes for controls: equal columns, a line of buttons
//   group(legend, ...kids)            a fieldset
//   slider({label, min, max, step, value, log, format, onInput})   -> {element, input, value, set}
//   select({label, options: [[value, text]], value, onChange})     -> {element, input, value, set}
//   checkbox({label, value, onChange})                             -> {element, input, value, set}
//   button({label, onClick, primary})                              -> {element, set(label), press}
//   readout({label, names})           a list of numbers            -> {element, set(name, text)}
//   table({label, columns, rows})   -> {element, set(row, column, text), head(text),
//                                     caption(text), show(row, shown)}
//   still()                           whether reduced motion is asked for
//   live()                            polite text for screen readers: {element, say(text), text}
//   answering(figure, work)           a function that runs `work` once per frame, timed by genlib
//   transport({onStep, onReset, onChange, stepLabel, resetLabel})   play, pause, step, reset
//   canvas({label, aspect, minHeight, maxHeight, draw})   -> surface {element, canvas, context,
//                                     width, height, theme, redraw(), now()}, in CSS pixels;
//                                     it is drawn by draw(surface)
//   drag(target, {start, move, end, surface})   pointer and touch, in the surface's CSS pixels
//   handle({surface, label, text, color, onDrag, onStep})   a button on the canvas to drag, or to
//                                     move with the arrow keys: {element, moveTo(x, y), set(label)}
//   axes(surface, {x, y, xLabel, yLabel, xTicks, yTicks, gutter, box})   -> frame {x(v), y(v), xAt,
//                                     yAt, left, right, top, bottom}
//   line(surface, frame, xs, ys, {color, width, dash, alpha})
//   area(surface, frame, xs, ys, {color, alpha, pattern, base})   pattern: "lines", "back", "dots"
//   points(surface, frame, xs, ys, {color, radius, alpha})
//   rule(surface, frame, {x} or {y}, {color, dash, label})
//   note(surface, text, x, y, {color, align, baseline, bold})
//   legend([{label, color, dash, pattern}])   an HTML list; `color` is a name of the palette
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});
  if (genlib.controls) return;

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("controls.css", document.currentScript.src).href;
  document.head.append(style);

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

  // ------------------------------------------------------------------ elements

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

  /**
   * Numbers with their names, to be looked up and not to be read out at each change.
   * @param {{label: string, names: Object<string, string>}} options key -> what stands beside it
   */
  function readout({ label, names }) {
    const list = element("dl", { class: "explorer-readout", "aria-label": label });
    const values = {};
    for (const [key, name] of Object.entries(names)) {
      values[key] = element("dd");
      list.append(element("div", {}, element("dt", { text: name }), values[key]));
    }
    const set = (key, text) => {
      if (values[key].textContent !== text) values[key].textContent = text;
    };
    return { element: list, set, text: (key) => values[key].textContent };
  }

  /**
   * A table of numbers.
   * @param {{label: string, columns: Object<string, string>, rows: Object<string, string>}} options
   *   label: its caption; columns, rows: key -> heading
   */
  function table({ label, columns, rows }) {
    const corner = element("td"), cells = {}, lines = {};
    const top = element("tr", {}, corner);
    for (const name of Object.values(columns)) {
      top.append(element("th", { scope: "col", text: name }));
    }
    const body = element("tbody");
    for (const [row, name] of Object.entries(rows)) {
      const line = element("tr", {}, element("th", { scope: "row", text: name }));
      lines[row] = line;
      for (const column of Object.keys(columns)) {
        cells[`${row} ${column}`] = element("td");
        line.append(cells[`${row} ${column}`]);
      }
      body.append(line);
    }
    const title = element("caption", { text: label });
    const made = element("table", { class: "explorer-table" }, title,
      element("thead", {}, top), body);
    const set = (row, column, text) => {
      const cell = cells[`${row} ${column}`];
      if (cell.textContent !== text) cell.textContent = text;
    };
    const head = (text) => { corner.textContent = text; };
    const box = element("div", { class: "explorer-wide", role: "group", "aria-label": label }, made);
    // What scrolls sideways can be reached and moved with the keyboard.
    new ResizeObserver(() => {
      if (made.offsetWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }).observe(box);
    const text = (row, column) => cells[`${row} ${column}`].textContent;
    const caption = (next) => { title.textContent = next; };
    const show = (row, shown) => { lines[row].hidden = !shown; };
    return { element: box, set, head, caption, show, text };
  }

  /** What changed, for screen readers: said once the changes have paused, not during a drag. */
  function live() {
    const made = element("p", { class: "explorer-said", "aria-live": "polite", role: "status" });
    let latest = "", timer = 0;
    const say = (text) => {
      latest = text;
      clearTimeout(timer);
      timer = setTimeout(() => { made.textContent = latest; }, 350);
    };
    return { element: made, say, get text() { return latest; } };
  }

  // ------------------------------------------------------------------ time

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

  // ------------------------------------------------------------------ canvas

  /**
   * A canvas as wide as its box, sharp on every screen, drawn anew when size or theme changes.
   * @param {{label: string, aspect?: number, minHeight?: number, maxHeight?: number,
   *   draw: (surface: any) => void}} options label: what is drawn, for who cannot see it
   */
  function canvas({ label, aspect = 16 / 9, minHeight = 200, maxHeight = 480, draw }) {
    const made = element("canvas", { role: "img", "aria-label": label });
    const box = element("div", { class: "explorer-canvas" }, made);
    const surface = {
      element: box, canvas: made, context: made.getContext("2d"), width: 0, height: 0,
      theme: genlib.theme(), redraw, now: paint, label: (text) => {
        if (made.getAttribute("aria-label") !== text) made.setAttribute("aria-label", text);
      },
    };
    let asked = false;

    function fit() {
      const width = Math.max(1, Math.floor(box.clientWidth));
      const height = Math.round(Math.min(maxHeight, Math.max(minHeight, width / aspect)));
      const ratio = window.devicePixelRatio || 1;
      const across = Math.round(width * ratio), down = Math.round(height * ratio);
      if (made.width !== across || made.height !== down) {
        made.width = across;
        made.height = down;
        made.style.height = `${height}px`;
      }
      surface.width = width;
      surface.height = height;
      surface.context.setTransform(across / width, 0, 0, down / height, 0, 0);
    }

    function paint() {
      if (!box.isConnected) return;
      fit();
      surface.theme = genlib.theme();
      surface.context.clearRect(0, 0, surface.width, surface.height);
      surface.context.save();
      draw(surface);
      surface.context.restore();
    }

    function redraw() {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        paint();
      });
    }

    let seen = -1;
    new ResizeObserver(() => {
      if (box.clientWidth !== seen) redraw();
      seen = box.clientWidth;
    }).observe(box);
    genlib.onTheme(redraw);
    watchRatio(redraw);
    return surface;
  }

  /** Call back when the page is zoomed or goes to another screen. @param {() => void} callback */
  function watchRatio(callback) {
    const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    query.addEventListener("change", () => {
      callback();
      watchRatio(callback);
    }, { once: true });
  }

  /**
   * Follow a pointer or a finger that was put down on `target`.
   * @param {HTMLElement} target
   * @param {{surface: any, start?: Function, move: Function, end?: Function}} options each gets
   *   ({x, y}, event), in CSS pixels of the surface; `start` may return false to let it go
   */
  function drag(target, { surface, start, move, end }) {
    let held = null;
    const at = (event) => {
      const box = surface.canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    target.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || (start && start(at(event), event) === false)) return;
      held = event.pointerId;
      target.setPointerCapture(held);
    });
    target.addEventListener("pointermove", (event) => {
      if (event.pointerId === held) move(at(event), event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
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
   * @param {{surface: any, label: string, text?: string, color: string,
   *   onDrag: (at: {x: number, y: number}) => void,
   *   onStep: (right: number, up: number) => void}} options
   */
  function handle({ surface, label, text = "", color, onDrag, onStep }) {
    const made = element("button", { type: "button", class: "explorer-handle", text });
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

  // ------------------------------------------------------------------ plots

  const FONT_SIZE = 13;

  /** @param {any} surface @param {boolean} [bold] */
  function setFont(surface, bold = false) {
    surface.context.font = `${bold ? "600 " : ""}${FONT_SIZE}px ${surface.theme.font}`;
  }

  /** Round numbers between two limits, about `count` of them. */
  function ticks(low, high, count = 5) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) || 10);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  }

  /** A tick's text: as many digits as its neighbours need. */
  function tickText(value, all) {
    const step = all.length > 1 ? Math.abs(all[1] - all[0]) : 1;
    return number(value, Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9))));
  }

  /**
   * Axes with ticks and a faint grid.
   * @param {any} surface
   * @param {{x: [number, number], y: [number, number], xLabel?: string, yLabel?: string,
   *   xTicks?: number | number[], yTicks?: number | number[],
   *   gutter?: number,
   *   box?: {left?: number, right?: number, top?: number, bottom?: number}}} options
   *   box: the outer edges in CSS pixels, labels inside; gutter: the least room left of the axis;
   *   ticks: how many about, which, or [] for none
   * @returns a frame: x(v) and y(v) give pixels, xAt(px) and yAt(px) values
   */
  function axes(surface, options) {
    const { x, y, xLabel = "", yLabel = "", xTicks = 6, yTicks = 4 } = options;
    const { gutter = 0, box = {} } = options;
    const { context, theme } = surface;
    const outer = { left: 0, right: surface.width, top: 0, bottom: surface.height, ...box };
    const xs = Array.isArray(xTicks) ? xTicks : ticks(x[0], x[1], xTicks);
    const ys = Array.isArray(yTicks) ? yTicks : ticks(y[0], y[1], yTicks);
    setFont(surface);
    const widest = Math.max(0, ...ys.map((v) => context.measureText(tickText(v, ys)).width));
    const left = outer.left + Math.max(gutter, ys.length ? widest + 10 : 6);
    const right = outer.right - 8;
    const top = outer.top + (yLabel ? 24 : 8);
    const bottom = outer.bottom - (xs.length ? 24 : 6) - (xLabel ? 18 : 0);
    const frame = {
      left, right, top, bottom, width: right - left, height: bottom - top,
      x: (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left),
      y: (v) => bottom - ((v - y[0]) / (y[1] - y[0])) * (bottom - top),
      xAt: (px) => x[0] + ((px - left) / (right - left)) * (x[1] - x[0]),
      yAt: (px) => y[0] + ((bottom - px) / (bottom - top)) * (y[1] - y[0]),
    };
    context.lineWidth = 1;
    context.strokeStyle = theme.border;
    context.globalAlpha = 0.6;
    context.beginPath();
    for (const v of xs) context.moveTo(frame.x(v), top), context.lineTo(frame.x(v), bottom);
    for (const v of ys) context.moveTo(left, frame.y(v)), context.lineTo(right, frame.y(v));
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = theme.muted;
    context.beginPath();
    context.moveTo(left, top);
    context.lineTo(left, bottom);
    context.lineTo(right, bottom);
    context.stroke();
    const quiet = { color: theme.muted };
    for (const v of xs) {
      note(surface, tickText(v, xs), frame.x(v), bottom + 6,
        { ...quiet, align: "center", baseline: "top" });
    }
    for (const v of ys) {
      note(surface, tickText(v, ys), left - 6, frame.y(v), { ...quiet, align: "right" });
    }
    if (xLabel) {
      note(surface, xLabel, (left + right) / 2, outer.bottom - 3,
        { ...quiet, align: "center", baseline: "bottom" });
    }
    if (yLabel) note(surface, yLabel, outer.left + 2, outer.top + 3, { ...quiet, baseline: "top" });
    return frame;
  }

  /** Draw inside the frame only. */
  function inside(surface, frame, work) {
    const { context } = surface;
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 1, frame.right - frame.left, frame.bottom - frame.top + 2);
    context.clip();
    work(context);
    context.restore();
  }

  /** The path through the points; values far outside are brought near: huge ones draw badly. */
  function path(context, frame, xs, ys) {
    const reach = 4 * (frame.bottom - frame.top);
    for (let i = 0; i < xs.length; i += 1) {
      const y = Math.max(frame.top - reach, Math.min(frame.bottom + reach, frame.y(ys[i])));
      context.lineTo(frame.x(xs[i]), y);
    }
  }

  /** @param {{color?: string, width?: number, dash?: number[], alpha?: number}} [look] */
  function line(surface, frame, xs, ys, { color, width = 2, dash = [], alpha = 1 } = {}) {
    inside(surface, frame, (context) => {
      context.strokeStyle = colour(color);
      context.lineWidth = width;
      context.lineJoin = "round";
      context.globalAlpha = alpha;
      context.setLineDash(dash);
      context.beginPath();
      path(context, frame, xs, ys);
      context.stroke();
    });
  }

  const patterns = new Map();

  /** A small picture that repeats: slanted lines one way or the other, or dots. */
  function pattern(context, kind, color) {
    const ratio = window.devicePixelRatio || 1, key = `${kind} ${color} ${ratio}`;
    if (!patterns.has(key)) {
      const size = 8, tile = document.createElement("canvas");
      tile.width = tile.height = Math.round(size * ratio);
      const pen = tile.getContext("2d");
      pen.scale(tile.width / size, tile.height / size);
      pen.strokeStyle = pen.fillStyle = color;
      pen.lineWidth = 1.6;
      pen.beginPath();
      if (kind === "dots") {
        for (const [x, y] of [[2, 2], [6, 6]]) pen.moveTo(x, y), pen.arc(x, y, 1.2, 0, 7);
        pen.fill();
      } else {
        const down = kind === "back" ? 1 : -1;
        for (const shift of [-size, 0, size]) {
          pen.moveTo(shift - size, down < 0 ? 2 * size : -size);
          pen.lineTo(shift + 2 * size, down < 0 ? -size : 2 * size);
        }
        pen.stroke();
      }
      patterns.set(key, { tile, scale: size / tile.width });
    }
    const { tile, scale } = patterns.get(key);
    const made = context.createPattern(tile, "repeat");
    made.setTransform(new DOMMatrix().scale(scale));
    return made;
  }

  /**
   * The area between a curve and `base`.
   * @param {{color?: string, alpha?: number, pattern?: string, base?: number}} [look]
   */
  function area(surface, frame, xs, ys, look = {}) {
    const { color, alpha = 0.2, base = 0 } = look;
    inside(surface, frame, (context) => {
      context.beginPath();
      context.moveTo(frame.x(xs[0]), frame.y(base));
      path(context, frame, xs, ys);
      context.lineTo(frame.x(xs[xs.length - 1]), frame.y(base));
      context.closePath();
      context.fillStyle = colour(color);
      context.globalAlpha = alpha;
      context.fill();
      if (!look.pattern) return;
      context.globalAlpha = 0.75;
      context.fillStyle = pattern(context, look.pattern, colour(color));
      context.fill();
    });
  }

  /** @param {{color?: string, radius?: number, alpha?: number}} [look] */
  function points(surface, frame, xs, ys, { color, radius = 3, alpha = 1 } = {}) {
    inside(surface, frame, (context) => {
      context.fillStyle = colour(color);
      context.globalAlpha = alpha;
      context.beginPath();
      for (let i = 0; i < xs.length; i += 1) {
        const x = frame.x(xs[i]), y = frame.y(ys[i]);
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
      }
      context.fill();
    });
  }

  /**
   * A straight line across the frame, at an x or at a y.
   * @param {{x?: number, y?: number}} where
   * @param {{color?: string, dash?: number[], label?: string}} [look]
   */
  function rule(surface, frame, where, { color, dash = [4, 4], label = "" } = {}) {
    const upright = where.x !== undefined;
    const at = upright ? frame.x(where.x) : frame.y(where.y);
    inside(surface, frame, (context) => {
      context.strokeStyle = colour(color);
      context.lineWidth = 1.5;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(upright ? at : frame.left, upright ? frame.top : at);
      context.lineTo(upright ? at : frame.right, upright ? frame.bottom : at);
      context.stroke();
    });
    if (!label) return;
    const aside = { color, align: "right", baseline: "bottom" };
    if (upright) note(surface, label, at + 4, frame.top + 8, { color });
    else note(surface, label, frame.right - 4, at - 4, aside);
  }

  /** @param {{color?: string, align?: string, baseline?: string, bold?: boolean}} [look] */
  function note(surface, text, x, y, look = {}) {
    const { context } = surface;
    setFont(surface, look.bold);
    context.fillStyle = colour(look.color);
    context.textAlign = look.align || "left";
    context.textBaseline = look.baseline || "middle";
    context.fillText(text, x, y);
  }

  /**
   * What the colours, dashes and patterns mean, as a list beside the canvas.
   * @param {{label: string, color: string, dash?: number[], pattern?: string, filled?: boolean}[]}
   *   items
   */
  function legend(items) {
    const list = element("ul", { class: "explorer-legend" });
    const swatches = items.map((item) => {
      const swatch = element("canvas", { width: 52, height: 28, "aria-hidden": "true" });
      list.append(element("li", {}, swatch, element("span", { text: item.label })));
      return () => paintSwatch(swatch, item);
    });
    const paint = () => swatches.forEach((swatch) => swatch());
    paint();
    genlib.onTheme(paint);
    return list;
  }

  function paintSwatch(swatch, item) {
    const context = swatch.getContext("2d");
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, 26, 14);
    const surface = { context, theme: genlib.theme() };
    const frame = {
      left: 0, right: 26, top: 1, bottom: 13, x: (v) => 26 * v, y: (v) => 13 - 12 * v,
    };
    const filled = item.pattern || item.filled;
    if (filled) area(surface, frame, [0, 1], [1, 1], { ...item, alpha: 0.25 });
    else line(surface, frame, [0, 1], [0.5, 0.5], { ...item, width: 2.5 });
  }

  genlib.controls = {
    number, palette, element, panel, row, group, slider, select, checkbox, button, readout, table,
    live, answering, transport, still, canvas, drag, handle, ticks, axes, line, area, points, rule,
    note, legend,
  };
})();

// What is drawn between axes: lines, areas, points; and the legend that explains them.
//
// needs: controls/axes.js controls/canvas.css
"use strict";

(() => {
  const genlib = window.genlib;
  const { colour, element, note } = genlib.controls;

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
    swatch.style.background = genlib.theme().surface;
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

  Object.assign(window.genlib.controls, { line, area, points, rule, legend });
})();

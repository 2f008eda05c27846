// Axes on a canvas, and text on it.
//
// needs: controls/basics.js
"use strict";

(() => {
  const { number, colour } = window.genlib.controls;

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

  /**
   * The first of some texts that is no wider than `width`, or the last.
   * @param {any} surface @param {string[]} texts longest first @param {number} width CSS pixels
   * @param {boolean} [bold]
   */
  function fitting(surface, texts, width, bold = false) {
    setFont(surface, bold);
    const fits = (text) => surface.context.measureText(text).width <= width;
    return texts.find(fits) ?? texts[texts.length - 1];
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

  Object.assign(window.genlib.controls, { ticks, axes, fitting, note });
})();

// What the GAN laboratory draws: the judge's field in colour with level lines, the points, the push
// that generated points feel, and the curves. Numbers come in, pixels go out.
//
// needs: controls.js
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});
  const { controls } = genlib;

  const SIZE = 36; // the field is computed at SIZE × SIZE places and smoothed in between
  const LEVELS = [-0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8];

  // Green where the judge says "data", purple where it says "generated": told apart by all kinds of
  // sight, and neither is the colour of the points.
  const ENDS = {
    light: { low: [204, 121, 167], high: [0, 158, 115], middle: [253, 253, 251] },
    dark: { low: [150, 70, 118], high: [0, 118, 88], middle: [27, 33, 40] },
  };
  const ends = () => (genlib.theme().dark ? ENDS.dark : ENDS.light);
  const css = (rgb) => `rgb(${rgb.join(" ")})`;

  /** The places of the field, [SIZE · SIZE, 2], from the top row to the bottom. */
  function lattice(reach) {
    const places = new Float32Array(2 * SIZE * SIZE);
    for (let i = 0, o = 0; i < SIZE; i += 1) {
      for (let j = 0; j < SIZE; j += 1, o += 2) {
        places[o] = reach * ((2 * (j + 0.5)) / SIZE - 1);
        places[o + 1] = -reach * ((2 * (i + 0.5)) / SIZE - 1);
      }
    }
    return places;
  }

  /**
   * Logits or scores as numbers from −1 (generated) to 1 (data). A logit has a scale of its own,
   * 2 σ(l) − 1; a score has none, so the picture's lowest and highest are the ends.
   * @returns {{tones: Float32Array, low: number, high: number}}
   */
  function toned(values, wasserstein) {
    if (!wasserstein) {
      return { tones: values.map((l) => 2 / (1 + Math.exp(-l)) - 1), low: 0, high: 1 };
    }
    let low = Infinity, high = -Infinity;
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    const half = Math.max((high - low) / 2, 1e-9), middle = (high + low) / 2;
    return { tones: values.map((v) => (v - middle) / half), low, high };
  }

  const raster = document.createElement("canvas");
  raster.width = raster.height = SIZE;

  /** The field, and its level lines. */
  function field(surface, tones) {
    const { context, width, height } = surface;
    const { low, high, middle } = ends();
    const brush = raster.getContext("2d"), image = brush.createImageData(SIZE, SIZE);
    for (let i = 0; i < tones.length; i += 1) {
      const end = tones[i] > 0 ? high : low, share = 0.85 * Math.min(1, Math.abs(tones[i]));
      for (let c = 0; c < 3; c += 1) {
        image.data[4 * i + c] = middle[c] + share * (end[c] - middle[c]);
      }
      image.data[4 * i + 3] = 255;
    }
    brush.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(raster, 0, 0, width, height);
    context.strokeStyle = surface.theme.muted;
    for (const level of LEVELS) {
      context.globalAlpha = level === 0 ? 0.9 : 0.45;
      context.lineWidth = level === 0 ? 1.6 : 0.8;
      levelLine(surface, tones, level);
    }
    context.globalAlpha = 1;
  }

  /** Marching squares: in each square of four places, the line crosses those sides whose ends lie
   *  on different sides of the level. Two crossings are joined, four in two pairs. */
  function levelLine({ context, width, height }, tones, level) {
    const toX = (j) => ((j + 0.5) * width) / SIZE, toY = (i) => ((i + 0.5) * height) / SIZE;
    context.beginPath();
    for (let i = 0; i + 1 < SIZE; i += 1) {
      for (let j = 0; j + 1 < SIZE; j += 1) {
        const o = i * SIZE + j;
        const a = tones[o] - level, b = tones[o + 1] - level;
        const c = tones[o + SIZE + 1] - level, d = tones[o + SIZE] - level;
        const above = (a > 0) + (b > 0) + (c > 0) + (d > 0);
        if (above === 0 || above === 4) continue;
        let odd = true;
        const cross = (x, y) => {
          if (odd) context.moveTo(toX(x), toY(y));
          else context.lineTo(toX(x), toY(y));
          odd = !odd;
        };
        if (a > 0 !== b > 0) cross(j + a / (a - b), i);
        if (b > 0 !== c > 0) cross(j + 1, i + b / (b - c));
        if (d > 0 !== c > 0) cross(j + d / (d - c), i + 1);
        if (a > 0 !== d > 0) cross(j, i + a / (a - d));
      }
    }
    context.stroke();
  }

  /** Where a point of the plane lies on the canvas. */
  const pixel = ({ width, height }, reach, x, y) =>
    [((x / reach + 1) * width) / 2, ((1 - y / reach) * height) / 2];

  /** Points of the plane, with a rim that keeps them apart from the field. */
  function dots(surface, reach, points, color, radius) {
    const { context, width, height, theme } = surface;
    for (const [look, grown] of [[theme.surface, radius + 0.8], [color, radius]]) {
      context.fillStyle = look;
      context.beginPath();
      for (let i = 0; i < points.length; i += 2) {
        const [x, y] = pixel(surface, reach, points[i], points[i + 1]);
        if (x < -5 || y < -5 || x > width + 5 || y > height + 5) continue;
        context.moveTo(x + grown, y);
        context.arc(x, y, grown, 0, 2 * Math.PI);
      }
      context.fill();
    }
  }

  /** A circle around each mode, a whole one if it is found; the roll has no modes. */
  function modes(surface, { centres, reach, parts, sigma }, hits, color) {
    if (centres.length !== parts) return;
    const { context } = surface;
    const radius = Math.max(7, (3 * sigma * surface.width) / (2 * reach));
    context.strokeStyle = color;
    centres.forEach(([x, y], k) => {
      context.lineWidth = hits[k] ? 2.2 : 1;
      context.setLineDash(hits[k] ? [] : [2, 3]);
      context.beginPath();
      context.arc(...pixel(surface, reach, x, y), radius, 0, 2 * Math.PI);
      context.stroke();
    });
    context.setLineDash([]);
  }

  /**
   * An arrow from each point the way it is pushed. A push of 1, a good critic's, is drawn at half
   * the greatest length; the greatest stands for any push that is much larger.
   */
  function arrows(surface, reach, points, pushes, color) {
    const { context } = surface, longest = 0.11 * surface.width;
    context.strokeStyle = color;
    context.lineWidth = 1.2;
    context.beginPath();
    for (let i = 0; i < pushes.length; i += 2) {
      const size = Math.hypot(pushes[i], pushes[i + 1]);
      const length = (longest * size) / (1 + size);
      if (!(length > 1.5)) continue;
      const [x, y] = pixel(surface, reach, points[i], points[i + 1]);
      const along = pushes[i] / size, up = pushes[i + 1] / size;
      const tipX = x + length * along, tipY = y - length * up, head = Math.min(6, 0.4 * length);
      context.moveTo(x, y);
      context.lineTo(tipX, tipY);
      context.moveTo(tipX - head * (along + 0.6 * up), tipY + head * (up - 0.6 * along));
      context.lineTo(tipX, tipY);
      context.lineTo(tipX - head * (along - 0.6 * up), tipY + head * (up + 0.6 * along));
    }
    context.stroke();
  }

  /** A curve that keeps at most `most` means: when it is full, neighbours become one. */
  function longCurve(most = 240) {
    let width = 1, pending = [0, 0, 0], bins = [];
    return {
      add(a, b) {
        pending = [pending[0] + a, pending[1] + b, pending[2] + 1];
        if (pending[2] < width) return;
        bins.push([pending[0] / width, pending[1] / width]);
        pending = [0, 0, 0];
        if (bins.length < most) return;
        width *= 2;
        bins = Array.from({ length: most / 2 }, (_, i) =>
          [0, 1].map((k) => (bins[2 * i][k] + bins[2 * i + 1][k]) / 2));
      },
      /** Steps, and the k-th of the two values at them. */
      steps: () => bins.map((_, i) => (i + 0.5) * width),
      values: (k) => bins.map((bin) => bin[k]),
      get length() { return bins.length; },
    };
  }

  /** From the smallest to the largest of what is drawn, without the wildest hundredth. */
  function range(values, ...marks) {
    const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    const low = Math.min(at(0.01), ...marks), high = Math.max(at(0.99), ...marks);
    const room = 0.08 * (high - low) || 0.5;
    return [low - room, high + room];
  }

  /** The losses of both players, or the critic's estimate; the lines mark where nobody can tell. */
  function curves(surface, curve, wasserstein, colors) {
    const steps = curve.steps(), last = Math.max(10, steps.at(-1) ?? 0);
    const shown = wasserstein ? [curve.values(0)] : [curve.values(0), curve.values(1)];
    const marks = wasserstein ? [0] : [Math.log(2), Math.log(4)];
    const frame = controls.axes(surface, {
      x: [0, last], y: range(shown.flat(), ...marks), xLabel: "step", xTicks: 4,
      yLabel: wasserstein ? "critic's estimate" : "losses",
    });
    marks.forEach((y, k) => controls.rule(surface, frame, { y }, {
      color: wasserstein ? surface.theme.muted : colors[1 - k], dash: [4, 3],
    }));
    shown.forEach((values, k) => controls.line(surface, frame, steps, values, {
      color: colors[k], width: 1.8,
    }));
  }

  genlib.ganDrawing = {
    lattice, toned, field, dots, modes, arrows, longCurve, curves,
    scale: () => `linear-gradient(to right, ${css(ends().low)}, ${css(ends().middle)}, `
      + `${css(ends().high)})`,
  };
})();

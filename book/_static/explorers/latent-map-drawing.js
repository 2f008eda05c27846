// What the latent map draws: dots, names of classes, the prior's circles, holes, pictures.
//
// needs: controls.js network.js
"use strict";

(() => {
  const genlib = window.genlib;
  // Five colours, each with two marks: ten classes that can be told apart without colour too.
  const COLOURS = ["blue", "vermilion", "green", "purple", "orange"];
  const MARK = 2.6; // half a mark's size in CSS pixels
  const GRID = 16; // pictures along a side where the map shows pictures
  // On pictures, which are black and white, lines have a rim.
  const ON_PICTURES = { line: "#ffd23f", rim: "#14161a" };

  /** One dot or cross. @param {CanvasRenderingContext2D} pen */
  function mark(pen, kind, x, y) {
    if (kind < COLOURS.length) {
      pen.moveTo(x + MARK, y);
      pen.arc(x, y, MARK, 0, 2 * Math.PI);
    } else {
      pen.moveTo(x - MARK, y - MARK), pen.lineTo(x + MARK, y + MARK);
      pen.moveTo(x - MARK, y + MARK), pen.lineTo(x + MARK, y - MARK);
    }
  }

  /** All codes of a class; faint ones where another class is looked at. */
  function drawClass(surface, frame, codes, labels, kind, faint) {
    const pen = surface.context;
    const color = genlib.controls.palette()[COLOURS[kind % COLOURS.length]];
    pen.beginPath();
    for (let i = 0; i < labels.length; i += 1) {
      if (labels[i] === kind) mark(pen, kind, frame.x(codes.x[i]), frame.y(codes.y[i]));
    }
    pen.globalAlpha = faint ? 0.12 : 0.6;
    pen.fillStyle = pen.strokeStyle = color;
    pen.lineWidth = 1.4;
    if (kind < COLOURS.length) pen.fill();
    else pen.stroke();
    pen.globalAlpha = 1;
  }

  /** A text with a rim in the page's colour, so that it reads on dots. */
  function onDots(surface, text, x, y) {
    const pen = surface.context;
    pen.font = `600 13px ${surface.theme.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const half = pen.measureText(text).width / 2 + 3;
    const at = Math.min(Math.max(x, half), surface.width - half);
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = surface.theme.surface;
    pen.fillStyle = surface.theme.text;
    pen.strokeText(text, at, y);
    pen.fillText(text, at, y);
  }

  /** Names where their classes lie, pushed down where one would cover another. */
  function nameClasses(surface, frame, places, classes, chosen) {
    const put = [];
    const order = places.map((_, kind) => kind).sort((a, b) => places[b][1] - places[a][1]);
    for (const kind of order) {
      if (chosen !== null && kind !== chosen) continue;
      const [x, start] = [frame.x(places[kind][0]), frame.y(places[kind][1])];
      let y = start;
      for (const other of put) {
        if (Math.abs(other.x - x) < 70 && Math.abs(other.y - y) < 15) y = other.y + 15;
      }
      put.push({ x, y });
      onDots(surface, classes[kind], x, y);
    }
  }

  /** Stroke what `trace` draws: in the page's colour, or on pictures with a rim. */
  function stroked(surface, pictures, width, color, trace) {
    const pen = surface.context;
    const layers = pictures
      ? [[ON_PICTURES.rim, width + 2.5], [ON_PICTURES.line, width]] : [[color, width]];
    for (const [style, lineWidth] of layers) {
      [pen.strokeStyle, pen.lineWidth] = [style, lineWidth];
      pen.beginPath();
      trace(pen);
      pen.stroke();
    }
  }

  /** Circles that hold 39, 86 and 99 % of the draws from the prior. */
  function drawPrior(surface, frame, pictures) {
    surface.context.setLineDash([4, 4]);
    stroked(surface, pictures, 1, surface.theme.muted, (pen) => {
      for (const radius of [1, 2, 3]) {
        const across = frame.x(radius) - frame.x(0);
        pen.moveTo(frame.x(0) + across, frame.y(0));
        pen.arc(frame.x(0), frame.y(0), across, 0, 2 * Math.PI);
      }
    });
    surface.context.setLineDash([]);
  }

  /** Small squares: codes that were drawn, but for those off the map. @param {number[][]} draws */
  function drawDraws(surface, frame, draws, pictures) {
    const places = draws.map(([a, b]) => [frame.x(a), frame.y(b)]).filter(([x, y]) => (
      x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom
    ));
    stroked(surface, pictures, 2, surface.theme.text, (pen) => {
      for (const [x, y] of places) pen.rect(x - 4, y - 4, 8, 8);
    });
  }

  /** A canvas as large as the surface's, and its pen in CSS pixels, which keeps to the frame. */
  function layer(surface, frame) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [surface.canvas.width, surface.canvas.height];
    const pen = canvas.getContext("2d");
    pen.setTransform(surface.context.getTransform());
    pen.beginPath();
    pen.rect(frame.left, frame.top, frame.width, frame.height);
    pen.clip();
    return { canvas, pen };
  }

  /** Fill or take away a disc around each code. */
  function discs(pen, frame, codes, radius, operation) {
    pen.globalCompositeOperation = operation;
    pen.beginPath();
    codes.x.forEach((a, i) => {
      const [x, y] = [frame.x(a), frame.y(codes.y[i])];
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 2 * Math.PI);
    });
    pen.fill();
    pen.globalCompositeOperation = "source-over";
  }

  /** The shore of the codes: the outline of all discs together. */
  function shore(surface, frame, codes, radius, width, color) {
    const { canvas, pen } = layer(surface, frame);
    pen.fillStyle = color;
    discs(pen, frame, codes, radius + width / 2, "source-over");
    discs(pen, frame, codes, radius - width / 2, "destination-out");
    return canvas;
  }

  /**
   * The holes: all places further than `codes.edge` from every code, striped between the dots and
   * outlined on pictures. Made once for each size and theme, since it takes a few milliseconds.
   */
  function holes(codes) {
    let made = null, known = "";
    return (surface, frame, pictures) => {
      const { canvas, theme } = surface;
      const now = [canvas.width, canvas.height, surface.width, theme.dark, pictures].join();
      if (now !== known) {
        known = now;
        const radius = frame.x(codes.edge) - frame.x(0);
        const { canvas: sheet, pen } = layer(surface, frame);
        if (pictures) {
          const { rim, line } = ON_PICTURES;
          for (const [width, color] of [[4, rim], [1.6, line]]) {
            const drawn = shore(surface, frame, codes, radius, width, color);
            pen.drawImage(drawn, 0, 0, surface.width, surface.height);
          }
        } else {
          const [xs, ys] = [[frame.left, frame.right], [frame.top, frame.top]];
          const here = { ...frame, x: (v) => v, y: (v) => v };
          genlib.controls.area({ context: pen, theme }, here, xs, ys, {
            color: "grey", alpha: 0.1, pattern: "lines", base: frame.bottom,
          });
          discs(pen, frame, codes, radius, "destination-out");
        }
        made = sheet;
      }
      surface.context.globalAlpha = pictures ? 1 : 0.45;
      surface.context.drawImage(made, 0, 0, surface.width, surface.height);
      surface.context.globalAlpha = 1;
    };
  }

  /**
   * The map as pictures: what the decoder draws at the middle of each square. A row for each call,
   * so that no frame of the page waits for all of them.
   *
   * @returns {{canvas: HTMLCanvasElement, more: () => boolean}} `more` paints; whether to go on
   */
  function pictureSheet(net, { middle, half }) {
    const [, height, width] = net.output;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [GRID * width, GRID * height];
    const pen = canvas.getContext("2d");
    const place = (i) => half * ((2 * i + 1) / GRID - 1);
    let row = 0;
    const more = () => {
      for (let column = 0; row < GRID && column < GRID; column += 1) {
        const values = net.run([middle[0] + place(column), middle[1] - place(row)]);
        pen.putImageData(genlib.picture(values, net.output), column * width, row * height);
      }
      row = Math.min(row + 1, GRID);
      return row < GRID;
    };
    return { canvas, more };
  }

  /**
   * Pictures of codes that were drawn, in two rows; those from holes have a frame.
   * @param {number} count even
   */
  function strip(net, count, name) {
    const [, height, width] = net.output;
    const step = width + 4;
    const screen = genlib.screen(name, [1, 2 * (height + 4), (count / 2) * step], "");
    screen.element.classList.add("latent-strip");
    screen.element.hidden = true;
    /** @param {{code: number[], hole: boolean}[]} draws */
    const show = (draws) => {
      const pen = screen.canvas.getContext("2d");
      pen.clearRect(0, 0, screen.canvas.width, screen.canvas.height);
      draws.forEach(({ code, hole }, i) => {
        const [x, y] = [(i % (count / 2)) * step, i < count / 2 ? 0 : height + 4];
        pen.fillStyle = hole ? genlib.controls.palette().vermilion : genlib.theme().surface;
        pen.fillRect(x, y, width + 4, height + 4);
        pen.putImageData(genlib.picture(net.run(code), net.output), x + 2, y + 2);
      });
      screen.element.hidden = false;
    };
    return { ...screen, show };
  }

  genlib.latentDrawing = {
    drawClass, nameClasses, drawPrior, drawDraws, stroked, holes, pictureSheet, strip,
  };
})();

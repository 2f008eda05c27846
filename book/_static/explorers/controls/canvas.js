// A canvas that fits its box, the screen's resolution and the theme.
//
// needs: controls/basics.js controls/canvas.css
"use strict";

(() => {
  const genlib = window.genlib;
  const { element } = genlib.controls;

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
      // What is drawn fits this ground: the page's may become another, on paper or where the
      // reader's system sets the colours.
      made.style.background = surface.theme.surface;
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
    genlib.onTheme(paint); // at once: nothing waits for a frame before it is printed
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

  Object.assign(window.genlib.controls, { canvas });
})();

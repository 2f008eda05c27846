// Formulas are set when the reader comes near them: the text can be read and moved from the start,
// and nobody waits for what is many screens away.
//
// `coursePage.whole()` lays out the whole page and sets every formula; printing does so by itself.
"use strict";
(() => {
  const SLICE = 8; // milliseconds of work at one go
  const LETTERS = /^"?MJXTEX(-I|-A|-C|-S1|-S2)?"?$/; // the fonts that nearly every formula needs
  const here = document.currentScript.src;
  /** @type {Set<Element>} */ const waiting = new Set();
  /** @type {Set<Element>} */ const near = new Set();
  let many = 1; // formulas at one go
  let all = false; // none is left out any more, however far away it is
  let running = null; // the promise of the work that goes on
  let ready; // called when MathJax can be used

  const settings = (window.MathJax ??= {});
  const loaded = new Promise((resolve) => (ready = resolve));
  settings.startup = { ...settings.startup, typeset: false, pageReady: async () => ready() };

  /** Keeps a promise in the next free moment, within `limit` milliseconds. */
  const free = (limit) => new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: limit });
    else setTimeout(resolve, 1);
  });

  /** Takes up to `many` formulas off the lists. */
  function take() {
    const chosen = [...near].slice(0, many);
    for (const formula of chosen) {
      near.delete(formula);
      waiting.delete(formula);
    }
    return chosen;
  }

  /** Sets the formulas that are near, a few between two frames, until there are none. */
  async function run() {
    await loaded;
    while (near.size) {
      await free(50);
      const began = performance.now();
      const chosen = take();
      if (!chosen.length) break; // the reader has gone on
      await MathJax.typesetPromise(chosen);
      many = Math.ceil(Math.min(8, (SLICE * chosen.length) / (performance.now() - began)));
      for (const formula of chosen) formula.dispatchEvent(new Event("typeset", { bubbles: true }));
    }
  }

  /** Starts the work unless it goes on already. */
  function set() {
    running ??= run()
      .catch((error) => console.error(`a formula could not be set: ${error.message}`))
      .finally(() => (running = null));
    return running;
  }

  /** All at once and without a pause: paper does not wait. */
  function setBeforePrinting() {
    const rest = [...waiting];
    waiting.clear();
    near.clear();
    if (rest.length && window.MathJax.typeset) MathJax.typeset(rest);
  }

  async function whole() {
    document.documentElement.classList.add("whole-page");
    await loaded;
    all = true;
    for (const formula of waiting) near.add(formula);
    while (near.size) await set();
    await running;
    document.dispatchEvent(new Event("whole-page"));
  }

  /** A page may be printed at any time, and paper does not wait for letters either. */
  async function fetchLetters() {
    await loaded;
    await free(2000);
    const [first] = waiting;
    if (first && !document.querySelector("mjx-container")) near.add(first); // names the fonts
    await set();
    for (const font of document.fonts) if (LETTERS.test(font.family)) font.load();
  }

  /** Notes where the formulas are, and fetches MathJax once the page stands. */
  function prepare() {
    for (const formula of document.querySelectorAll(".math")) waiting.add(formula);
    if (!waiting.size) return ready();
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!waiting.has(target)) watch.unobserve(target);
        else if (isIntersecting) near.add(target);
        else if (!all) near.delete(target);
      }
      if (near.size) set();
    }, { rootMargin: "100% 0px" });
    for (const formula of waiting) watch.observe(formula);
    addEventListener("beforeprint", setBeforePrinting);
    free(500).then(() => {
      const script = document.createElement("script");
      script.src = new URL("vendor/mathjax/startup.js", here).href;
      script.onerror = () => console.error(`formulas cannot be set: no ${script.src}`);
      document.head.append(script);
    });
    fetchLetters();
  }

  window.coursePage = { whole };
  if (document.readyState === "complete") prepare();
  else addEventListener("load", prepare);
})();

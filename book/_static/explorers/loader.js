// Starts the page's explorers when they are asked for, and only then loads what they need.
//
// Each `<figure class="explorer">` shows a still picture and a button. The button loads the scripts
// and the data that the figure names, and hands the figure's stage to the explorer. Scripts are
// plain ones, inserted by <script>: a page opened from disk may neither fetch nor import.
"use strict";

(() => {
  const base = new URL(".", document.currentScript.src);
  const starts = new Map(); // explorer -> start(stage, {data, options, figure})
  const received = new Map(); // data file -> its content
  const loading = new Map(); // path -> Promise
  const listeners = new Set(); // called when the theme changes
  const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442",
    "#7f7f7f"];

  /** Insert a script of this folder, once; resolves when it has run. */
  function load(path) {
    if (!loading.has(path)) {
      const done = new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(path, base).href;
        script.onload = () => resolve();
        script.onerror = () => {
          loading.delete(path); // a second press tries again
          script.remove();
          reject(new Error(`${path} could not be loaded`));
        };
        document.head.append(script);
      });
      loading.set(path, done);
    }
    return loading.get(path);
  }

  /** Load the data file NAME and return what it holds. */
  async function data(name) {
    if (!received.has(name)) await load(`data/${name}.js`);
    if (!received.has(name)) throw new Error(`data/${name}.js holds no ${name}`);
    return received.get(name);
  }

  /** The page's colours and type, as they are now. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const of = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    return {
      dark: document.documentElement.dataset.theme === "dark",
      text: of("--pst-color-text-base", "#1f2933"),
      muted: of("--pst-color-text-muted", "#505d69"),
      surface: of("--pst-color-on-background", "#ffffff"),
      border: of("--pst-color-border", "#d6d6ce"),
      accent: of("--pst-color-primary", "#0b5e8a"),
      series: OKABE_ITO,
      font: getComputedStyle(document.body).fontFamily,
    };
  }

  function onTheme(callback) {
    listeners.add(callback);
  }

  new MutationObserver(() => listeners.forEach((callback) => callback(theme()))).observe(
    document.documentElement, { attributeFilter: ["data-theme"] },
  );

  /** Do `work` and note in `figure.answerTimes` how many milliseconds it took. */
  function answer(figure, work) {
    const began = performance.now();
    const result = work();
    figure.answerTimes.push(performance.now() - began);
    if (figure.answerTimes.length > 500) figure.answerTimes.shift();
    return result;
  }

  const words = (text) => (text ?? "").split(" ").filter(Boolean);

  /** Load what the figure names, in order, and let the explorer build itself in a new stage. */
  async function start(figure) {
    const still = figure.querySelector(".explorer-stage");
    const button = figure.querySelector(".explorer-start");
    const { explorer, scripts, data: files, options } = figure.dataset;
    figure.dataset.state = "starting";
    button.disabled = true;
    figure.querySelector(".explorer-failure")?.remove();
    try {
      for (const script of [...words(scripts), `${explorer}.js`]) await load(script);
      const contents = {};
      for (const name of words(files)) contents[name] = await data(name);
      const stage = document.createElement("div");
      stage.className = "explorer-stage explorer-live";
      still.hidden = true;
      still.after(stage); // in the page before it is filled, so that it has a width
      try {
        const begin = starts.get(explorer);
        if (!begin) throw new Error(`${explorer}.js defines no ${explorer}`);
        figure.api = await begin(stage, {
          data: contents, options: JSON.parse(options || "{}"), figure,
        });
      } catch (error) {
        stage.remove();
        still.hidden = false;
        throw error;
      }
      still.remove();
      figure.dataset.state = "ready";
      stage.querySelector("button, input, select, [tabindex='0']")?.focus({ preventScroll: true });
    } catch (error) {
      const line = document.createElement("p");
      line.className = "explorer-failure";
      line.setAttribute("role", "alert");
      line.textContent = `The explorer could not be started: ${error.message}. `
        + "Reload the page, or build the site again if you read it from disk.";
      still.append(line);
      button.disabled = false;
      figure.dataset.state = "failed";
    }
  }

  function prepare() {
    for (const figure of document.querySelectorAll("figure.explorer")) {
      figure.answerTimes = [];
      figure.dataset.state = "waiting";
      const button = figure.querySelector(".explorer-start");
      button.hidden = false;
      button.addEventListener("click", () => start(figure));
    }
  }

  window.genlib = {
    define: (name, begin) => starts.set(name, begin),
    receive: (name, value) => received.set(name, value),
    load,
    data,
    theme,
    onTheme,
    answer,
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepare);
  else prepare();
})();

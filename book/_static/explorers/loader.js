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

  /** Insert a script or a style sheet of this folder, once; resolves when it is there. */
  function load(path) {
    if (!loading.has(path)) {
      const done = new Promise((resolve, reject) => {
        const address = new URL(path, base).href;
        const tag = path.endsWith(".css")
          ? Object.assign(document.createElement("link"), { rel: "stylesheet", href: address })
          : Object.assign(document.createElement("script"), { src: address });
        tag.onload = () => resolve();
        tag.onerror = () => {
          loading.delete(path); // a second press tries again
          tag.remove();
          reject(new Error(`${path} could not be loaded`));
        };
        document.head.append(tag);
      });
      loading.set(path, done);
    }
    return loading.get(path);
  }

  /**
   * Ask for a file that will be loaded when those before it have run: so that many small files on
   * a slow line wait for one answer and not each for its own.
   */
  function announce(path) {
    if (loading.has(path)) return;
    const kind = path.endsWith(".css") ? "style" : "script";
    const href = new URL(path, base).href;
    document.head.append(Object.assign(document.createElement("link"), {
      rel: "preload", as: kind, href,
    }));
  }

  const dataPath = (name) => `data/${name}.js`;

  /** Load the data file NAME and return what it holds. */
  async function data(name) {
    if (!received.has(name)) await load(dataPath(name));
    if (!received.has(name)) throw new Error(`${dataPath(name)} holds no ${name}`);
    return received.get(name);
  }

  const paper = window.matchMedia("print");

  /** The page's colours and type, as they are now; on paper a dark page is light. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const of = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    return {
      dark: document.documentElement.dataset.theme === "dark" && !paper.matches,
      text: of("--pst-color-text-base", "#1f2933"),
      muted: of("--pst-color-text-muted", "#505d69"),
      surface: of("--pst-color-on-background", "#ffffff"),
      border: of("--pst-color-border", "#d6d6ce"),
      font: getComputedStyle(document.body).fontFamily,
    };
  }

  function onTheme(callback) {
    listeners.add(callback);
  }

  const tell = () => listeners.forEach((callback) => callback(theme()));
  new MutationObserver(tell).observe(
    document.documentElement, { attributeFilter: ["data-theme"] },
  );
  paper.addEventListener("change", tell);

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
      for (const path of [...words(scripts), ...words(files).map(dataPath)]) announce(path);
      for (const script of words(scripts)) await load(script);
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
      if (document.activeElement === document.body) button.focus(); // where the reader was
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

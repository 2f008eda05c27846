// What scrolls sideways (a long formula, a wide table) can be reached and moved with the keyboard.
(() => {
  const wide = "mjx-container[display=true], .pst-scrollable-table-container, main pre, .cell_output";
  const mark = () => {
    for (const element of document.querySelectorAll(wide)) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  const start = () => {
    mark();
    window.MathJax?.startup?.promise?.then(mark);
    window.addEventListener("resize", mark);
  };
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();

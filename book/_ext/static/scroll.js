// What scrolls sideways (a long formula, a wide table) can be reached and moved with the keyboard.
"use strict";
(() => {
  const wide = "mjx-container[display=true], .pst-scrollable-table-container, main pre, .cell_output,"
    + " .cell_output > .output, .jp-RenderedHTMLCommon";
  const mark = (element) => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
    if (scrollWidth > clientWidth || scrollHeight > clientHeight) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  };
  // A box is measured when it comes near, and again when its size changes: to measure all of them
  // at the start would lay out the whole page.
  const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target)));
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watch.unobserve(target);
      resized.observe(target);
    }
  }, { rootMargin: "100% 0px" });
  const start = () => document.querySelectorAll(wide).forEach((element) => watch.observe(element));
  document.addEventListener("typeset", ({ target }) => {
    target.querySelectorAll(wide).forEach((element) => watch.observe(element));
  });
  document.addEventListener("whole-page", () => document.querySelectorAll(wide).forEach(mark));
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();

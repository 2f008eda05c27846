// A link into a page leads to its place, and stays there.
//
// Sections that are far away have heights that are only guessed. On the way to a place they get
// their real ones, and the place moves; so it is brought back until it stands still.
"use strict";
(() => {
  const STILL = 40; // frames without a move, after which the place is taken to be reached
  const READER = ["wheel", "touchstart", "pointerdown", "keydown"];
  let journey = 0; // which one goes on; a later one ends it

  function place() {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null; // a stray % in the address
    }
  }

  function go() {
    const target = place();
    if (!target) return;
    const own = (journey += 1);
    const leave = () => { if (journey === own) journey += 1; };
    for (const event of READER) addEventListener(event, leave, { once: true, passive: true });
    let still = 0;
    const step = () => {
      if (journey !== own) return; // the reader has gone on
      const before = target.getBoundingClientRect().top;
      target.scrollIntoView({ behavior: "instant" });
      const moved = Math.abs(target.getBoundingClientRect().top - before);
      still = moved < 2 ? still + 1 : 0;
      if (still < STILL) requestAnimationFrame(step);
    };
    step();
  }

  addEventListener("hashchange", go);
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href*='#']");
    // The same place once more changes no address.
    if (link && link.href === location.href) setTimeout(go);
  });
  const arrive = () => {
    // Who comes back, or loads the page again, wants to be where they were.
    if (performance.getEntriesByType("navigation")[0]?.type === "navigate") go();
  };
  if (document.readyState === "complete") arrive();
  else addEventListener("load", arrive);
})();

// The contents beside the text show which section is being read.
//
// In place of Bootstrap's script for it, which measures every section when the page opens and so
// lays out all of them.
"use strict";
(() => {
  const start = () => {
    /** @type {Map<Element, Element[]>} */ const links = new Map();
    for (const link of document.querySelectorAll(".bd-toc-nav a.nav-link[href^='#']")) {
      const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (section) links.set(section, [...(links.get(section) ?? []), link]);
    }
    const seen = new Set();

    /** Marks the links of the section at the top of the screen, and those that it is a part of. */
    const mark = () => {
      const read = [...links.keys()].filter((section) => seen.has(section)).at(-1);
      for (const [section, all] of links) {
        for (const link of all) link.classList.toggle("active", read ? section.contains(read) : false);
      }
    };
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) seen.add(target);
        else seen.delete(target);
      }
      mark();
    }, { rootMargin: "-10% 0px -85%" });
    for (const section of links.keys()) watch.observe(section);
  };
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
})();

/**
 * The search page: symbols, terms, functions and exercises by name first, then the pages on which
 * all words of the query stand, each with the sentence that has them. Works from disk: Sphinx would
 * fetch every page for its summary. Data come from search-entries.js, words from language_data.js,
 * and search-match.js compares them.
 */
"use strict";
{
  const { allowed, comparable, counted, likeness, meant, mistakes, nearness, relevance } =
    window.genlibSearchMatch;

  /** Among equally good ones: the order in which kinds are shown. */
  const KINDS = [
    "symbol", "measure", "glossary term", "exercise", "question", "module", "class", "function",
  ];
  /** What a kind's names count less than those of the others. */
  const LESS = { section: 8, paper: 10 };
  const STRONG = 65; // an entry that is at least half of what was asked for stands above the pages
  const MOST_STRONG = 30;
  const MOST_WEAK = 15;
  const EXCERPT = 240; // characters
  const MOST_CORRECTED = 6; // words of a query in which slips are looked for

  /** @typedef {{url: string, name: string, kind: string, text: string, score: number}} Result */

  const { pages, entries, sections } = window.genlibSearch;
  const address = (page, anchor) => `${pages[page][0]}.html${anchor ? `#${anchor}` : ""}`;

  /** Everything with a name; made at the first query, when language_data.js is there. */
  function everything() {
    const all = entries.map(([name, kind, page, anchor, text, aliases]) => ({
      result: { url: address(page, anchor), name, kind, where: pages[page][1], text },
      keys: [name, ...aliases].map(comparable),
    }));
    for (const [page, anchor, name, text] of sections) {
      if (!anchor) continue;
      const where = pages[page][1];
      all.push({
        result: { url: address(page, anchor), name, kind: "section", where, text },
        keys: [comparable(name)],
      });
    }
    return all;
  }
  let names = null;

  /** @param {string} query @returns {Result[]} best first */
  function named(query) {
    names ??= everything();
    const asked = comparable(query);
    const program = /[_.]/.test(query); // a name of Python: its function before the term
    const rank = ({ kind }) => {
      const place = KINDS.indexOf(kind);
      if (program && ["function", "class", "method", "module"].includes(kind)) return -1;
      return place < 0 ? KINDS.length : place;
    };
    const found = [];
    for (const { result, keys } of names) {
      // A symbol's name in code counts a little less than what is called by that name.
      const alias = result.kind === "symbol" ? 2 : 0;
      const score = Math.max(...keys.map((key, i) => likeness(asked, key) - (i ? alias : 0)));
      if (score <= 20) continue;
      const near = nearness(asked, keys[0]);
      found.push({ ...result, score: score + near - (LESS[result.kind] ?? 0) });
    }
    return found.sort(
      (a, b) => b.score - a.score || rank(a) - rank(b) || a.name.localeCompare(b.name),
    );
  }

  /** The words of each section and of its heading; made when text is looked through. */
  const tokens = () => sections.map(([, , heading, text]) => [counted(text), counted(heading)]);
  let counts = null;

  /** How many of the wanted words a text has. @param {string} text @param {string[]} wanted */
  const count = (text, wanted) => {
    const { counts: has } = counted(text);
    return wanted.filter((word) => has.has(word)).length;
  };

  /** Names that are written nearly like the query. @param {string} query */
  function similar(query) {
    const { compact } = comparable(query);
    const most = allowed(compact);
    if (!most) return [];
    return names
      .map(({ result, keys }) => {
        const near = keys.filter((key) => Math.abs(key.compact.length - compact.length) <= most);
        return { ...result, off: Math.min(...near.map((key) => mistakes(compact, key.compact))) };
      })
      .filter(({ off }) => off <= most)
      .sort((a, b) => a.off - b.off)
      .slice(0, 5);
  }

  /** How often the book has each word, as it is written. */
  function vocabulary() {
    const often = new Map();
    const texts = [
      ...sections.map(([, , heading, text]) => `${heading} ${text}`),
      ...entries.map(([name, , , , , aliases]) => [name, ...aliases].join(" ")),
    ];
    for (const text of texts) {
      for (const word of splitQuery(text)) often.set(word, (often.get(word) ?? 0) + 1);
    }
    return often;
  }

  /** The query with its misspelt words put right, or null. @param {string} query */
  function corrected(query) {
    const asked = splitQuery(query);
    if (!asked.length || asked.length > MOST_CORRECTED) return null;
    const known = vocabulary();
    const right = asked.map((word) => meant(word, known));
    return right.includes(null) || right.every((word, i) => word === asked[i])
      ? null : right.join(" ");
  }

  /**
   * The part of a text that has most of the words.
   * @param {string} text
   * @param {string[]} wanted
   */
  function excerpt(text, wanted) {
    const sentences = text.match(/.+?(?:[.:?!](?=\s)|$)/gu) ?? [];
    let best = 0;
    let most = -1;
    sentences.forEach((sentence, i) => {
      const here = count(sentence, wanted);
      if (here > most) [best, most] = [i, here];
    });
    const said = sentences.slice(best, best + 2).join("").trim();
    if (said.length <= EXCERPT) return said;
    return `${said.slice(0, EXCERPT).replace(/\s+\S*$/, "")} …`;
  }

  /** A word, or the words of the book that have it in them if it is none itself. */
  function beginnings(word) {
    const all = new Set(counts.flatMap(([text]) => [...text.counts.keys()]));
    return all.has(word) || word.length < 3 ? [word] : [...all].filter((one) => one.includes(word));
  }

  /** In how many sections each wanted word does not stand. @param {string[]} wanted */
  function rarity(wanted) {
    const share = (word) =>
      counts.filter(([text, heading]) => text.counts.has(word) || heading.counts.has(word)).length;
    return new Map(wanted.map((word) => [word, Math.log(1 + sections.length / (1 + share(word)))]));
  }

  /**
   * Pages, each at the section that says most about the words, best first.
   * @param {Set<string>} searched
   * @param {(page: string) => boolean} chosen
   * @returns {Result[]}
   */
  function sectionsAbout(searched, chosen) {
    counts ??= tokens();
    const wanted = [...searched].flatMap(beginnings);
    const rare = rarity(wanted);
    const best = new Map();
    sections.forEach((section, i) => {
      const [page] = section;
      if (!chosen(pages[page][0])) return;
      const here = relevance(...counts[i], rare);
      if (here > (best.get(page)?.here ?? -1)) best.set(page, { section, here });
    });
    const found = [...best].map(([page, { section, here }]) => {
      const [, anchor, heading, text] = section;
      const [name, title] = pages[page];
      const about = relevance({ tokens: 0, counts: new Map() }, counted(title), rare);
      return {
        url: address(page, anchor),
        name: anchor ? heading : title,
        kind: anchor ? "section" : "page",
        where: title,
        text: here ? excerpt(text, wanted) : "In the code or the quiz of this page.",
        // The library's reference says it shortest; a reader of the text wants the text.
        score: (here + about) * (name.startsWith("api/") ? 0.7 : 1),
      };
    });
    return found.sort((a, b) => b.score - a.score);
  }

  /**
   * The pages on which all words stand.
   * @param {Set<string>} searched
   * @param {Set<string>} excluded
   */
  function pagesWith(searched, excluded) {
    if ([...searched].every((word) => word.length < 2)) return []; // letters stand on every page
    const found = new Set(Search.performTermsSearch(searched, excluded).map(([name]) => name));
    return found.size ? sectionsAbout(searched, (page) => found.has(page)) : [];
  }

  /** What stands for a query that has no answer as a whole. @param {Set<string>} searched */
  const pagesWithSome = (searched) =>
    searched.size < 2 ? [] : sectionsAbout(searched, () => true)
      .filter(({ score }) => score > 0).slice(0, 5);

  /** @param {string} query @returns {Result[]} */
  function answer(query) {
    const [, searched, excluded] = Search._parseQuery(query);
    const byName = named(query);
    const strong = byName.filter(({ score }) => score >= STRONG).slice(0, MOST_STRONG);
    const weak = byName.filter(({ score }) => score < STRONG).slice(0, MOST_WEAK);
    const inPapers = new Set(byName.filter(({ kind }) => kind === "paper").map((one) => one.where));
    const inText = pagesWith(searched, excluded)
      .filter(({ score, where }) => score || !inPapers.has(where)); // the paper says it better
    const seen = new Set();
    return [...strong, ...inText, ...weak].filter(({ url, name }) => {
      const key = `${url} ${url.includes("symbol") ? name : ""}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  /**
   * The answer, and what to say about it if the query as it is written has none.
   * @param {string} query
   * @returns {{results: Result[], said: string}}
   */
  function respond(query) {
    const short = query.length > 80 ? `${query.slice(0, 80)}…` : query;
    if (!query.trim()) return { results: [], said: "Type a word, a symbol or a name of the code." };
    const results = answer(query);
    const n = results.length;
    if (n) return { results, said: `${n} ${n === 1 ? "result" : "results"} for “${short}”.` };
    const [, searched] = Search._parseQuery(query);
    if (!searched.size) {
      return { results: [], said: `“${short}” has no word that is looked for: add one.` };
    }
    const nothing = `Nothing in the book has “${short}”.`;
    // N(0, I) is a case of N(μ, Σ).
    const head = query.match(/^\s*([^()\s]+\()/)?.[1];
    const general = head ? named(head).filter(({ name }) => name.startsWith(head)) : [];
    if (general.length) return { results: general, said: `${nothing} This is like it:` };
    const right = corrected(query);
    const better = right ? answer(right) : [];
    if (better.length) return { results: better, said: `${nothing} Did you mean “${right}”?` };
    const near = similar(query);
    if (near.length) return { results: near, said: `${nothing} Did you mean one of these?` };
    const some = pagesWithSome(searched);
    if (some.length) return { results: some, said: `${nothing} These have some of its words.` };
    return { results: [], said: `${nothing} Try another word, the Glossary or the Notation.` };
  }

  /** @param {Result} result @returns {HTMLLIElement} */
  function item(result) {
    const element = document.createElement("li");
    const link = document.createElement("a");
    link.className = "search-name";
    link.href = result.url;
    link.textContent = result.name;
    const kind = document.createElement("span");
    kind.className = "search-kind";
    const alone = ["page", "glossary term"].includes(result.kind);
    kind.textContent = alone ? result.kind : `${result.kind} in ${result.where}`;
    element.append(link, kind);
    if (result.text) {
      const text = document.createElement("p");
      text.className = "context";
      text.textContent = result.text.length > EXCERPT
        ? `${result.text.slice(0, EXCERPT).replace(/\s+\S*$/, "")} …` : result.text;
      element.append(text);
    }
    return element;
  }

  /** language_data.js has Sphinx call this with the query when its index is there. */
  const show = (query) => {
    const { results, said } = respond(query);
    // Sphinx marks the words on the page that is opened; a short one would be marked within others.
    const marked = splitQuery(query).filter((word) => word.length > 4 && !word.includes("_"));
    localStorage.setItem("sphinx_highlight_terms", marked.join(" "));
    Search.stopPulse();
    Search.title.textContent = "Search results";
    Search.status.setAttribute("role", "status");
    Search.output.append(...results.map(item));
    Search.status.textContent = said;
  };
  window.genlibSearchPage = { query: show, respond };

  // The theme means to focus the page's field and takes that of its hidden dialog. Where a finger
  // points, a focused field would lay a keyboard over the results.
  document.addEventListener("DOMContentLoaded", () => {
    if (matchMedia("(pointer: fine)").matches || !location.search) {
      document.querySelector(".bd-search-container input")?.focus();
    }
  });
}

/**
 * How the search takes a query apart: as search_words.py does with the pages, whose tables precede
 * this text in language_data.js.
 */

/**
 * @param {string} text
 * @returns {string} in small letters without accents, Greek letters and TeX commands as words
 */
function searchFold(text) {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/\\var(?=[a-z])/g, "\\")
    .replace(/\\([A-Za-z]+)/g, (_, name) => (SEARCH_LOOKS.includes(name) ? " " : ` ${name} `));
  return [...plain].map((c) => (c in SEARCH_LETTERS ? ` ${SEARCH_LETTERS[c]} ` : c)).join("")
    .toLowerCase();
}

const SEARCH_RULES = SEARCH_SPELLINGS.map(([from, to]) => [new RegExp(from), to]);

/**
 * @param {string} word
 * @returns {string} one spelling for words that have two
 */
function searchSpelling(word) {
  return SEARCH_RULES.reduce((w, [from, to]) => w.replace(from, to), word);
}

/**
 * @param {string} query
 * @returns {string[]} its words; names with underscores stay whole. Sphinx asks for this name.
 */
var splitQuery = (query) =>
  (searchFold(query).match(/[\p{L}\p{N}_]+/gu) ?? [])
    .map((word) => searchSpelling(word.replace(/^_+|_+$/g, "")))
    .filter((word) => word);

// Sphinx reads this file after searchtools.js and before the index, in whatever way pages load their
// scripts. So here its way of answering a query gives place to that of search-page.js.
if (typeof Search !== "undefined") Search.query = (query) => window.genlibSearchPage.query(query);

"""How the search takes a text apart into words: here for the index, in JavaScript for a query.

Greek letters become their names, accents go, `\\mu` is mu, and a name of Python stays whole beside
its parts. `search_words.js` does the same with the tables that stand here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

from sphinx.search.en import SearchEnglish

NAMES = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega",
]  # fmt: skip
# Unicode writes "lamda". A letter's variants (ϵ, ϕ, ϑ) become the letter itself by normalisation.
GREEK = {
    unicodedata.lookup(f"GREEK {size} LETTER {name.replace('lambda', 'lamda').upper()}"): name
    for name in NAMES
    for size in ("SMALL", "CAPITAL")
} | {"ς": "sigma"}
SIGNS = {"∇": "nabla", "∂": "partial", "∞": "infinity", "∗": "*", "‖": "|"}
LETTERS = {**GREEK, **SIGNS}

# TeX that says how a formula looks and not what it is.
LOOKS = [
    "mathcal", "mathbb", "mathrm", "mathbf", "text", "operatorname", "left", "right", "big", "bigl",
    "bigr", "Big", "Bigl", "Bigr", "tfrac", "frac", "dfrac", "hat", "tilde", "bar", "quad", "qquad",
    "lVert", "rVert", "Vert", "mid", "lvert", "rvert", "begin", "end",
]  # fmt: skip

# Two spellings of one word, as patterns on a word in small letters.
SPELLINGS = (
    (r"is(?=(?:e|ed|es|er|ers|ing|ation|ations|able)$)", "iz"),
    (r"ys(?=(?:e|ed|es|er|ers|ing)$)", "yz"),
    (r"^(\w{3,})our(?=(?:s|ed|ing|hood|hoods|ful)?$)", r"\1or"),  # not four, hours
    (r"^(label|level|model|signal)l(?=(?:ed|er|ers|ing)$)", r"\1"),
    (r"^artefact", "artifact"),
    (r"^grey", "gray"),
    (r"^licence", "license"),
    (r"^reparametr(?=iz)", "reparameter"),
    (r"^programme(?=s?$)", "program"),
    (r"^(cent|met)re(?=s?$)", r"\1er"),
)


def fold(text: str) -> str:
    """`text` in small letters without accents, Greek letters and TeX commands as words."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"\\var(?=[a-z])", r"\\", plain)
    plain = re.sub(
        r"\\([A-Za-z]+)", lambda m: " " if m[1] in LOOKS else f" {m[1]} ", plain
    )  # fmt: skip
    return "".join(f" {LETTERS[c]} " if c in LETTERS else c for c in plain).lower()


def spelling(word: str) -> str:
    """One spelling for words that have two."""
    for pattern, replacement in SPELLINGS:
        word = re.sub(pattern, replacement, word)
    return word


def words(text: str) -> list[str]:
    """The words of `text`; names with underscores stay whole."""
    found = (word.strip("_") for word in re.findall(r"\w+", fold(text)))
    return [spelling(word) for word in found if word]


def _javascript() -> str:
    """`search_words.js` with the tables above."""
    spellings = [[pattern, replacement.replace("\\", "$")] for pattern, replacement in SPELLINGS]
    tables = {"LETTERS": LETTERS, "LOOKS": LOOKS, "SPELLINGS": spellings}
    return "\n".join(
        (
            *(f"const SEARCH_{name} = {json.dumps(one)};" for name, one in tables.items()),
            (Path(__file__).parent / "search_words.js").read_text(encoding="utf8"),
        )
    )


class Search(SearchEnglish):
    """English, with symbols and with the names of a program."""

    js_splitter_code = _javascript()

    def split(self, input: str) -> list[str]:
        whole = words(input)
        parts = (part for word in whole if "_" in word for part in word.split("_") if part)
        return [*whole, *parts]

"""Symbols, terms, names of the library, exercises and sections of the book, for its search page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from docutils import nodes
from plain_math import plain_math
from quizzes import quiz, quiz_option
from search_words import words
from sphinx import addnodes

LINE = 200  # characters of an entry's text
# What a section's text leaves out: programs, pictures, and what is drawn by a script.
SILENT = (nodes.literal_block, nodes.raw, nodes.image, nodes.comment, nodes.section, nodes.title)


@dataclass(frozen=True)
class Entry:
    """Something that can be searched by name. `aliases` are other names for it."""

    name: str
    kind: str  # "symbol", "glossary term", "function", …: what a reader is told
    page: str
    anchor: str
    text: str
    aliases: tuple[str, ...] = ()


def plain(node: nodes.Node) -> str:
    """The text of a node on one line, its formulas in plain characters."""
    if isinstance(node, SILENT):
        return ""
    if isinstance(node, addnodes.pending_xref_condition) and node["condition"] != "resolved":
        return ""  # the same name once more, for where the reference leads nowhere
    if isinstance(node, addnodes.desc_signature):
        return f" {node.get('fullname', '')} "
    if isinstance(node, (nodes.math, nodes.math_block)):
        space = "" if isinstance(node, nodes.math) else " "
        return f"{space}{plain_math(node.astext())}{space}"
    if isinstance(node, quiz_option):
        return plain(node.children[0])  # what follows says whether it is right
    if isinstance(node, nodes.Text):
        return str(node.astext())
    block = not isinstance(node, nodes.Inline)
    text = "".join(plain(child) for child in node.children)
    return f" {text} " if block else text


def line(node: nodes.Node, most: int = LINE) -> str:
    """`plain` cut to a line's length at a word's end."""
    text = " ".join(plain(node).split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def first(node: nodes.Element) -> str:
    """The first paragraph among the children, as a line."""
    return next((line(part) for part in node.children if isinstance(part, nodes.paragraph)), "")


def entries(
    doctrees: Mapping[str, nodes.document], aliases: Mapping[str, Sequence[str]]
) -> list[Entry]:
    """Everything with a name, page by page."""
    found: list[Entry] = []
    for page, doctree in doctrees.items():
        found += symbols(page, doctree)
        found += terms(page, doctree, aliases)
        library = list(documented(page, doctree))
        found += [*library, *modules(library)]
        found += exercises(page, doctree)
        found += questions(page, doctree)
    return found


def _rows(doctree: nodes.document) -> Iterator[tuple[nodes.row, list[nodes.entry]]]:
    for table in doctree.findall(nodes.table):
        if "notation" in table["classes"]:
            for body in table.findall(nodes.tbody):
                for row in body.findall(nodes.row):
                    yield row, [cell for cell in row.children if isinstance(cell, nodes.entry)]


def mark_symbols(doctree: nodes.document) -> None:
    """Ids for the rows of the notation: `symbol-mu` and so on."""
    used: dict[str, int] = {}
    for row, cells in _rows(doctree):
        name = "-".join(["symbol", *words(plain(cells[0]))])
        used[name] = used.get(name, 0) + 1
        row["ids"].append(name if used[name] == 1 else f"{name}-{used[name]}")


def symbols(page: str, doctree: nodes.document) -> Iterator[Entry]:
    """The rows of the notation; one that holds several symbols gives several entries."""
    for row, cells in _rows(doctree):
        if not row["ids"]:
            continue
        anchor, text = row["ids"][0], line(cells[1])
        in_code = tuple(code.astext() for code in cells[2].findall(nodes.literal))
        if in_code:
            text += f" – in code: {', '.join(in_code)}"
        formulas = [name for math in cells[0].findall(nodes.math) for name in split(math.astext())]
        for tex in formulas:
            left = tex.split(" = ")[0]
            name = plain_math(left)
            head = re.sub(r"\(.*\)$", "", name)
            other = {head, plain_math(tex), *in_code} - {name, ""}
            yield Entry(name, "symbol", page, anchor, text, tuple(sorted(other)))
        if not formulas:
            yield Entry(line(cells[0]), "measure", page, anchor, text, in_code)


def split(tex: str) -> list[str]:
    """`D^*, l^*` in two, `W_1(p, q)` in one piece."""
    parts, depth = [""], 0
    for character in tex:
        depth += (character in "({[") - (character in ")}]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def terms(
    page: str, doctree: nodes.document, aliases: Mapping[str, Sequence[str]]
) -> Iterator[Entry]:
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            texts = [line(part) for part in item.findall(nodes.definition)]
            for term in item.findall(nodes.term):
                name = term.astext()
                also = aliases.get(name.replace("’", "'"), ())
                yield Entry(
                    name, "glossary term", page, term["ids"][0], " ".join(texts), tuple(also)
                )


def documented(page: str, doctree: nodes.document) -> Iterator[Entry]:
    """What the API's pages document: functions, classes and their methods."""
    for described in doctree.findall(addnodes.desc):
        bodies = described.findall(addnodes.desc_content)
        text = next((first(body) for body in bodies if body.parent is described), "")
        for signature in described.findall(addnodes.desc_signature):
            if signature.parent is described and signature["ids"]:
                name = signature["ids"][0]
                short = tuple(".".join(name.split(".")[n:]) for n in range(1, name.count(".") + 1))
                yield Entry(name, str(described["objtype"]), page, name, text, short)


def modules(found: Sequence[Entry]) -> Iterator[Entry]:
    """A module is at the first thing of it that a page documents; its text names them all."""
    inside: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        if entry.kind in ("function", "class", "data", "exception"):
            inside.setdefault((entry.name.rpartition(".")[0], entry.page), []).append(entry)
    for (module, page), members in inside.items():
        names = ", ".join(member.name.rpartition(".")[2] for member in members)
        last = module.rpartition(".")[2]
        yield Entry(module, "module", page, members[0].anchor, names, (last,))


def exercises(page: str, doctree: nodes.document) -> Iterator[Entry]:
    for box in doctree.findall(nodes.admonition):
        title = next((child for child in box.children if isinstance(child, nodes.title)), None)
        if "exercise" in box["classes"] and title is not None and box["ids"]:
            name = " ".join(_title(title).split())
            yield Entry(name, "exercise", page, box["ids"][0], first(box), (name.split(":")[0],))


def questions(page: str, doctree: nodes.document) -> Iterator[Entry]:
    """The questions of the quiz."""
    for question in doctree.findall(quiz):
        number = question["number"]
        text = next((line(part) for part in question.children[1:]), "")
        yield Entry(
            f"Question {number}", "question", page, question["ids"][0], text, (f"quiz {number}",)
        )


def _title(node: nodes.title) -> str:
    return "".join(plain(child) for child in node.children)


def sections(doctree: nodes.document) -> list[tuple[str, str, str]]:
    """(anchor, title, text) of each section, its subsections left out; the first is the page."""
    found: list[tuple[str, str, str]] = []
    for section in doctree.findall(nodes.section):
        title = next((child for child in section.children if isinstance(child, nodes.title)), None)
        if title is not None and section["ids"]:
            text = " ".join(" ".join(plain(child) for child in section.children).split())
            anchor = section["ids"][0] if found else ""
            found.append((anchor, " ".join(_title(title).split()), text))
    # A section that begins with a subsection is described by that.
    for at in range(len(found) - 2, -1, -1):
        anchor, heading, text = found[at]
        found[at] = (anchor, heading, text or found[at + 1][2])
    return found

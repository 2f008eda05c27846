"""The blocks of a MyST text, with the lines they stand on, and the parts of a directive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tools.errors import BookError

# Block tokens that hold other tokens and need no care of their own.
HOLDERS = {
    "paragraph", "bullet_list", "ordered_list", "list_item", "blockquote",
    "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
COMMENT = re.compile(r"\s*<!--.*-->\s*", re.DOTALL)


@dataclass(frozen=True)
class Directive:
    """`:::{name} argument`, its options, and its body with the line the body begins on."""

    name: str
    argument: str
    options: dict[str, str]
    body: str
    body_line: int

    @property
    def classes(self) -> list[str]:
        return self.options.get("class", "").split()


@dataclass(frozen=True)
class Block:
    """Lines [start, end) of a text, and what they are.

    kind: text, heading, code, math, amsmath, target, comment, table, definitions or directive
    """

    kind: str
    start: int
    end: int
    content: str = ""
    label: str = ""
    level: int = 0
    inline: tuple[Any, ...] = ()
    directive: Directive | None = None
    items: tuple[tuple[str, int, int], ...] = field(default=())


def blocks(parser: Any, text: str, path: Any, line: int) -> Iterator[Block]:
    """The blocks of `text` that need care, in order, without overlap; `line` is its first line.

    Raises:
        BookError: a construct that the converter does not know.
    """
    tokens = parser.parse(text + "\n")
    done = 0
    for position, token in enumerate(tokens):
        if token.map is None or token.map[0] < done or token.nesting < 0:
            continue
        block = _block(tokens, position, path, line)
        if block is not None:
            done = block.end
            yield block


def _block(tokens: list[Any], position: int, path: Any, line: int) -> Block | None:
    token = tokens[position]
    start, end = token.map
    kind = token.type.removesuffix("_open")
    if kind == "front_matter" or kind in HOLDERS:
        return None
    if kind == "inline":
        return Block("text", start, end, token.content, inline=(token,))
    if kind == "heading":
        title = tokens[position + 1]
        level = int(token.tag[1])
        return Block("heading", start, end, title.content, level=level, inline=(title,))
    if kind == "hr":
        return Block("code", start, end)  # as it stands
    if kind == "code_block" or (kind == "fence" and not token.info.strip().startswith("{")):
        return Block("code", start, end, token.content)
    if kind in ("fence", "colon_fence"):
        return Block("directive", start, end, directive=directive(token, path, line))
    if kind in ("math_block", "math_block_label"):
        return Block("math", start, end, token.content, label=token.info or "")
    if kind == "amsmath":
        if token.meta["numbered"] != "*":
            raise BookError(
                f"\\begin{{{token.meta['environment']}}} gets a number that nothing can refer to; "
                "write the starred form, or $$ … $$ (label)",
                path, line + start,
            )  # fmt: skip
        # The parser's map leaves out the last line of such a block.
        end = max(end, start + token.content.rstrip("\n").count("\n") + 1)
        return Block("amsmath", start, end, token.content)
    if kind == "myst_target":
        return Block("target", start, end, label=token.content)
    if kind == "myst_line_comment" or (kind == "html_block" and COMMENT.fullmatch(token.content)):
        return Block("comment", start, end)
    if kind in ("table", "dl"):
        close = next(
            index for index in range(position, len(tokens))
            if tokens[index].type == f"{kind}_close" and tokens[index].level == token.level
        )  # fmt: skip
        inside = tokens[position:close]
        if kind == "table":
            return Block("table", start, end, inline=tuple(t for t in inside if t.type == "inline"))
        return Block("definitions", start, end, items=tuple(_definitions(inside)))
    raise BookError(f"the converter does not know this construct: {kind}", path, line + start)


def _definitions(tokens: list[Any]) -> Iterator[tuple[str, int, int]]:
    for token in tokens:
        if token.type in ("dt_open", "dd_open") and token.level == tokens[0].level + 1:
            yield token.type[:2], token.map[0], max(token.map[1], token.map[0] + 1)


def directive(token: Any, path: Any, line: int) -> Directive:
    """Read a fence token as a directive.

    Raises:
        BookError: the opening line is no `{name} argument`, or the options are not YAML.
    """
    opening = re.fullmatch(r"\{([\w:-]+)\}\s*(.*)", token.info.strip())
    if opening is None:
        raise BookError(
            f"expected a directive, `{token.markup}{{name}} argument`, found {token.info!r}",
            path, line + token.map[0],
        )  # fmt: skip
    lines = token.content.split("\n")
    options, count = _options(lines, path, line + token.map[0])
    while count < len(lines) and not lines[count].strip():
        count += 1
    body = "\n".join(lines[count:]).rstrip()
    return Directive(opening[1], opening[2].strip(), options, body, line + token.map[0] + 1 + count)


def _options(lines: list[str], path: Any, line: int) -> tuple[dict[str, str], int]:
    """The option block at a directive's head, and how many lines it takes."""
    if lines and lines[0].strip() == "---":
        end = next((n for n, text in enumerate(lines[1:], 1) if text.strip() == "---"), 0)
        block, count = lines[1:end], end + 1
    else:
        count = 0
        while count < len(lines) and re.match(r"\s*:[\w-]+:", lines[count]):
            count += 1
        block = [re.sub(r"^\s*:([\w-]+):", r"\1:", text) for text in lines[:count]]
        return {
            key.strip(): value.strip() for key, value in (text.split(":", 1) for text in block)
        }, count
    try:
        options = yaml.safe_load("\n".join(block)) or {}
    except yaml.YAMLError as error:
        raise BookError(f"the directive's options are not YAML: {error}", path, line) from error
    return {str(key): "" if value is None else str(value) for key, value in options.items()}, count

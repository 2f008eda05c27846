"""A formula of TeX as a line of plain characters, for places where nothing is typeset."""

from __future__ import annotations

import re
from unicodedata import lookup

from search_words import NAMES

SIGNS = {
    "mid": " | ", "Vert": " ‖ ", "|": " ‖ ", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|",
    "sim": " ∼ ",
    "odot": " ⊙ ", "cdot": "·", "times": "×", "le": " ≤ ", "ge": " ≥ ", "leq": " ≤ ", "geq": " ≥ ",
    "ne": " ≠ ", "approx": " ≈ ", "to": " → ", "infty": "∞", "nabla": "∇", "partial": "∂",
    "sum": "Σ", "prod": "Π", "int": "∫", "in": " ∈ ", "top": "ᵀ", "ell": "ℓ", "dots": "…",
    "ldots": "…",
    "quad": "  ", "qquad": "  ", ",": " ", ";": " ", "!": "", " ": " ", "{": "{", "}": "}",
}  # fmt: skip
WORDS = {"log", "exp", "max", "min", "inf", "sup", "det", "Pr", "arg", "tr", "diag", "sin", "cos"}
ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304"}
RAISED = dict(zip("0123456789+-=()nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵀ", strict=True))
LOWERED = dict(zip("0123456789+-=()aeijkmnprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₘₙₚᵣₛₜᵤᵥₓ", strict=True))
UP, DOWN = "\ue000", "\ue001"  # "^" and "_" that are done
GROUP = r"(?:\{([^{}]*)\}|([^\s{}\\])|(\\[A-Za-z]+))"  # a braced group, one character, a command


def _greek(name: str) -> str | None:
    small = name.lower().removeprefix("var")
    if small not in NAMES:
        return None
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    return lookup(f"GREEK {size} LETTER {small.replace('lambda', 'lamda').upper()}")


def _command(match: re.Match[str]) -> str:
    name = match[1]
    if name in SIGNS:
        return SIGNS[name]
    return _greek(name) or (f"{name} " if name in WORDS else "")


def _group(match: re.Match[str], first: int = 1) -> str:
    return next((g for g in match.groups()[first - 1 : first + 2] if g), "")


def _script(table: dict[str, str], mark: str) -> object:
    """What writes an exponent or an index: with its own characters where all of them exist."""

    def made(match: re.Match[str]) -> str:
        text = plain_math(_group(match))
        if text and all(c in table for c in text):
            return "".join(table[c] for c in text)
        if text in ("ᵀ", "*", "'"):
            return text
        return mark + (text if text.isalnum() else f"({text})")

    return made


def plain_math(tex: str) -> str:
    """`tex` as plain text: `\\log \\sigma^2` is log σ²."""
    text = re.sub(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])", "", tex)
    text = re.sub(r"\\(?:begin|end)\{[^}]*\}|&|\\\\", " ", text)
    for _ in range(4):  # groups within groups
        before = text
        text = re.sub(
            r"([_^]?)\\(?:mathcal|mathbb|mathrm|mathbf|text|operatorname)\s*" + GROUP,
            lambda m: f"{m[1]}{{{_group(m, 2)}}}" if m[1] else _group(m, 2),
            text,
        )
        text = re.sub(
            rf"\\({'|'.join(ACCENTS)})\s*" + GROUP,
            lambda m: plain_math(_group(m, 2)) + ACCENTS[m[1]], text,
        )  # fmt: skip
        text = re.sub(
            r"\\[td]?frac\s*" + GROUP + r"\s*" + GROUP,
            lambda m: f"{_part(_group(m))}/{_part(_group(m, 4))}", text,
        )  # fmt: skip
        text = re.sub(r"\\sqrt\s*" + GROUP, lambda m: f"√{_part(_group(m))}", text)
        text = re.sub(r"\^\s*" + GROUP, _script(RAISED, UP), text)  # type: ignore[arg-type]
        text = re.sub(r"_\s*" + GROUP, _script(LOWERED, DOWN), text)  # type: ignore[arg-type]
        if text == before:
            break
    text = re.sub(r"\\([A-Za-z]+|.)", _command, text)
    text = re.sub(r"[{}]", "", text).replace(UP, "^").replace(DOWN, "_")
    text = re.sub(r" (?=[₀-₉⁰-⁹²³¹])", "", text)
    text = re.sub(r"\s+(?=[),\]])|(?<=[(\[])\s+", "", text)
    return re.sub(r"(?<=\w) (?=\()", "", " ".join(text.split()))


def _part(group: str) -> str:
    text = plain_math(group)
    return text if len(text) < 2 or text.isalnum() else f"({text})"

"""What an explorer loads: in order, each file once, and everything that a script uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.errors import BookError
from tools.explorers import parts
from tools.explorers._scripts import HOME, with_needs

MADE = re.compile(r"\bgenlib\.(\w+) = |Object\.assign\(window\.genlib\.(\w+), ")
TOGETHER = re.compile(r"Object\.assign\((?:window\.)?genlib, \{([^}]*)\}")
USED = re.compile(r"\bgenlib\.(\w+)")
TAKEN = re.compile(r"const \{([^}]*)\} = (?:window\.)?genlib;")


def write(home: Path, **needs: str) -> None:
    for name, line in needs.items():
        (home / f"{name}.js").write_text(f"// What it is.\n//\n// needs: {line}\n" if line else "")


def test_what_is_needed_comes_before_and_once(tmp_path: Path) -> None:
    write(tmp_path, a="b.js c.js look.css", b="d.js", c="d.js b.js", d="", e="d.js")
    (tmp_path / "look.css").write_text("p {}")
    assert with_needs(["a.js"], tmp_path) == ["d.js", "b.js", "c.js", "look.css", "a.js"]
    assert with_needs(["e.js", "b.js"], tmp_path) == ["d.js", "e.js", "b.js"]


def test_a_missing_file_is_named_with_who_needs_it(tmp_path: Path) -> None:
    write(tmp_path, a="b.js", b="gone.js")
    with pytest.raises(BookError, match=r"gone\.js \(needed by b\.js\) is not in"):
        with_needs(["a.js"], tmp_path)
    with pytest.raises(BookError, match=r"z\.js is not in .*; write it, or mend its name"):
        with_needs(["z.js"], tmp_path)


def test_a_circle_is_named(tmp_path: Path) -> None:
    write(tmp_path, a="b.js", b="a.js")
    with pytest.raises(BookError, match=r"a\.js needs b\.js needs a\.js; cut that circle"):
        with_needs(["a.js"], tmp_path)


def made_by(path: Path) -> set[str]:
    """What of `genlib` a script makes, or adds to."""
    text = path.read_text(encoding="utf8")
    together = [name for names in TOGETHER.findall(text) for name in re.findall(r"\w+", names)]
    return {name for pair in MADE.findall(text) for name in pair if name}.union(together)


def used_by(path: Path) -> set[str]:
    """Names of `genlib` that a script uses, without those of the loader and its own."""
    text = re.sub(r"^\s*(//|\*).*$", "", path.read_text(encoding="utf8"), flags=re.M)
    names = set(USED.findall(text))
    for taken in TAKEN.findall(text):
        names |= {name.split(":")[0].strip() for name in taken.split(",") if name.strip()}
    return names - made_by(path)


@pytest.mark.parametrize("name", [part.replace("_", "-") for part in parts()])
def test_every_explorer_names_all_that_it_uses(name: str) -> None:
    makers: dict[str, set[str]] = {}
    for path in HOME.rglob("*.js"):
        for made in made_by(path):
            makers.setdefault(made, set()).add(path.relative_to(HOME).as_posix())
    assert {"controls", "densities", "network"} <= set(makers)
    loaded = with_needs([f"{name}.js"])
    for script in (one for one in loaded if one.endswith(".js")):
        for used in used_by(HOME / script) & set(makers):
            assert makers[used] <= set(loaded), f"{script} uses genlib.{used}"


def test_each_part_names_what_it_uses_itself() -> None:
    """A part of the controls may be moved in the list: it brings what it takes from the others."""
    given = re.compile(
        r"(?:genlib\.controls = |Object\.assign\(window\.genlib\.controls, )\{(.*?)\}", re.S
    )
    taken = re.compile(r"const \{(.*?)\} = (?:window\.)?genlib\.controls;", re.S)
    gives, takes = {}, {}
    for path in (HOME / "controls").glob("*.js"):
        text, name = path.read_text(encoding="utf8"), f"controls/{path.name}"
        gives[name] = {word for found in given.findall(text) for word in re.findall(r"\w+", found)}
        takes[name] = {word for found in taken.findall(text) for word in re.findall(r"\w+", found)}
        assert gives[name], name
    for name, words in takes.items():
        had = set().union(*(gives.get(one, set()) for one in with_needs([name])))
        assert words <= had, (name, words - had)

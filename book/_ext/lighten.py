"""Make the written pages light: only the icons and styles that are used, no idle markup, smaller
pictures in files of their own, and no script that a reader would have to wait for.

Nothing that a reader sees changes. A page must stay below three megabytes with all it loads.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from pictures import measured, unpack
from PIL import Image
from sheets import bundle

# Names, punctuation and spaces have the colour of the block itself; a chapter marks 14,000 of them.
IDLE_MARK = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
SOLID = re.compile(r'url\(\.\./webfonts/fa-solid-900\.woff2\) ?format\("woff2"\),')

SCRIPT = re.compile(r"<script (?![^>]*\b(?:async|defer)\b)(?=[^>]*\bsrc=)")
# Needed by scripts inside of the page, which are run before those that wait: put in its place.
OPTIONS = re.compile(r'<script src="([^"?]*documentation_options\.js)[^"]*"></script>')
# The theme measures everything that could scroll, on loading and after every change, and so lays
# out sections that nobody looks at; scroll.js does the same for what is near.
MEASURES = re.compile(r'document\.querySelectorAll\("pre, \.nboutput[^"]*"\)(?=\.forEach)')
PRELOAD = re.compile(r'\s*<link rel="preload" as="script"[^>]*>')


def without_idle_marks(text: str) -> str:
    """Highlighted code without the marks that set the colour which is there anyway."""
    return IDLE_MARK.sub(r"\1", text)


def patient(text: str, page: Path) -> str:
    """The page with scripts that are fetched beside it and run, in their order, after it."""
    text = OPTIONS.sub(
        lambda match: f"<script>{(page.parent / match[1]).read_text(encoding='utf8')}</script>",
        text,
    )
    return SCRIPT.sub('<script defer="defer" ', PRELOAD.sub("", text))


def without_measuring(script: str) -> str:
    """The theme's script without its measuring of everything that could scroll.

    Raises:
        ValueError: the theme has changed: look for what it does now.
    """
    mended, count = MEASURES.subn("[]", script)
    if count != 1:
        raise ValueError("pydata-sphinx-theme.js: not the script that MEASURES was written for")
    return mended


def lighten(out: Path) -> None:
    """Go over a built site."""
    for script in out.rglob("pydata-sphinx-theme.js"):
        script.write_text(without_measuring(script.read_text(encoding="utf8")), encoding="utf8")
    pages = {path: path.read_text(encoding="utf8") for path in out.rglob("*.html")}
    pages = {path: text for path, text in pages.items() if "_static" not in path.parts}
    names = small_pictures(out / "_images")
    for path, text in pages.items():
        lighter = without_idle_marks(text)
        for old, new in names.items():
            lighter = lighter.replace(f"_images/{old}", f"_images/{new}")
        lighter = measured(unpack(lighter, path, out / "_images"), path)
        pages[path] = patient(lighter, path)
    for css in out.rglob("fontawesome/*/css/all.min.css"):
        used_icons_only(css, out)
    pages |= bundle(out, pages)
    for path, text in pages.items():
        path.write_text(text, encoding="utf8")


def small_pictures(folder: Path) -> dict[str, str]:
    """Write each PNG as WebP too where that is smaller, and drop it; `{old name: new name}`.

    Without loss, or with so little that no eye sees it where that saves more.
    """
    names = {}
    for path in sorted(folder.glob("*.png")):
        picture = Image.open(path)
        kept = path.read_bytes()
        best = kept
        for how in ({"lossless": True, "quality": 90, "method": 5}, {"quality": 90}):
            target = io.BytesIO()
            mode = "RGBA" if "transparency" in picture.info or picture.mode == "RGBA" else "RGB"
            picture.convert(mode).save(target, "WEBP", **how)
            best = min(best, target.getvalue(), key=len)
        if best is not kept:
            path.with_suffix(".webp").write_bytes(best)
            path.unlink()
            names[path.name] = f"{path.stem}.webp"
    return names


def used_icons_only(css: Path, out: Path) -> None:
    """Font Awesome's style sheet and solid font with the icons of this site alone.

    Those that pages or scripts name, and those whose code other style sheets name.
    """
    texts = [p.read_text(encoding="utf8") for p in (*out.rglob("*.html"), *out.rglob("*.js"))]
    named = set(re.findall(r"\bfa-[a-z0-9-]+", " ".join(texts)))
    others = [p.read_text(encoding="utf8") for p in out.rglob("*.css") if p != css]
    codes = {int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", " ".join(others))}
    # Icons lie among the characters for private use; some sheets hold them as they are.
    codes |= {
        ord(character) for character in " ".join(others) if 0xE000 <= ord(character) <= 0xF8FF
    }
    font = css.parent.parent / "webfonts" / "fa-solid-900.ttf"

    def keep(rule: re.Match[str]) -> str:
        if not named & {name.removesuffix(":before")[1:] for name in rule[1].split(",")}:
            return ""
        codes.add(int(rule[2], 16))
        return rule[0]

    sheet = ICON_RULE.sub(keep, css.read_text(encoding="utf8"))
    solid = TTFont(font)
    subsetter = subset.Subsetter()
    subsetter.populate(unicodes=codes)
    subsetter.subset(solid)
    solid.flavor = "woff"
    solid.save(font.with_suffix(".woff"))
    smaller = 'url(../webfonts/fa-solid-900.woff) format("woff"),'
    css.write_text(SOLID.sub(smaller, sheet), encoding="utf8")

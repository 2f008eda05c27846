"""Make the written pages light: only the icons that are used, no idle markup, smaller pictures.

Nothing that a reader sees changes. A page must stay below three megabytes with all it loads.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

# Names, punctuation and spaces have the colour of the block itself; a chapter marks 14,000 of them.
IDLE_MARK = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
SOLID = re.compile(r'url\(\.\./webfonts/fa-solid-900\.woff2\) ?format\("woff2"\),')


def without_idle_marks(text: str) -> str:
    """Highlighted code without the marks that set the colour which is there anyway."""
    return IDLE_MARK.sub(r"\1", text)


def lighten(out: Path) -> None:
    """Go over a built site."""
    pages = {path: path.read_text(encoding="utf8") for path in out.rglob("*.html")}
    names = small_pictures(out / "_images")
    for path, text in pages.items():
        lighter = without_idle_marks(text)
        for old, new in names.items():
            lighter = lighter.replace(f"_images/{old}", f"_images/{new}")
        if lighter != text:
            path.write_text(lighter, encoding="utf8")
    for css in out.rglob("fontawesome/*/css/all.min.css"):
        used_icons_only(css, out)


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

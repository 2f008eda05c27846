"""Cleaning recorded output: progress-bar frames, widget views and terminal control codes."""

from __future__ import annotations

import re

from tools.nb import Node, node

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-LN-Za-ln-z]")  # cursor moves; colours (…m) stay
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def last_frames(text: str) -> str:
    """What a terminal would show in the end: of each line only its last non-empty frame.

    A carriage return goes back to the start of its line, so what follows overwrites the line.

    >>> last_frames("step 1\\rstep 2\\rstep 3\\nnext\\n")
    'step 3\\nnext\\n'
    """
    lines = []
    for line in CONTROL.sub("", text).replace("\r\n", "\n").split("\n"):
        frames = [frame for frame in line.split("\r") if frame]
        if len(frames) > 1 and not frames[-1].strip():
            continue  # a bar that wiped itself
        lines.append(frames[-1] if frames else "")
    return "\n".join(lines)


def clean_outputs(outputs: list[Node]) -> list[Node]:
    """Outputs as they should be kept: streams joined and settled, widget views dropped.

    stdout and stderr keep their order of first appearance. Execution times and the like in
    `metadata` are dropped; what a reader sees is not touched.
    """
    kept: list[Node] = []
    streams: dict[str, Node] = {}
    for output in outputs:
        if output.output_type == "stream":
            if output.name in streams:
                streams[output.name].text += output.text
                continue
            streams[output.name] = output
        elif WIDGET_VIEW in output.get("data", {}):
            continue
        else:
            # A picture between two prints keeps them apart.
            streams = {}
        kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            output.text = last_frames(output.text)
            if output.name == "stderr":
                output.text = "\n".join(line for line in output.text.split("\n") if line.strip())
                output.text += "\n" if output.text else ""
        elif output.output_type in ("display_data", "execute_result"):
            output.metadata = node(
                {key: value for key, value in output.metadata.items() if key == "needs_background"}
            )
            output.pop("transient", None)
    return [o for o in kept if o.output_type != "stream" or o.text.strip()]

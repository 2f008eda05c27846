"""Running a notebook once and keeping what it showed, with where that came from."""

from __future__ import annotations

import copy
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.errors import BookError
from tools.frames import clean_outputs
from tools.nb import Node, code_cell, code_cells, node
from tools.provenance import fingerprint, source_commit, versions
from tools.source import KERNEL, LANGUAGE

# Asked of the kernel after the last cell; this cell is not kept.
QUESTION = """
def _asked():
    import json, os
    import torch
    import genlib
    import genlib.data
    device = f"{os.cpu_count()}-core CPU"
    if genlib.pick_device().type == "cuda":
        device = torch.cuda.get_device_name()
    used = list(genlib.data.used())
    print(json.dumps({"profile": genlib.profile(), "device": device, "data": used}))
_asked()
"""


def execute(
    notebook: Node, *, name: str, code: str, profile: str, root: Path, timeout: int = 3600
) -> Node:
    """A copy of `notebook` with fresh outputs and provenance; the given one is not touched.

    Args:
        name: what messages call the notebook.
        code: `code_hash` of the source that the notebook was generated from.
        profile: `smoke`, `cpu` or `gpu`, set as GENLIB_PROFILE for the kernel.
        root: the repository, for the fingerprint and the commit of genlib.
        timeout: seconds that one cell may run.

    Raises:
        BookError: a cell failed, ran too long, or killed its kernel; the message names it.
    """
    done = copy.deepcopy(notebook)
    for cell in code_cells(done):
        cell.outputs, cell.execution_count = [], None
    plain = copy.deepcopy(done)
    question = code_cell(QUESTION)
    done.cells.append(question)
    at = 0

    def starts(cell: Node, cell_index: int, **_: Any) -> None:
        nonlocal at
        at = cell_index

    environment = {**os.environ, "GENLIB_PROFILE": profile, "PYTHONHASHSEED": "0"}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            done, timeout=timeout, kernel_name="python3", on_cell_execute=starts,
            resources={"metadata": {"path": folder}}, store_widget_state=False,
            extra_arguments=["--IPKernelApp.log_level=40"],
        )  # fmt: skip
        try:
            # What the author has solved stays out of the book.
            solved = str(Path(folder) / "progress.json")
            client.execute(env={**environment, "GENLIB_PROGRESS": solved})
        except CellExecutionError as error:
            raise BookError(_which(done, at, name, error.traceback)) from error
        except CellTimeoutError as error:
            raise BookError(_which(done, at, name, f"it ran over {timeout} s")) from error
        except DeadKernelError as error:
            raise BookError(_which(done, at, name, "the kernel died (memory?)")) from error
        except (KeyboardInterrupt, Exception) as error:
            # Ctrl-C takes the kernel away from nbclient, which then trips over itself.
            why = f"execution stopped ({type(error).__name__}); nothing was written"
            raise BookError(_which(done, at, name, why)) from None
    seconds = time.perf_counter() - started
    done.cells.remove(question)
    for count, cell in enumerate(code_cells(done), start=1):
        cell.outputs = clean_outputs(cell.outputs)
        cell.execution_count = count
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    told = json.loads("".join(output.get("text", "") for output in question.outputs))
    done.metadata = node(
        {
            **plain.metadata,
            "kernelspec": KERNEL,
            "language_info": LANGUAGE,
            "genlib": {
                **plain.metadata.get("genlib", {}),
                **told,
                "seconds": round(seconds, 1),
                "versions": versions(),
                "commit": source_commit(root),
                "fingerprint": fingerprint(plain, root),
                "code": code,
            },
        }
    )
    return done


def _which(notebook: Node, index: int, name: str, why: str) -> str:
    cell = notebook.cells[index]
    number = sum(c.cell_type == "code" for c in notebook.cells[: index + 1])
    return f"{name}, code cell {number} failed.\n\n{cell.source.rstrip()}\n\n{why}"

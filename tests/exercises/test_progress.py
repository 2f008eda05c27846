"""What counts as solved, that it is kept whole, and that keeping it never troubles a check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from genlib import exercises
from genlib.exercises import contents, forget_progress, keep_progress, kept, progress
from genlib.exercises.chapter2 import check_js, check_kl, check_kl_to_prior
from genlib.exercises.chapter4 import (
    check_discriminator_loss,
    check_generator_loss,
    check_round,
)

NAMES = [name for name in exercises.__all__ if name.startswith("check_")]


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """The file of this test, which is not there yet."""
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "mine.json"))
    monkeypatch.setattr(kept, "_said", set())
    return tmp_path / "mine.json"


def my_kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)


def half(p, q):
    return my_kl(p, q) / 2


def judge(real_logits, fake_logits):
    return torch.nn.functional.softplus(-real_logits) + persuade(-fake_logits)


def persuade(fake_logits):
    return torch.nn.functional.softplus(-fake_logits)


def round_without_a_bug(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    z = generator.noise(len(x), rng)
    d_optimizer.zero_grad()
    judge(discriminator(x), discriminator(generator(z).detach())).mean().backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    persuade(discriminator(generator(z))).mean().backward()
    g_optimizer.step()
    with torch.no_grad():
        return generator(generator.noise(len(x), rng))


def named(fn, name):
    def answer(*inputs):
        return fn(*inputs)

    answer.__name__ = name
    # A check looks at how many arguments the function takes.
    answer.__wrapped__ = fn
    return answer


# what counts


def test_every_check_belongs_to_one_exercise():
    of_parts = [part.check for parts in contents.EXERCISES.values() for part in parts]
    assert sorted(set(of_parts)) == sorted(NAMES)
    assert len(set(contents.EXERCISES)) == progress().total
    stubs = [(part.check, part.stub) for parts in contents.EXERCISES.values() for part in parts]
    assert len(set(stubs)) == len(stubs)
    for number, parts in contents.EXERCISES.items():
        for part in parts:
            modules = getattr(exercises, part.check).__module__
            assert modules.startswith(f"genlib.exercises.chapter{number[0]}")


def test_the_titles_of_the_reports_have_the_same_numbers():
    for number, parts in contents.EXERCISES.items():
        for part in parts:
            report = getattr(exercises, part.check)(lambda *_: ...)
            assert report.exercise.startswith(f"Exercise {number}"), part


def test_nothing_is_solved_at_first(file):
    assert progress().solved == progress().tried == ()
    assert str(progress()).startswith(f"0 of {len(contents.EXERCISES)} solved")
    assert not file.exists()


def test_a_pass_counts_and_stays(file):
    assert check_kl(my_kl)
    assert progress().solved == ("2.1",)
    assert not check_kl(half)
    assert progress().solved == ("2.1",)
    assert progress().tried == ()


def test_a_wrong_answer_counts_as_tried_until_it_is_right():
    check_kl(half)
    assert (progress().solved, progress().tried) == ((), ("2.1",))
    check_kl(my_kl)
    assert (progress().solved, progress().tried) == (("2.1",), ())


def test_a_pass_counts_however_the_report_is_shown():
    check_kl(lambda p, q: my_kl(p, q)).require()
    assert progress().solved == ("2.1",)


def test_a_stub_is_not_tried(file):
    for name in NAMES:
        getattr(exercises, name)(lambda *_: ...)
    assert not file.exists()


def test_solutions_do_not_count(file):
    solution = named(my_kl, "solution_kl")
    check_kl(solution).require()
    check_kl(named(half, "solution_kl"))
    assert not file.exists()


def test_an_exercise_of_two_checks_needs_both():
    check_discriminator_loss(judge)
    assert (progress().solved, progress().tried) == ((), ("4.1",))
    check_generator_loss(persuade)
    assert progress().solved == ("4.1",)


def test_three_rounds_with_one_check_are_told_apart_by_name(capsys):
    for _ in range(3):
        assert check_round(named(round_without_a_bug, "my_round_a"))
    assert (progress().solved, progress().tried) == ((), ("4.4",))
    assert check_round(named(round_without_a_bug, "mine"))
    assert "must be called my_round_a, my_round_b, my_round_c" in capsys.readouterr().err
    for name in ("my_round_b", "my_round_c"):
        assert check_round(named(round_without_a_bug, name))
    assert progress().solved == ("4.4",)


def test_what_is_shown_as_text_and_in_a_notebook(tmp_path):
    check_kl(my_kl)
    check_js(half)
    for shown in (str(progress()), repr(progress()), progress()._repr_html_()):
        assert f"1 of {len(contents.EXERCISES)} solved" in shown
        assert all(number in shown for number in contents.EXERCISES)
        assert str(tmp_path) not in shown  # outputs are shared
    row = next(line for line in str(progress()).splitlines() if line.startswith("2  "))
    assert row.split() == ["2", "2.1", "2.3", "2.2,", "2.4"]
    cells = "<td>2.1</td><td>2.3</td><td>2.2, 2.4</td>"
    assert f'<tr><th scope="row">2</th>{cells}</tr>' in progress()._repr_html_()


def test_in_a_notebook_run_all_solves_nothing_and_an_answer_does():
    shell = InteractiveShell()
    stub = "def my_kl(p, q):\n    return ..."
    check = "exercises.check_kl(my_kl)"
    right = "(torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)"
    solution = (
        f"def solution_kl(p, q):\n    return {right}\nexercises.check_kl(solution_kl).require()"
    )
    shown = "exercises.progress()"
    begin = "import torch; from genlib import exercises"
    results = [shell.run_cell(cell) for cell in (begin, stub, check, solution, shown)]
    assert all(result.success for result in results)
    assert results[-1].result.solved == results[-1].result.tried == ()
    html = shell.display_formatter.format(results[-1].result)[0]["text/html"]
    assert f"0 of {len(contents.EXERCISES)} solved" in html
    results = [shell.run_cell(cell) for cell in (stub.replace("...", right), check, shown)]
    assert results[-1].result.solved == ("2.1",)


# where it is kept


def test_another_kernel_goes_on_where_this_one_ended(file):
    check_kl(my_kl)
    code = (
        "import torch; from genlib import exercises; "
        "exercises.check_kl_to_prior(lambda m, s: (m**2 + s.exp() - 1 - s).sum(1) / 2); "
        "print(exercises.progress())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        cwd=Path(__file__).parents[2],
    ).stdout  # fmt: skip
    assert shown.startswith("2 of ")
    assert progress().solved == ("2.1", "2.2")


def test_a_folder_is_as_good_as_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "folder"))
    check_kl(my_kl)
    assert progress().file == tmp_path / "folder" / "progress.json"
    assert (tmp_path / "folder" / "progress.json").is_file()


def test_without_a_choice_it_is_kept_beside_the_downloads(tmp_path, monkeypatch):
    monkeypatch.delenv("GENLIB_PROGRESS")
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "not" / "yet" / "there"))
    check_kl(my_kl)
    assert progress().file == tmp_path / "not" / "yet" / "there" / "progress.json"
    assert progress().solved == ("2.1",)


def test_off_keeps_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("GENLIB_PROGRESS", "off")
    monkeypatch.chdir(tmp_path)
    assert check_kl(my_kl)
    assert (progress().solved, progress().file) == ((), None)
    assert "Nothing is kept" in str(progress())
    assert forget_progress().solved == ()
    assert list(tmp_path.iterdir()) == []


def test_another_place_takes_along_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "drive.json"))
    check_js(my_kl)  # tried, in an earlier session
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "mine.json"))
    check_kl(my_kl)
    shown = keep_progress(tmp_path / "drive.json")
    assert (shown.solved, shown.tried) == (("2.1",), ("2.3",))
    assert shown.file == tmp_path / "drive.json"
    check_kl_to_prior(lambda m, s: m.sum(1))
    assert "check_kl_to_prior" in (tmp_path / "drive.json").read_text()
    assert "check_kl_to_prior" not in (tmp_path / "mine.json").read_text()


def test_on_colab_passes_are_safe_on_a_drive_only(file, tmp_path, monkeypatch):
    assert "kept between sessions" in exercises.progress().note
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    assert "thrown away when you leave" in exercises.progress().note
    drive = tmp_path / "drive"
    monkeypatch.setattr(import_module("genlib.exercises.progress"), "DRIVES", drive.as_posix())
    with pytest.raises(FileNotFoundError, match="mount your drive"):  # access was denied
        exercises.keep_progress(drive / "MyDrive" / "genlib")
    (drive / "MyDrive").mkdir(parents=True)
    exercises.check_kl(lambda p, q: p)
    assert "kept between sessions" in exercises.keep_progress(drive / "MyDrive" / "genlib").note
    assert exercises.progress().tried == ("2.1",), "what was tried before comes along"
    shutil.rmtree(drive)  # Colab has let go of it
    assert not exercises.check_kl(lambda p, q: q)
    assert exercises.progress().solved == ()


def test_a_drive_that_is_not_mounted_is_told_and_nothing_is_made_in_its_place(tmp_path):
    drive = tmp_path / "drive"
    for place in (drive / "MyDrive" / "genlib", drive / "MyDrive" / "genlib.json"):
        with pytest.raises(FileNotFoundError, match=r"MyDrive.*drive\.mount"):
            keep_progress(place)
    assert not drive.exists()
    assert check_kl(my_kl)
    assert progress().file == tmp_path / "mine.json"


def test_a_chosen_place_that_is_not_there_yet_is_not_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "drive" / "MyDrive" / "genlib"))
    assert check_kl(my_kl)
    assert "cannot be kept" in capsys.readouterr().err
    assert not (tmp_path / "drive").exists()


def test_forgetting():
    check_kl(my_kl)
    assert forget_progress().solved == ()
    assert progress().solved == ()
    check_kl(my_kl)
    assert progress().solved == ("2.1",)


# what can go wrong


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"parts": []}', b'{"parts": {"check_kl": 3}}',
     b'{"parts": {"check_kl": {"solved": 1}}}', b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_is_put_aside_and_told(file, content, capsys):
    for turn in (1, 2):
        kept._said.clear()
        file.write_bytes(content)
        assert check_kl(my_kl)
        told = capsys.readouterr().err
        aside = file.with_name(f"mine-damaged-{turn}.json")
        assert "was damaged" in told
        assert str(aside) in told
        assert aside.read_bytes() == content
        assert progress().solved == ("2.1",)


def test_progress_of_a_damaged_file_is_shown(file, capsys):
    file.write_text("no JSON")
    assert progress().solved == ()
    assert "was damaged" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize("obstacle", ["a file in the folder's place", "a folder in the file's"])
def test_where_nothing_can_be_written_checks_go_on_and_it_is_said_once(
    obstacle, tmp_path, monkeypatch, capsys
):
    if obstacle == "a folder in the file's":
        (tmp_path / "mine.json").mkdir()
    else:
        (tmp_path / "home").write_text("")
        monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path / "home" / "mine.json"))
    for _ in range(3):
        assert check_kl(my_kl)
    told = capsys.readouterr().err
    assert told.count("cannot be kept") == 1
    assert "GENLIB_PROGRESS" in told
    assert progress().solved == ()
    assert "Nothing is kept" in progress().note
    assert progress().solved == ()
    assert capsys.readouterr().err.count("cannot be read") <= 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="may write everywhere")
def test_a_read_only_home(tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    monkeypatch.delenv("GENLIB_PROGRESS")
    monkeypatch.setenv("GENLIB_CACHE", str(home / "cache"))
    assert check_kl(my_kl)
    assert check_kl(my_kl)
    assert capsys.readouterr().err.count("cannot be kept") == 1


def test_no_home_at_all(monkeypatch, capsys):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(kept, "place", nowhere)
    assert check_kl(my_kl)
    assert progress().solved == ()
    assert "Could not determine" in capsys.readouterr().err


def test_a_kill_while_writing_leaves_the_old_file(file, monkeypatch):
    check_kl(my_kl)
    before = file.read_bytes()

    def killed(self, target):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", killed)
    assert check_js(my_kl).attempted
    assert file.read_bytes() == before


def test_kernels_that_write_at_once_lose_nothing(file):
    """Without the lock most of these are lost."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom genlib.exercises import kept\n"
        "file, name = Path(sys.argv[1]), sys.argv[2]\n"
        "kept.PATIENCE = 300\n"  # nobody goes on without the lock because others are slow
        "file.with_name(name).touch()\n"
        "while not file.with_name('go').exists(): time.sleep(0.001)\n"
        "for i in range(50):\n"
        "    entry = {f'{name} {i}': {'solved': 'now'}}\n"
        "    kept.change(file, lambda now: kept.merged(now, entry))\n"
    )
    names = ("one", "two")
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file), name], cwd=Path(__file__).parents[2]
        )
        for name in names
    ]
    until = time.monotonic() + 300
    while not all(file.with_name(name).exists() for name in names) and time.monotonic() < until:
        time.sleep(0.01)
    file.with_name("go").touch()
    assert [kernel.wait(timeout=300) for kernel in kernels] == [0, 0]
    found = json.loads(file.read_text())["parts"]
    assert sorted(found) == sorted(f"{name} {i}" for name in names for i in range(50))
    assert [path.name for path in file.parent.glob(".*.partial")] == []


def test_threads_lose_nothing(file, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 300)

    def write(k):
        for i in range(10):
            entry = {f"{k} {i}": {"solved": "now"}}
            kept.change(file, lambda now, entry=entry: kept.merged(now, entry))

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept.read(file)) == 40


def test_a_lock_that_nobody_gives_back_does_not_stop_a_check(file, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 0.05)
    with kept._locked(file):
        assert check_kl(my_kl)
    assert progress().solved == ("2.1",)


def test_entries_of_a_later_version_are_kept(file):
    file.write_text(json.dumps({"format": 1, "parts": {"check_new": {"solved": "2030"}}}))
    check_kl(my_kl)
    assert json.loads(file.read_text())["parts"]["check_new"] == {"solved": "2030"}

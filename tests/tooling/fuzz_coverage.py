# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of others' texts under a fuzzer: ``python -m tests.tooling.fuzz_coverage --minutes 10``.

With atheris, which sees what each input reaches and goes on from there; without its package, hypothesis edits the same
seeds. A finding is an exception that no document names, or a broken rule: each is kept under build/fuzz/findings with
its traceback, and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import importlib.util
import pathlib
import subprocess
import sys
import time
import traceback
import types
import typing as t

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

FOLDER: t.Final = pathlib.Path("build/fuzz")
FINDINGS: t.Final = FOLDER / "findings"
CORPUS: t.Final = FOLDER / "corpus"
INSTRUMENTED: t.Final = ["ansible_collections.portkeeper"]
LONGEST_INPUT: t.Final = 32_768
SLOWEST: t.Final = 120
"""Seconds for one input; far above what a crowded machine takes."""
_BATCH: t.Final = 500
_TARGETS: t.Final = "tests.tooling.fuzz_readers"
_SEEDS: t.Final = "tests.tooling.fuzz_seeds"


class Watch:
    """Runs inputs; counts them, and keeps the first input of each different finding."""

    def __init__(self, readers: types.ModuleType) -> None:
        self._readers = readers
        self.runs = 0
        self.found: collections.Counter[str] = collections.Counter()

    def read(self, data: bytes) -> None:
        """One input."""
        self.runs += 1
        try:
            self._readers.read_one(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._keep(error, data)

    def _keep(self, error: Exception, data: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-2:]
        places = " < ".join(f"{pathlib.Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        name = f"{type(error).__name__}: {places}"
        self.found[name] += 1
        if self.found[name] > 1:
            return
        FINDINGS.mkdir(parents=True, exist_ok=True)
        number = len(self.found)
        (FINDINGS / f"{number}.input").write_bytes(data)
        reader = self._readers.NAMES[data[0] % len(self._readers.NAMES)]
        text = "".join(traceback.format_exception(error))
        (FINDINGS / f"{number}.txt").write_text(f"{reader}: {name}\n{data[:2000]!r}\n{text}", encoding="utf-8")


def fuzz_with_atheris(seconds: int) -> t.NoReturn:
    """Never comes back: the library ends the process."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED):
        readers = importlib.import_module(_TARGETS)
    seeds = importlib.import_module(_SEEDS)
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, texts in seeds.seeds().items():
        for number, text in enumerate(texts):
            (CORPUS / f"{name.replace(' ', '-')}-{number}").write_bytes(readers.input_for(name, text))
    words = FOLDER / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in seeds.WORDS), encoding="ascii")
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={SLOWEST}", "-rss_limit_mb=2048"]
    options += [f"-dict={words}", f"-artifact_prefix={FINDINGS}/", "-print_final_stats=1", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *options, str(CORPUS)], Watch(readers).read)
    atheris.Fuzz()
    sys.exit(0)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def edits(words: t.Sequence[str]) -> st.SearchStrategy[list[tuple[float, int, bytes]]]:
    """Where, how many bytes go, and what comes instead."""
    more = st.binary(max_size=8) | st.sampled_from([word.encode() for word in words])
    return st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), more), max_size=6)


def edited(text: bytes, changes: t.Iterable[tuple[float, int, bytes]]) -> bytes:
    """The text with all of them."""
    for place, length, more in changes:
        start = int(place * len(text))
        text = text[:start] + more + text[start + length :]
    return text


def fuzz_with_hypothesis(*, examples: int, seconds: float) -> int:
    """That many inputs, or as many as the time allows; the number of different findings."""
    readers, seeds = importlib.import_module(_TARGETS), importlib.import_module(_SEEDS)
    watch, texts = Watch(readers), seeds.seeds()
    end = time.monotonic() + seconds if seconds else float("inf")
    inputs = st.sampled_from(readers.NAMES).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(texts[name]), edits(seeds.WORDS))
    )
    quiet = settings(
        max_examples=_BATCH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @quiet
    @given(inputs)
    def batch(case: tuple[str, bytes, list[tuple[float, int, bytes]]]) -> None:
        watch.read(readers.input_for(case[0], edited(case[1], case[2])))

    for number in range(1, sys.maxsize):
        if watch.runs >= (examples or sys.maxsize) or time.monotonic() > end:
            break
        seed(number)(batch)()
    print(f"hypothesis: {watch.runs} inputs of {len(readers.NAMES)} readers")
    return len(watch.found)


def report() -> int:
    """Show what was found; the exit code."""
    # What is not by number is atheris' own: an input that took too long or too much memory.
    found = sorted(path for path in FINDINGS.glob("*") if path.suffix != ".input")
    for path in found:
        sys.stdout.write(f"\n== {path}\n")
        sys.stdout.write(path.read_text(encoding="utf-8") if path.suffix == ".txt" else "too slow, or too large\n")
    print(f"{len(found)} findings" + (f", kept in {FINDINGS}" if found else ""))
    return 1 if found else 0


def main(arguments: t.Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--examples", type=int, default=0, help="with hypothesis, so many in place of the minutes")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given_ = parser.parse_args(arguments)
    seconds = int(given_.minutes * 60)
    if given_.worker:
        fuzz_with_atheris(seconds)
    for old in FINDINGS.glob("*"):
        old.unlink()
    FINDINGS.mkdir(parents=True, exist_ok=True)
    if given_.examples or importlib.util.find_spec("atheris") is None:
        fuzz_with_hypothesis(examples=given_.examples, seconds=0 if given_.examples else seconds)
        return report()
    worker = [sys.executable, "-m", "tests.tooling.fuzz_coverage", "--worker", "--minutes", str(given_.minutes)]
    ended = subprocess.run(worker, check=False).returncode
    return report() or ended


if __name__ == "__main__":
    sys.exit(main())

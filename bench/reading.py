"""How well and how fast messages are read: the corpus by class, microseconds per message, growth with the length.

Run it with the project's own Python: `python bench/reading.py`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from parsers.form import load_form  # noqa: E402
from parsers.read import read_message  # noqa: E402
from parsers.reading import Kind, OpenQuestion, Reading  # noqa: E402
from tests.parsers.corpus import Case, corpus_files, forms_for, read_cases  # noqa: E402
from tests.parsers.outcome import write_outcome  # noqa: E402

SENT_ON = date(2025, 10, 3)
FORMS = tuple(load_form(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "parsers/forms").glob("*.toml")))
MESSAGES = {
    "founding": "KB 0925 BARU 12 AKTIF 40 PIL 30",
    "glued": "KB0925BARU12AKTIF40PIL30",
    "number first": "KB 0925 12 BARU 40 AKTIF 30 PIL",
    "misspelt": "KB 0925 BARUU 12 AKTFI 40 KONDON 3O",
    "full": "KB PMB01 SEP 2025 BARU 12 PIL 5 SUNTIK 3 7 PASCA 2 GANTI 1 ULANG 20 AKTIF 40 PIL 30 IUD 4 CABUT 1 makasih",
    "stock": "ALOKON 0925 PIL 100/50/30/120 KONDOM 10/5/3/12 SUNTIK3 AWAL 40 TERIMA 20 KELUAR 15 SISA 45",
    "two reports": "KB 0925 BARU 12 AKTIF 40 ALOKON PIL 100/50/30/120",
    "no keyword": "Yth ibu, BARU 12 AKTIF 40",
    "asked": "KB 0925 BARU 12 XYZ 5",
    "command": "STATUS KB 0925",
    "chat": "Baru 12 orang yang datang hari ini",
    "not ascii": "\uff2b\uff22 \u0660\u0669\u0662\u0665 \u201cBARU\u201d 12 \U0001f44d AKTIF 40",
}
LONG = {
    "report again and again": "BARU 12 AKTIF 40 PIL 30 ",
    "words no form knows": "zzqx wwkv ",
    "near misses": "aktfi 4 konddm 3 ",
    "digits": "1",
    "lone dashes": "- ",
    "number words": "dua puluh satu ",
    "not ascii": "\uff2b\uff22 \u0660\u0669 ",
}


def class_of(case: Case, reading: Reading) -> str:
    """Say what became of a corpus message: read, asked about, left to a human, a command; or wrong."""
    if write_outcome(reading) != case.outcome:
        return "wrong"
    if reading.kind is Kind.REPORT or reading.kind is Kind.FRAGMENT:
        return "read" if reading.is_clean else "asked"
    return reading.kind.value


def count_corpus() -> None:
    """Print what became of every message of the corpus, file by file."""
    classes = ("read", "asked", "text", "command", "wrong")
    print(f"{'corpus':<26}" + "".join(f"{name:>9}" for name in classes))
    sums: Counter[str] = Counter()
    for path in corpus_files():
        forms = forms_for(path)
        counts: Counter[str] = Counter()
        for case in read_cases(path):
            asked = read_message(case.asked, case.sent_on, forms).reports[0] if case.asked else None
            question = OpenQuestion(asked) if asked else None
            counts[class_of(case, read_message(case.text, case.sent_on, forms, question))] += 1
        print(f"{path.name:<26}" + "".join(f"{counts[name]:>9}" for name in classes))
        sums += counts
    print(f"{'all':<26}" + "".join(f"{sums[name]:>9}" for name in classes) + "\n")


def microseconds(text: str, seconds: float = 0.3) -> list[float]:
    """Read a text again and again for a while; the time of each reading."""
    times: list[float] = []
    end = time.process_time() + seconds
    while time.process_time() < end or len(times) < 5:
        start = time.process_time()
        read_message(text, SENT_ON, FORMS)
        times.append((time.process_time() - start) * 1e6)
    return times


def main() -> None:
    """Print the three tables."""
    count_corpus()
    print(f"{'message':<26}{'characters':>11}{'median us':>11}{'p99 us':>9}")
    for name, text in MESSAGES.items():
        times = microseconds(text)
        print(f"{name:<26}{len(text):>11}{median(times):>11.0f}{quantiles(times, n=100)[98]:>9.0f}")
    print(f"\n{'growth, median us':<26}{'160':>9}{'400':>9}{'800':>9}{'1600':>9}{'1600/160':>10}")
    for name, piece in LONG.items():
        row = [median(microseconds((f"KB 0925 {piece * 1600}")[:size])) for size in (160, 400, 800, 1600)]
        print(f"{name:<26}" + "".join(f"{value:>9.0f}" for value in row) + f"{row[-1] / row[0]:>10.1f}")


if __name__ == "__main__":
    main()

"""How fast reports come in, and how much memory that takes."""

import os
import pathlib

import report
from machine import row, table
from stores import TABLES, timed


def run(machine, stores, args):
    for findings in args.findings:
        first, again = machine.folder / "first.nessus", machine.folder / "again.nessus"
        report.write(first, findings, day=12)
        report.write(again, findings, day=19)
        size = first.stat().st_size
        rows, notes = [], []
        for store in stores:
            measured, note = measure(machine, store, findings, first, again)
            rows += measured
            notes.append(note)
        plain = timed(lambda: copied(first, machine.folder / "copy.nessus"))
        rows.append(("reading and writing the report's bytes", "", f"{findings / plain:,.0f} findings/s",
                     f"{size / 2**20:.0f} MiB read and written, with fsync", ""))
        note = "\n".join(["Again: the scan of a week later, in which nothing has changed but when it was.", *notes])
        table(f"Import of a Nessus report of {findings:,} findings ({size / 2**20:.0f} MiB)", rows, note)


def measure(machine, store, findings, first, again):
    store.fresh()
    store.settle()
    seconds, peak, said = machine.measure_fynd(store.env, "import", "--tenant", "norrvik", first)
    outcome = f"{findings} read: {findings} created, 0 updated, 0 unchanged, 0 rejected"
    assert outcome in said, said
    made = store.counts()
    alone = store.raw_first(["finding"])
    every = store.raw_first(TABLES)
    store.settle()
    seconds_again, peak_again, said = machine.measure_fynd(store.env, "import", "--tenant", "norrvik", again)
    assert f"{findings} read: 0 created, 0 updated, {findings} unchanged, 0 rejected" in said, said
    made["event"] += 1  # that the import has ended
    assert store.counts() == made, "the second import changed more than when it was seen"
    upsert = store.raw_again()
    store.filled = findings
    total = sum(made.values())
    what = {"SQLite": "executemany in one transaction", "PostgreSQL": "COPY in one transaction"}[store.name]
    per_second = lambda took: findings / took
    return [
        row(f"{store.name}, first", per_second(seconds), per_second(every),
            f"all {total:,} rows of {len(TABLES)} tables, raw: {what}", "findings/s", f" ({seconds:.1f} s)"),
        row(f"{store.name}, first", per_second(seconds), per_second(alone), f"the rows of `finding` alone, raw: {what}",
            "findings/s"),
        row(f"{store.name}, again", per_second(seconds_again), per_second(upsert),
            "the rows of `sighting`, raw: upsert in one transaction", "findings/s", f" ({seconds_again:.1f} s)"),
        (f"{store.name}, peak memory", f"{peak:.0f} MiB first, {peak_again:.0f} MiB again", "",
         "VmHWM of `fynd import`", ""),
    ], f"{store.name} holds " + ", ".join(f"{count:,} {name}" for name, count in made.items()) + "."


def copied(source, target):
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while chunk := reader.read(64 << 10):
            writer.write(chunk)
        os.fsync(writer.fileno())
    pathlib.Path(target).unlink()

"""How long until it serves, and how large it is."""

import shutil
import statistics

from machine import output, table
from stores import timed

TIMES = 5


def run(machine, stores, args):
    rows = []
    for store in stores:
        if not store.filled:
            store.fresh()
        existing, holds = store.env, store.filled or 0
        bare = []
        kept = started(machine, lambda: existing, bare)
        rows.append(shown(f"{store.name}, a store with {holds:,} findings", kept, bare))
        new = []
        bare = []
        filled = store.filled
        for _ in range(TIMES):
            store.make_empty()
            new += started(machine, lambda: store.env, bare, times=1)
        what = "a new file, its tables made" if store.name == "SQLite" else "a new database, migrated before"
        rows.append(shown(f"{store.name}, {what}", new, bare))
        store.env, store.filled = existing, filled
    table(f"From the start of the process until /readyz answers 200 (median of {TIMES})", rows)
    sizes(machine)


def started(machine, env, bare, times=TIMES):
    took = []
    for _ in range(times):
        with machine.serving(env()) as (_, _, seconds):
            took.append(seconds)
        bare.append(timed(lambda: output([machine.fynd, "--version"])))
    return took


def shown(what, took, bare):
    took, bare = statistics.median(took) * 1000, statistics.median(bare) * 1000
    return what, f"{took:.0f} ms", f"{bare:.1f} ms", "`fynd --version`, until it has ended", f"{took / bare:.0f} times"


def sizes(machine):
    stripped = machine.folder / "stripped"
    mib = lambda path: f"{path.stat().st_size / 2**20:.1f} MiB"
    shutil.copy2(machine.fynd, stripped)
    if shutil.which("strip"):
        output(["strip", stripped])
    print(f"## Size of the binary\n\n{mib(machine.fynd)}; stripped {mib(stripped)}\n")

"""Says in one line how much schemathesis did: figures.py REPORT…. What was not tried at all is a failure."""

import json
import os
import sys


def figures(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    operations, cases, part = report["operations"], report["test_cases"], os.path.basename(path).removesuffix(".json")
    # The stateful phase follows links from operation to operation, as far as its time goes.
    if part != "chains" and operations["tested"] != operations["total"]:
        print(f"only {operations['tested']} of {operations['total']} {part} were tried")
        sys.exit(1)
    return f"{cases['generated']} requests to {operations['total']} {part} in {report['running_time']:.0f} s"


print(", ".join(map(figures, sys.argv[1:])))

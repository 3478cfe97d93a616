"""Runs the `sh` blocks of a quick start as they stand, one after the other in one shell, and compares what each prints
with the `text` block that follows it (nothing, where none does). In such an answer `…` stands for anything on its line.

    quickstart.py FILE FOLDER ADDRESS    runs in FOLDER; the demo of the text, 127.0.0.1:8080, is at ADDRESS

Every other block is a mistake: a reader would copy it, and nothing would try it.
"""

import re
import subprocess
import sys
from pathlib import Path

WRITTEN = "127.0.0.1:8080"


def blocks(text: str) -> list[tuple[str, str]]:
    """The commands and the answer that the text promises, in order."""
    found: list[tuple[str, str]] = []
    answered = True
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language == "sh":
            found.append((body, ""))
            answered = False
        elif language == "text" and not answered:
            found[-1] = (found[-1][0], body)
            answered = True
        else:
            sys.exit(f"a block of `{language}` that nothing tries:\n{body}")
    if not any(answer for _, answer in found):
        sys.exit("it promises no answer")
    return found


def promised(answer: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in answer.split("…")))


def main(page: Path, folder: Path, address: str) -> None:
    steps = blocks(page.read_text().replace(WRITTEN, address))
    lines = ["set -euo pipefail"]
    for number, (commands, _) in enumerate(steps):
        folder.joinpath(f"{number}.sh").write_text(commands)
        lines.append(f". '{folder}/{number}.sh' >'{folder}/{number}.out' 2>'{folder}/{number}.err'")
    shell = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=folder, stdin=subprocess.DEVNULL, check=False)
    for number, (commands, answer) in enumerate(steps):
        out, err = (folder / f"{number}.{kind}" for kind in ("out", "err"))
        told = f"\n{commands}it said\n{out.read_text() if out.exists() else '(it never ran)'}"
        complaint = err.read_text() if err.exists() else ""
        last = not (folder / f"{number + 1}.out").exists()
        if not out.exists() or (last and shell.returncode != 0):
            sys.exit(f"block {number + 1} of {len(steps)} failed with {shell.returncode}:{told}{complaint}")
        if not promised(answer).fullmatch(out.read_text()):
            sys.exit(f"block {number + 1} of {len(steps)} answers something else than\n{answer}{told}{complaint}")
    print(len(steps))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

"""The machine that is measured on: a temporary folder, processes, ports, and the table that comes out."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request


class Missing(Exception):
    """Something that has to be installed, in one line."""


def output(command, check=True, **more):
    command = [str(part) for part in command]
    return subprocess.run(command, check=check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **more).stdout


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def peak_mib(pid):
    """VmHWM, in MiB; 0 once the process is gone."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found.group(1)) / 1024 if found else 0
    return 0


def table(title, rows, note=""):
    """Rows of (what, measured, limit, what the limit is, ratio); a number's unit stands with it."""
    print(f"## {title}\n\n| what | Fynd | limit | the limit is | Fynd / limit |\n|---|--:|--:|---|--:|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(f"\n{note}\n" if note else "", flush=True)


def row(what, measured, limit, meaning, unit, detail=""):
    """A rate beside its limit."""
    digits = 0 if min(measured, limit) >= 100 else 1
    ratio = f"{measured / limit:.3f}" if limit else "–"
    return what, f"{measured:,.{digits}f} {unit}{detail}", f"{limit:,.{digits}f} {unit}", meaning, ratio


class Machine:
    """Everything a run makes, and its end. Only what was started here is ended."""

    def __init__(self, fynd):
        if not os.access(fynd, os.X_OK):
            raise Missing(f"{fynd} is no executable; set FYND_BIN")
        self.binary = fynd
        # Not TMPDIR: root's own may be closed to the database's user.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fynd-bench.", dir="/tmp" if os.getuid() == 0 else None))
        self.folder.chmod(0o755)
        # A copy, so that a build beside the run does not change what is measured.
        self.fynd = self.folder / "fynd"
        shutil.copy2(fynd, self.fynd)
        self.processes, self.endings = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.end(process)
        for ending in self.endings:
            ending()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def require(self, program, package, what):
        """Finds a program; Debian's package is installed where that is allowed."""
        if shutil.which(program):
            return
        if os.getuid() == 0 and shutil.which("apt-get"):
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(["apt-get", "-q", "update"], check=False, **quiet)
            subprocess.run(["apt-get", "-qy", "install", "--no-install-recommends", package], check=False, **quiet)
        if not shutil.which(program):
            raise Missing(f"{program} ({what}) is missing: apt-get install {package}")

    def wrk_version(self):
        if not shutil.which("wrk"):
            return "no wrk"
        said = subprocess.run(["wrk", "-v"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
        return " ".join(said.split()[:2])

    # --- fynd ---------------------------------------------------------------------------------

    def environment(self, settings):
        own = {name: value for name, value in os.environ.items() if not name.startswith("FYND_")}
        spool = {"FYND_IMPORTS_SPOOL_FOLDER": str(self.folder), "FYND_IMPORTS_MAX_BYTES": str(8 << 30)}
        # One client sends all of the load; the limits would be measured instead of the service.
        unlimited = {"FYND_LIMITS_REQUESTS_PER_MINUTE": "0", "FYND_LIMITS_TENANT_REQUESTS_PER_MINUTE": "0",
                     "FYND_LIMITS_GRAPHQL_COST_PER_MINUTE": "0", "FYND_LIMITS_OAUTH_PER_MINUTE": "0",
                     "FYND_LIMITS_CLIENT_CONCURRENT_REQUESTS": "0"}
        return own | spool | unlimited | settings

    def run_fynd(self, settings, *arguments):
        return output([self.fynd, *arguments], cwd=self.folder, env=self.environment(settings))

    def measure_fynd(self, settings, *arguments):
        """(seconds, peak MiB, stdout) of one command."""
        began = time.perf_counter()
        process = subprocess.Popen([str(self.fynd), *map(str, arguments)], cwd=self.folder, text=True,
                                   env=self.environment(settings), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        peak, over = [0], threading.Event()

        def watch():
            while not over.wait(0.02):
                peak[0] = max(peak[0], peak_mib(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        out, err = process.communicate()
        seconds = time.perf_counter() - began
        over.set()
        watcher.join()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args, out, err)
        return seconds, peak[0], out

    @contextlib.contextmanager
    def serving(self, settings):
        """(process, base URL, seconds until ready) of a server with the settings as they are by default."""
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        settings = settings | {"FYND_LISTEN": f"127.0.0.1:{port}"}
        with open(self.folder / "server.log", "wb") as log:
            began = time.perf_counter()
            process = subprocess.Popen([str(self.fynd), "serve"], cwd=self.folder, env=self.environment(settings),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        try:
            while not ready(base):
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise Missing("fynd serve did not start: " + (self.folder / "server.log").read_text()[-500:])
                time.sleep(0.001)
            yield process, base, time.perf_counter() - began
        finally:
            self.end(process)


def ready(base):
    with contextlib.suppress(OSError):
        return ask(base + "/readyz")[0] == 200
    return False


def ask(url, token="", body=None, **headers):
    """(status, headers, body) of one request."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()

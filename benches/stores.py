"""The two stores, as Fynd opens them and as they are without it."""

import multiprocessing
import os
import pathlib
import pwd
import re
import secrets
import shutil
import sqlite3
import subprocess
import time

from machine import Missing, free_port, output

TENANTS = {"norrvik": "Norrvik", "alvsund": "Älvsund"}
# Everything that an import fills, parents first.
TABLES = ["source", "scan_scope", "asset", "asset_identifier", "asset_sighting", "asset_term", "finding", "finding_version",
          "sighting", "scope_sighting", "finding_evidence", "finding_term", "event", "task", "task_finding"]
SEEN_AGAIN = """INSERT INTO {into} (tenant_id, finding_id, last_seen, observed_at, content_hash) {rows}
    ON CONFLICT (tenant_id, finding_id) DO UPDATE
    SET last_seen = excluded.last_seen, observed_at = excluded.observed_at, content_hash = excluded.content_hash"""
CLIENTS = 16


class Store:
    """What both have in common: a new store with two municipalities, and `fynd` on it."""

    def __init__(self, machine):
        self.machine = machine
        self.filled = None  # how many findings the import part left behind

    def fresh(self):
        self.filled = None
        self.make()
        for slug, name in TENANTS.items():
            self.machine.run_fynd(self.env, "tenant", "add", slug, name)

    def counts(self):
        return {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}

    def token(self, *slugs):
        named = [part for slug in slugs for part in ("--tenant", slug)]
        return self.machine.run_fynd(self.env, "token", *named, "--ttl", "1d", "--scope",
                                     "findings:read assets:read tasks:read feed:read evidence:read").strip()


class Sqlite(Store):
    name = "SQLite"
    number = 0
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"

    def make(self):
        Sqlite.number += 1
        self.folder = self.machine.folder / f"sqlite{self.number}"
        self.folder.mkdir()
        self.file = self.folder / "fynd.db"
        self.env = {"FYND_DATABASE_URL": f"sqlite://{self.file}", "FYND_KEY_FILE": str(self.folder / "fynd.key")}

    def make_empty(self):
        self.make()

    def settings(self):
        return (f"WAL, synchronous=NORMAL, cache 64 MiB (as Fynd opens it); the limit is Python's sqlite3 "
                f"{sqlite3.sqlite_version}, foreign keys off")

    def connect(self, file):
        connection = sqlite3.connect(file, isolation_level=None, timeout=60)
        connection.executescript(self.pragmas)
        return connection

    def query(self, sql):
        with sqlite3.connect(self.file) as connection:
            return connection.execute(sql).fetchall()

    @staticmethod
    def id(value):
        return f"X'{value.hex()}'"

    @staticmethod
    def text_id(value):
        number = value.hex()
        return "-".join([number[:8], number[8:12], number[12:16], number[16:20], number[20:]])

    def settle(self):
        os.sync()

    def tidy(self):
        """`PRAGMA optimize` has run when Fynd closed the store."""

    def raw_first(self, tables):
        """Seconds to write the same rows into the same tables, by executemany in one transaction."""
        raw = self.folder / "raw.db"
        raw.unlink(missing_ok=True)
        source, target = sqlite3.connect(self.file), self.connect(raw)
        target.execute("PRAGMA wal_autocheckpoint=1000")
        made = source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")
        target.executescript(";".join(sql for (sql,) in made))
        seconds = timed(lambda: target.execute("BEGIN IMMEDIATE"))
        for table in tables:
            rows = source.execute(f"SELECT * FROM {table}")
            insert = f"INSERT INTO {table} VALUES ({','.join('?' * len(rows.description))})"
            while some := rows.fetchmany(5000):
                seconds += timed(lambda: target.executemany(insert, some))
        seconds += timed(lambda: target.execute("COMMIT"))
        target.close()
        source.close()
        return seconds

    def raw_again(self):
        rows = self.query("SELECT tenant_id, finding_id, last_seen, observed_at, content_hash FROM sighting")
        target = self.connect(self.folder / "raw.db")

        def write():
            target.execute("BEGIN IMMEDIATE")
            target.executemany(SEEN_AGAIN.format(into="sighting", rows="VALUES (?, ?, ?, ?, ?)"), rows)
            target.execute("COMMIT")

        seconds = timed(write)
        target.close()
        return seconds

    def rate(self, transactions, seconds):
        """Transactions a second of the statements, by one Python process per core."""
        with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
            work = [(self.file, self.pragmas, transactions, seconds)] * os.cpu_count()
            return sum(pool.map(read_for, work))


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def read_for(work):
    file, pragmas, transactions, seconds = work
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=100)
    connection.executescript(pragmas)
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for statements in transactions:
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement).fetchall()
            connection.execute("COMMIT")
        done += 1
    return done / elapsed


class Postgres(Store):
    name = "PostgreSQL"
    number = 0
    conf = {"shared_buffers": "512MB", "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": "100"}

    def __init__(self, machine):
        super().__init__(machine)
        self.bin = server_binaries()
        self.folder = machine.folder / "postgres"
        self.folder.mkdir()
        self.password = secrets.token_hex(16)
        (self.folder / "password").write_text(self.password)
        if os.getuid() == 0:
            shutil.chown(self.folder, *[self.owner()] * 2)
            shutil.chown(self.folder / "password", self.owner())
        machine.endings.append(self.stop)
        self.unprivileged("initdb", "-D", "data", "-U", "bench", "--pwfile=password", "-A", "scram-sha-256", "-E",
                          "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(self.folder / "data/postgresql.conf", "a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self.conf.items())
        self.port = free_port()
        self.unprivileged("pg_ctl", "start", "-D", "data", "-l", "log", "-o", f"-p {self.port}", "-w", "-t", "60")
        for role in ("fynd_owner", "fynd"):
            self.psql("postgres", f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}'")

    @staticmethod
    def owner():
        try:
            return pwd.getpwnam("postgres").pw_name
        except KeyError:
            return "nobody"

    def unprivileged(self, program, *arguments):
        """PostgreSQL refuses to run as root."""
        command = [str(self.bin / program), *arguments]
        if os.getuid() == 0:
            group = str(pwd.getpwnam(self.owner()).pw_gid)
            command = ["setpriv", "--reuid", self.owner(), "--regid", group, "--clear-groups", "--", *command]
        # The server outlives pg_ctl and would hold a pipe open.
        with open(self.machine.folder / "postgres.out", "w+") as out:
            done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            if done.returncode:
                out.seek(0)
                raise subprocess.CalledProcessError(done.returncode, command, stderr=out.read()[-800:])

    def stop(self):
        if (self.folder / "data/postmaster.pid").exists():
            self.unprivileged("pg_ctl", "stop", "-D", "data", "-m", "immediate")

    def psql(self, database, *commands, user="bench", transaction=True):
        one = ["-1"] if transaction else []
        named = [part for command in commands for part in ("-c", command)]
        command = [self.bin / "psql", "-h", "127.0.0.1", "-p", self.port, "-U", user, "-d", database, "-qAtX",
                   "-F", "\t", "-v", "ON_ERROR_STOP=1", *one, *named]
        return output(command, env=os.environ | {"PGPASSWORD": self.password})

    def url(self, role):
        return f"postgres://{role}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def make(self):
        """The owner makes the tables; the server's role is bound by row-level security."""
        Postgres.number += 1
        self.database = f"fynd{self.number}"
        self.psql("postgres", f"CREATE DATABASE {self.database} OWNER fynd_owner", transaction=False)
        key = {"FYND_KEY_FILE": str(self.machine.folder / f"{self.database}.key")}
        self.env = key | {"FYND_DATABASE_URL": self.url("fynd")}
        self.machine.run_fynd(key | {"FYND_DATABASE_URL": self.url("fynd_owner")}, "migrate", "--server-role", "fynd")

    make_empty = make

    def settings(self):
        names = ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size",
                 "work_mem", "jit"]
        shown = [f"{name}={self.psql('postgres', f'SHOW {name}').strip()}" for name in names]
        return f"{', '.join(shown)}; Fynd runs as a role that row-level security binds"

    def query(self, sql):
        lines = self.psql(self.database, sql).splitlines()
        return [tuple(int(field) if field.isdigit() else field for field in line.split("\t")) for line in lines]

    @staticmethod
    def id(value):
        return f"'{value}'"

    @staticmethod
    def text_id(value):
        return value

    def settle(self):
        self.psql(self.database, "CHECKPOINT", transaction=False)
        os.sync()

    def tidy(self):
        self.psql(self.database, "VACUUM ANALYZE", transaction=False)

    def raw_first(self, tables):
        """Seconds to COPY the same rows into tables of the same shape and indexes, in one transaction."""
        for table in tables:
            self.psql(self.database, f"\\copy (SELECT * FROM {table}) TO '{self.file_of(table)}'")
        self.psql(self.database, "DROP SCHEMA IF EXISTS raw CASCADE", "CREATE SCHEMA raw",
                  *(f"CREATE TABLE raw.{table} (LIKE {table} INCLUDING ALL)" for table in tables))
        self.settle()
        copies = [f"\\copy raw.{table} FROM '{self.file_of(table)}'" for table in tables]
        return timed(lambda: self.psql(self.database, *copies))

    def raw_again(self):
        file = self.file_of("sighting")
        self.psql(self.database, f"\\copy (SELECT * FROM sighting) TO '{file}'")
        self.settle()
        write = SEEN_AGAIN.format(into="raw.sighting", rows="SELECT tenant_id, finding_id, last_seen, observed_at, content_hash FROM seen")
        steps = ["CREATE TEMPORARY TABLE seen (LIKE sighting)", f"\\copy seen FROM '{file}'", write]
        seconds = timed(lambda: self.psql(self.database, *steps))
        self.psql(self.database, "DROP SCHEMA raw CASCADE")
        return seconds

    def file_of(self, table):
        return self.machine.folder / f"{table}.copy"

    def rate(self, transactions, seconds, wall=True):
        """Transactions a second of the statements, by pgbench as the server's role, or as one that no wall binds."""
        tenants = ",".join(str(tenant) for (tenant,) in self.query("SELECT id FROM tenant ORDER BY id"))
        begin = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
        begin += [f"SET LOCAL app.tenants = '{tenants}'"] if wall else []
        script = self.machine.folder / "statements.sql"
        lines = [line for statements in transactions for line in (*begin, *statements, "COMMIT")]
        script.write_text("".join(f"{line};\n" for line in lines))
        said = output([self.bin / "pgbench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 1, "-T",
                       max(1, round(seconds)), "-f", script, "-h", "127.0.0.1", "-p", self.port, "-U",
                       "fynd" if wall else "bench", self.database], env=os.environ | {"PGPASSWORD": self.password})
        return float(re.search(r"^tps = ([\d.]+)", said, re.MULTILINE).group(1))


def server_binaries():
    """The folder of the server's programs, 15 or later: the one in PATH, else Debian's highest."""
    near = shutil.which("initdb")
    folders = [pathlib.Path(near).parent] if near else []
    folders += sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres", "psql", "pgbench")):
            if int(re.search(r"\d+", output([folder / "postgres", "-V"])).group()) >= 15:
                return folder
    raise Missing("PostgreSQL 15 or later (server, psql, pgbench) is missing: apt-get install postgresql")

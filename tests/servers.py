"""Real servers for tests, each a process of its own in a folder of its own: PostgreSQL, and an S3 service."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pestcheck.store.db import Database

BUCKET = "yard"
TABLES = """SELECT relname::text, concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attcollation)
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT 'alembic_version', version_num FROM alembic_version ORDER BY 1, 2"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's newest server programs, which Debian does not put on the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    return next((folder for folder in [*folders, *([Path(on_path).parent] if on_path else [])] if (folder / "initdb").is_file()), None)


class PostgreSQL:
    """A cluster in a folder, which can be stopped without warning and started again. Its databases sort text as English does."""

    def __init__(self, folder: Path) -> None:
        programs = postgresql_programs()
        if programs is None:
            pytest.skip("needs a PostgreSQL server: apt install postgresql")
        if importlib.util.find_spec("psycopg") is None:
            pytest.skip("needs psycopg: pip install 'pestcheck[postgres]'")
        self.programs, self.folder, self.port, self._made = programs, folder, free_port(), 0
        self._free: list[str] = []
        # The server refuses to run as root; Debian's package makes a user for it.
        self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self._as_user:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "--username=pestcheck", "--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self.programs / program), "-D", str(self.folder / "cluster"), *arguments]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=on"
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder / 'log'}", f"--options={options}")

    def runs(self) -> bool:
        """Whether the server is up."""
        status = [*self._as_user, str(self.programs / "pg_ctl"), "-D", str(self.folder / "cluster"), "status"]
        return subprocess.run(status, cwd=self.folder, capture_output=True).returncode == 0

    def stop(self) -> None:
        """End it at once, as a power cut would: it has to recover when it starts again."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def new_database(self) -> str:
        """The address of a database of its own: a schema, which is made and removed much faster than a database."""
        self._made += 1
        with self._connection() as connection:
            connection.execute(f"CREATE SCHEMA test{self._made}")
        return f"postgresql://pestcheck@127.0.0.1:{self.port}/postgres?options=-csearch_path%3Dtest{self._made}"

    @contextmanager
    def lent_database(self) -> Iterator[str]:
        """The address of a database with the newest tables and nothing in them. It is emptied and lent again: to make one takes half a second."""
        from psycopg.sql import SQL, Identifier

        if not self._free:
            self._free.append(self.new_database())
            Database(self._free[-1]).close()
        url = self._free.pop()
        with self._connection(url) as connection:
            tables = connection.execute(TABLES).fetchall()
        yield url
        with self._connection(url) as connection:
            if connection.execute(TABLES).fetchall() == tables:
                names = sorted({name for name, _ in tables} - {"alembic_version"})
                # As a replica does: no foreign key asks for an order.
                connection.execute("SET session_replication_role = replica; SET lock_timeout = '10s'")
                connection.execute(SQL("; ").join(SQL("DELETE FROM {}").format(Identifier(name)) for name in names))
                self._free.append(url)

    def _connection(self, url: str | None = None) -> Any:
        from psycopg import connect

        return connect(url or f"postgresql://pestcheck@127.0.0.1:{self.port}/postgres", autocommit=True)


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """A server while it is needed."""
    # Not in pytest's own folder: the server runs as another user, who may not look in there.
    folder = Path(tempfile.mkdtemp(prefix="pestcheck-postgresql-"))
    try:
        server = PostgreSQL(folder)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder)


class S3Service:
    """An S3 service with one bucket, which can be made to hang and to go on. It keeps what it has in memory."""

    def __init__(self, folder: Path) -> None:
        for package, extra in (("s3fs", "s3"), ("moto", "test"), ("flask", "test")):
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"needs {package}: pip install 'pestcheck[{extra}]'")
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = (folder / "log").open("wb")
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", self.url.rpartition(":")[2]]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env=os.environ | self.environment)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        self.client("create_bucket", Bucket=BUCKET)

    @property
    def environment(self) -> dict[str, str]:
        """What an AWS client needs to be told."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "yard", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url + "/moto-api/", timeout=5).read()
        except OSError:
            return False
        return True

    def client(self, call: str, **arguments: Any) -> Any:
        """Ask the service behind the program's back."""
        import botocore.session

        session = botocore.session.Session()
        client = session.create_client(
            "s3", endpoint_url=self.url, aws_access_key_id="yard", aws_secret_access_key="not-a-secret", region_name="us-east-1"
        )
        return getattr(client, call)(**arguments)

    def names(self) -> list[str]:
        """What is in the bucket."""
        return [entry["Key"] for entry in self.client("list_objects_v2", Bucket=BUCKET).get("Contents", [])]

    def pause(self) -> None:
        """Take connections and never answer."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; all that it kept is gone."""
        self.process.kill()
        self.process.wait()
        self._log.close()

"""Makes and removes a database of its own on the throw-away server, and the role that Fynd serves as.

    postgres.py create URL NAME    prints the owner's URL and the server's URL
    postgres.py drop URL NAME
"""

import sys
from urllib.parse import urlsplit

import pg8000.dbapi

do, url, name = sys.argv[1:]
at = urlsplit(url)
connection = pg8000.dbapi.connect(
    user=at.username, password=at.password, host=at.hostname, port=at.port, database=at.path.lstrip("/")
)
connection.autocommit = True
cursor = connection.cursor()
if do == "create":
    cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    cursor.execute(f"CREATE DATABASE {name}")
    print(f"postgres://{at.username}:{at.password}@{at.hostname}:{at.port}/{name}")
    print(f"postgres://{name}:{name}@{at.hostname}:{at.port}/{name}")
else:
    cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    cursor.execute(f"DROP ROLE IF EXISTS {name}")

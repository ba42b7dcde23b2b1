"""DuckDB, set up so that it keeps nothing, installs nothing and stays within its memory."""

import os


class Engine:
    """One connection of an embedded DuckDB."""

    def __init__(self, folder, threads, memory_bytes):
        import duckdb

        self.connection = duckdb.connect(
            ":memory:",
            config={
                "threads": str(threads),
                "memory_limit": "%dKiB" % (memory_bytes // 1024),
                "temp_directory": folder,
                "autoinstall_known_extensions": "false",
            },
        )
        # A Python shell has no home that could be written to.
        self.run("SET home_directory = %s" % literal(folder))

    def run(self, sql):
        """Runs one statement."""
        self.connection.execute(sql)

    def rows(self, sql):
        """All rows of a small result, as tuples."""
        return self.connection.execute(sql).fetchall()

    def value(self, sql):
        """The first value of the first row."""
        return self.rows(sql)[0][0]

    def close(self):
        self.connection.close()


def literal(text):
    """A DuckDB string literal."""
    return "'%s'" % text.replace("'", "''")


def machine_memory_bytes():
    """Memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

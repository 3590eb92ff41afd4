"""How far DuckDB reaches: it fetches nothing ever, and once its files are open it opens no others."""

FETCHES_NOTHING = {
    # Without these, some statements and some Parquet files try the network.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
ONE_DATABASE = FETCHES_NOTHING | {"enable_external_access": False, "lock_configuration": True}


def close(con, *folders):
    """From here on SQL reaches no file but what is open and what lies in the folders, and no statement opens a door again."""
    allowed = ", ".join("'" + str(folder.resolve()).replace("'", "''") + "'" for folder in folders)
    con.execute(f"set allowed_directories = [{allowed}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")

"""The customer graph: loading, both stores, snapshots as of a date, neighbourhoods."""

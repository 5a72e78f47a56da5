"""The condition after `--where`: a small part of SQL, asked of a database or of a stream.

Columns are a closed set and every literal becomes a parameter of the query, so that whatever
stands in a condition is data and never SQL.
"""

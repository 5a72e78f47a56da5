"""The live dashboard: what the log says now and what ClickHouse keeps, on a page."""

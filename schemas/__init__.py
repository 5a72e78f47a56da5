"""What two processes must agree on: topics, schemas, body, embodiments, profiles, checks."""

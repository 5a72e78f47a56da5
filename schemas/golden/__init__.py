"""Golden examples: one framed value for every schema, in bytes and in readable form."""

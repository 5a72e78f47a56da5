"""Pictures of what is at rest."""

"""The robots' side: publisher SDK, recording readers, fleet simulator, onboarding."""

"""Dead letters as people work with them: what was refused, what became of it, put it back."""

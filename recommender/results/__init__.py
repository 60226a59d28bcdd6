"""The experiments behind the project's claims: what was run, what came out, and how to run it again."""

"""The web process: health and numbers of the book over HTTP, for monitors; it reads and nothing else."""

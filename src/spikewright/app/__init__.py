"""What a person meets: Python functions (api), verbs (runs), a terminal (cli), pages."""

"""What each verb does, from names and paths to a run folder and figures; the command line is a coat over it."""

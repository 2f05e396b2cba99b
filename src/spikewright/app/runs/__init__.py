"""What each verb does, one file each: a request, `run` of it, a result; the command line is a coat over it."""

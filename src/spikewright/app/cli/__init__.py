"""The command line: one file a verb. A verb parses, calls one function of `runs`, and prints."""

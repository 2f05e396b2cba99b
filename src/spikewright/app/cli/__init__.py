"""The command line: one file a verb. A verb parses, makes a request of `runs`, calls its `run`, and prints."""

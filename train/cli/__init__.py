"""The command line: words to a command, a file to what it describes."""

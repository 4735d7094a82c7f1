"""The command line: it reads the words of a command, and starts what they ask for."""

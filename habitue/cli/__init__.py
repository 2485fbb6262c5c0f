"""The command line: thin over `Engine`; every verb is one function that calls one method."""
